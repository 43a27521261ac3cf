"""What is worth an alert about the catalogue, when it ends, and what stands of a day at all."""

from __future__ import annotations

import datetime as dt

from radar_pipeline.domain.alert import Alert
from radar_pipeline.domain.catalogue.alert import watch_drift, watch_registration, watch_rows
from radar_pipeline.domain.catalogue.drift import Finding, FindingKind, Place, Remedy
from radar_pipeline.domain.catalogue.proven import standing
from radar_pipeline.domain.ledger import Judgement
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder

DAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 24, 5, tzinfo=dt.UTC)
BEFORE = NOW - dt.timedelta(days=2)
CRITICAL = {"store"}


def finding(table: str, kind: FindingKind = FindingKind.MISSING, where: Place = Place.GLUE) -> Finding:
    return Finding(table, DAY, kind, where, f"{table} {DAY}: is not there", Remedy.REGISTER)


def drift(
    *findings: Finding, opened: tuple[Alert, ...] = (), is_whole: bool = True
) -> tuple[tuple[Alert, ...], set[str]]:
    watched = watch_drift(
        findings,
        is_whole=is_whole,
        database="bronze_radar",
        critical=CRITICAL,
        opened={alert.fingerprint: alert for alert in opened},
        now=NOW,
    )
    return watched.raised, {each.fingerprint for each in watched.resolved}


def registration(failed: dict[str, str], opened: tuple[Alert, ...] = ()) -> tuple[tuple[Alert, ...], set[str]]:
    watched = watch_registration(
        failed,
        day=DAY,
        database="bronze_radar",
        critical=CRITICAL,
        opened={alert.fingerprint: alert for alert in opened},
        now=NOW,
    )
    return watched.raised, {each.fingerprint for each in watched.resolved}


def test_drift_is_one_alert_that_names_tables_once_critical_ones_first_and_says_what_to_do() -> None:
    ((alert,), ended) = drift(finding("menu"), finding("store"), finding("store", FindingKind.WRONG))
    assert ended == set()
    assert (alert.fingerprint, alert.severity) == ("catalogue/bronze_radar", Severity.ERROR)
    assert [table.name for table in alert.tables] == ["store", "menu"]
    assert "2 missing in Glue, 1 wrong in Glue" in alert.summary
    assert "radar catalog repair --apply" in alert.next_step
    ((ordinary,), _) = drift(finding("menu"))
    assert ordinary.severity is Severity.WARNING


def test_drift_keeps_its_beginning_and_a_clean_look_ends_it_with_every_day_that_was_told() -> None:
    ((alert,), _) = drift(finding("menu"))
    old = Alert(**{**alert.__dict__, "since": BEFORE})
    ((again,), _) = drift(finding("menu"), opened=(old,))
    assert again.since == BEFORE
    ((of_day,), _) = registration({"menu": "refused"})
    other = Alert(**{**alert.__dict__, "fingerprint": "catalogue/another_database"})
    assert drift(opened=(old, of_day, other)) == ((), {"catalogue/bronze_radar", f"catalogue/bronze_radar/{DAY}"})


def test_a_finding_that_stays_keeps_no_day_open_but_its_own() -> None:
    ((of_day,), _) = registration({"menu": "refused"})
    other = Alert(**{**of_day.__dict__, "fingerprint": f"catalogue/bronze_radar/{DAY - dt.timedelta(days=1)}"})
    opened = (of_day, other)
    assert drift(finding("menu"), opened=opened)[1] == {other.fingerprint}
    stranger = Finding("x", None, FindingKind.ORPHANED, Place.GLUE, "x is of no table")
    assert drift(stranger, opened=opened)[1] == {of_day.fingerprint, other.fingerprint}
    unlike = Finding("store", None, FindingKind.WRONG, Place.GLUE, "store is elsewhere: no day of it was compared")
    assert drift(unlike, opened=opened)[1] == set()
    assert drift(finding("menu"), opened=opened, is_whole=False)[1] == set(), "what was not read may be the day's"


def test_a_day_that_is_not_registered_whole_is_told_and_ends_when_it_is() -> None:
    ((alert,), _) = registration({"menu": "its columns do not fit", "store": "refused"})
    assert alert.severity is Severity.ERROR
    assert (alert.tables[0].name, alert.tables[0].reason) == ("store", "refused")
    assert registration({}, opened=(alert,)) == ((), {alert.fingerprint})
    assert registration({}) == ((), set())


def test_athenas_own_count_is_told_apart_from_the_registration() -> None:
    def rows(differing: dict[str, str], opened: tuple[Alert, ...] = ()) -> tuple[tuple[Alert, ...], set[str]]:
        known = {alert.fingerprint: alert for alert in opened}
        watched = watch_rows(differing, day=DAY, database="bronze_radar", opened=known, now=NOW)
        return watched.raised, {each.fingerprint for each in watched.resolved}

    ((alert,), _) = rows({"store": "Athena counts 5 rows and 6 were proven"})
    assert (alert.fingerprint, alert.severity) == (f"athena/bronze_radar/{DAY}", Severity.ERROR)
    assert registration({}, opened=(alert,)) == ((), set())
    assert rows({}, opened=(alert,)) == ((), {alert.fingerprint})


def file(rows: int, *, newest: dt.datetime = BEFORE) -> DataFile:
    return DataFile(f"store/part_{rows}.parquet", 10, NOW, rows, BEFORE, newest)


def test_what_stands_is_what_was_judged_however_many_files_it_lies_in() -> None:
    judged = Judgement("store", 30, 999, 1, BEFORE, True, "checks", "why", NOW)
    assert standing(Folder("store", DAY, (file(10), file(20))), judged).snapshot, "merged files are the same rows"
    for folder in (
        Folder("store", DAY, (file(30), file(20))),
        Folder("store", DAY, (file(30, newest=NOW),)),
        Folder("store", DAY),
    ):
        found = standing(folder, judged)
        assert found.snapshot is None
        assert f"radar run --date {DAY}" in (found.problem or "")
    broken = Folder("store", DAY, (file(30),), broken=(BrokenFile("store/x.parquet", 3, "too short"),))
    assert "too short" in (standing(broken, judged).problem or "")
    assert "away" in (standing(Folder("store", DAY, error="the bucket is away"), judged).problem or "")
