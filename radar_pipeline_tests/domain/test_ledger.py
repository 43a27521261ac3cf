from __future__ import annotations

import datetime as dt

from radar_pipeline.domain.ledger import CHECKS, History, Judgement

DAY = dt.date(2026, 11, 23)
FIRST = dt.datetime(2026, 11, 23, 2, 10, tzinfo=dt.UTC)
SECOND = dt.datetime(2026, 11, 23, 9, 10, tzinfo=dt.UTC)


def judged(minute, *, accepted, by=CHECKS, newest=FIRST, rows=10):
    at = dt.datetime(2026, 11, 23, 12, minute, tzinfo=dt.UTC)
    return Judgement("store", rows, 1, 1, newest, accepted, by, "why", at)


def history(*records, day=DAY):
    return History(judgements={"store": {day: records}})


def test_the_newest_judgement_of_a_day_holds():
    assert history(judged(1, accepted=True), judged(2, accepted=False)).accepted("store") == ()
    assert len(history(judged(1, accepted=False), judged(2, accepted=True)).accepted("store")) == 1


def test_a_person_wins_over_checks_that_judge_again_later():
    mine = history(judged(1, accepted=False), judged(2, accepted=True, by="ana"), judged(3, accepted=False))
    assert mine.judged("store", DAY).by == "ana"
    assert mine.accepted_before("store", DAY + dt.timedelta(days=1))[0].rows == 10


def test_a_persons_word_on_one_snapshot_says_nothing_about_the_next():
    mine = history(judged(1, accepted=True, by="ana"), judged(2, accepted=False, newest=SECOND))
    assert mine.accepted("store") == ()
    assert mine.acceptance("store", DAY, SECOND) is None
    assert mine.acceptance("store", DAY, FIRST).by == "ana"


def test_a_person_may_take_an_acceptance_back():
    mine = history(judged(1, accepted=True, by="ana"), judged(2, accepted=False, by="rui"))
    assert mine.acceptance("store", DAY, FIRST) is None
    assert mine.accepted("store") == ()


def test_the_day_itself_is_no_reference_for_its_own_volume():
    assert history(judged(1, accepted=True)).accepted_before("store", DAY) == ()


def test_a_day_counts_as_rejected_where_its_last_word_is_no():
    mine = History(
        judgements={
            "store": {
                DAY - dt.timedelta(days=3): (judged(1, accepted=False), judged(2, accepted=True, by="ana")),
                DAY - dt.timedelta(days=2): (judged(1, accepted=False), judged(2, accepted=False)),
                DAY - dt.timedelta(days=1): (judged(1, accepted=True), judged(2, accepted=False)),
                DAY: (judged(1, accepted=False),),
            }
        }
    )
    assert mine.rejected_before("store", DAY) == 2
    assert mine.rejected_before("store", DAY - dt.timedelta(days=2)) == 0
    assert mine.rejected_before("menu", DAY) == 0


def test_an_unknown_table_has_no_past():
    assert History().accepted("store") == ()
    assert History().judged("store", DAY) is None
    assert History().source_counts(DAY) == ()
