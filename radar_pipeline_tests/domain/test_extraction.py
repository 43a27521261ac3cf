"""What failed in which attempt, when a sync is aborted for it, and when another one is made."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.extraction import (
    TableFailure,
    attempts_made,
    complete_tables,
    judge_abort,
    judge_repetition,
    table_failures,
    which_attempt,
    words_about,
)
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamCount, StreamState, SyncJob

AT = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
CRITICAL = frozenset({"store"})
GRANT = "source, store: SELECT command denied to user 'bi'@'h' for table 'store'"
BROKE_OFF = "source, store: reading 'store' broke off after 5 of 10 rows"


def attempt(
    number: int = 0,
    status: JobStatus = JobStatus.RUNNING,
    *,
    states: dict[str, StreamState] | None = None,
    failures: dict[str, str] | None = None,
    failure: str | None = None,
) -> Attempt:
    streams = {table: StreamCount(10, state=state) for table, state in (states or {}).items()}
    overall = failure or next(iter((failures or {}).values()), None)
    return Attempt(number, status, AT, streams=streams or None, failure=overall, table_failures=failures or {})


def job(*attempts: Attempt, status: JobStatus = JobStatus.RUNNING, number: int = 7) -> SyncJob:
    return SyncJob(number, JobKind.SYNC, status, AT, AT, attempts)


def judged(sync: SyncJob, *, before: int = 0, allowed: int = 3, complete: frozenset[str] = frozenset()) -> bool:
    failures = table_failures(sync, made_before=before)
    whole = complete | complete_tables([sync])
    return judge_abort(sync, failures, critical=CRITICAL, complete=whole, allowed=allowed).abort


INCOMPLETE, COMPLETE = StreamState.INCOMPLETE, StreamState.COMPLETE


def test_a_table_that_a_running_attempt_calls_incomplete_has_failed_though_nobody_says_why() -> None:
    found = table_failures(job(attempt(1, states={"store": INCOMPLETE, "menu": COMPLETE})), made_before=2)
    assert found == (TableFailure("store", 4),)


def test_a_table_that_a_failure_names_has_failed_in_its_words() -> None:
    found = table_failures(job(attempt(status=JobStatus.FAILED, failures={"store": BROKE_OFF})), made_before=0)
    assert found == (TableFailure("store", 1, BROKE_OFF),)


def test_what_was_under_way_when_a_job_was_cancelled_has_not_failed() -> None:
    ended = attempt(status=JobStatus.FAILED, states={"store": INCOMPLETE, "menu": INCOMPLETE}, failures={"store": "x"})
    found = table_failures(job(ended, status=JobStatus.CANCELLED), made_before=0)
    assert [failure.table for failure in found] == ["store"]


def test_a_critical_table_aborts_the_sync_in_its_last_allowed_attempt_and_not_before() -> None:
    failing = [job(attempt(number, states={"store": INCOMPLETE})) for number in range(3)]
    assert [judged(sync) for sync in failing] == [False, False, True]


def test_attempts_of_earlier_syncs_of_the_day_count() -> None:
    assert judged(job(attempt(states={"store": INCOMPLETE})), before=2)
    assert not judged(job(attempt(states={"store": INCOMPLETE})), before=1)


def test_what_no_repetition_mends_aborts_at_once() -> None:
    assert judged(job(attempt(status=JobStatus.FAILED, failures={"store": GRANT}), status=JobStatus.INCOMPLETE))
    assert not judged(job(attempt(status=JobStatus.FAILED, failures={"store": BROKE_OFF}), status=JobStatus.INCOMPLETE))


def test_what_another_table_failed_with_does_not_abort_the_sync() -> None:
    words = "source, menu: SELECT command denied to user 'bi'@'h' for table 'menu'"
    ended = attempt(status=JobStatus.FAILED, states={"store": INCOMPLETE, "menu": INCOMPLETE}, failures={"menu": words})
    assert not judged(job(ended, status=JobStatus.INCOMPLETE))
    assert judged(job(ended, status=JobStatus.INCOMPLETE), allowed=1)


def test_words_that_nobody_knows_abort_no_sync_before_its_last_attempt() -> None:
    odd = attempt(status=JobStatus.FAILED, failures={"store": "replication, store: the moon is full"})
    assert not judged(job(odd, status=JobStatus.INCOMPLETE))
    assert judged(job(odd, status=JobStatus.INCOMPLETE), allowed=1)
    assert judge_repetition({"menu": "the moon is full"}, newest=ENDED, made=1, allowed=3).repeat


def test_a_table_that_is_not_critical_aborts_nothing() -> None:
    assert not judged(job(attempt(states={"menu": INCOMPLETE})), before=9)


def test_a_table_that_some_attempt_brought_whole_aborts_nothing() -> None:
    first = attempt(status=JobStatus.FAILED, states={"store": COMPLETE, "menu": INCOMPLETE})
    assert not judged(job(first, attempt(1, states={"store": INCOMPLETE})), allowed=1)
    assert not judged(job(attempt(states={"store": INCOMPLETE})), allowed=1, complete=frozenset({"store"}))


STATES = st.dictionaries(st.sampled_from(["store", "menu"]), st.sampled_from(StreamState))


@given(st.sampled_from(JobStatus), st.lists(STATES, max_size=4), st.integers(0, 5), st.integers(1, 5))
def test_only_a_running_sync_is_aborted_and_only_for_a_critical_table_that_failed(
    status: JobStatus, states: list[dict[str, StreamState]], before: int, allowed: int
) -> None:
    sync = job(*(attempt(number, states=each) for number, each in enumerate(states)), status=status)
    if judged(sync, before=before, allowed=allowed):
        assert not status.is_final
        assert any(each.get("store") is INCOMPLETE for each in states)
        assert before + len(states) >= allowed


ENDED = job(attempt(status=JobStatus.FAILED), status=JobStatus.FAILED)


def test_what_is_missing_is_worth_one_more_sync_while_attempts_are_left() -> None:
    first = judge_repetition({"menu": BROKE_OFF}, newest=ENDED, made=2, allowed=3)
    assert (first.repeat, first.tables) == (True, ("menu",))
    assert "attempt 3 of 3" in first.reason
    assert not judge_repetition({"menu": BROKE_OFF}, newest=ENDED, made=3, allowed=3).repeat


def test_attempts_beyond_those_allowed_are_told_as_such() -> None:
    over = judge_repetition({"menu": BROKE_OFF}, newest=ENDED, made=4, allowed=3)
    assert over.reason == "menu: no further sync after 4 attempts, 3 allowed"
    assert [which_attempt(number, 3) for number in (3, 4)] == ["attempt 3 of 3", "attempt 4, 3 allowed"]
    sync = job(attempt(3, states={"store": INCOMPLETE}))
    failures = table_failures(sync, made_before=0)
    verdict = judge_abort(sync, failures, critical=CRITICAL, complete=(), allowed=3)
    assert verdict.reason == "the critical table store could not be extracted in attempt 4, 3 allowed"


def test_a_copy_that_is_not_whole_after_a_sync_that_succeeded_is_worth_another() -> None:
    done = job(attempt(status=JobStatus.SUCCEEDED), status=JobStatus.SUCCEEDED)
    assert judge_repetition({"menu": ""}, newest=done, made=1, allowed=3).repeat


@pytest.mark.parametrize(
    ("lacking", "newest"),
    [
        ({}, ENDED),
        ({"store": GRANT}, ENDED),
        ({"menu": ""}, None),
        ({"menu": ""}, job(attempt())),
        ({"menu": ""}, job(attempt(status=JobStatus.FAILED), status=JobStatus.CANCELLED)),
    ],
    ids=["nothing is missing", "not to be mended", "no sync", "still running", "cancelled"],
)
def test_there_is_no_further_sync_where_it_would_be_wrong(lacking: dict[str, str], newest: SyncJob | None) -> None:
    verdict = judge_repetition(lacking, newest=newest, made=1, allowed=3)
    assert not verdict.repeat
    assert verdict.reason


def test_one_table_worth_it_is_enough_and_is_the_one_named() -> None:
    verdict = judge_repetition({"store": GRANT, "menu": ""}, newest=ENDED, made=1, allowed=3)
    assert (verdict.repeat, verdict.tables) == (True, ("menu",))


def test_a_job_without_attempts_counts_as_one() -> None:
    assert attempts_made([job(), job(attempt(), attempt(1))]) == 3


def test_a_table_is_not_blamed_with_what_another_failed_with() -> None:
    failed = job(attempt(status=JobStatus.FAILED, failures={"store": GRANT}), status=JobStatus.FAILED)
    assert words_about(failed, "store") == GRANT
    assert words_about(failed, "menu") == ""
    lost = job(attempt(status=JobStatus.FAILED, failure="the worker ran out of memory"), status=JobStatus.FAILED)
    assert words_about(lost, "menu") == "the worker ran out of memory"
