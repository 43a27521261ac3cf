"""When a sync shows that a table has no rows, and what becomes of the copies that were read before it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import diagnose
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.landing import Expectation, Landing, LandingVerdict, judge_landing
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamCount, StreamState, SyncJob

DAY = dt.date(2026, 11, 23)
TWO = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
OK, BAD, RUNNING = JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.RUNNING
COMPLETE, INCOMPLETE, UNKNOWN = StreamState.COMPLETE, StreamState.INCOMPLETE, StreamState.UNKNOWN


def began(number: int) -> dt.datetime:
    """When the n-th sync of the day began; each takes five minutes."""
    return TWO + number * 10 * MINUTE


def file(number: int, rows: int, *, sync_id: int | None = None) -> DataFile:
    """What the n-th sync of the day wrote."""
    at = began(number) + MINUTE
    return DataFile(f"part_{number}", rows * 10, at + 2 * MINUTE, rows, at, at + MINUTE, sync_id=sync_id)


def attempt(number: int, status: JobStatus, begin: dt.datetime, told: tuple[int, StreamState] | None) -> Attempt:
    streams = None if told is None else {"store": StreamCount(told[0], state=told[1])}
    return Attempt(number, status, begin, begin + 5 * MINUTE, streams)


def job(number: int, status: JobStatus = OK, told: tuple[int, StreamState] | None = None) -> SyncJob:
    """The n-th sync of the day; without a word about the table where nothing is told, as servers of old."""
    begin = began(number)
    attempts = (attempt(0, status, begin, told),)
    return SyncJob(number, JobKind.SYNC, status, begin, begin + 5 * MINUTE, attempts)


def public(number: int, status: JobStatus = OK) -> SyncJob:
    return SyncJob(number, JobKind.SYNC, status, began(number), began(number) + 5 * MINUTE)


def judged(files: Any = (), *, jobs: Any = (), broken: Any = (), **known: Any) -> LandingVerdict:
    return judge_landing(Folder("store", DAY, tuple(files), tuple(broken)), Expectation(tuple(jobs), **known))


NONE = {"source_rows": (0, 0)}


@pytest.mark.parametrize(
    ("sync", "known", "words"),
    [
        (job(1), NONE, "job 1 succeeded, and the source holds no rows of this table either"),
        (public(1), NONE, "job 1 succeeded, and the source holds no rows of this table either"),
        (job(1, told=(0, COMPLETE)), {}, "job 1 succeeded, and the server says that it read this table to its end"),
        (job(1, told=(0, COMPLETE)), {"source_rows": (0, 9)}, "the server says that it read this table to its end"),
        (job(1, BAD, (0, COMPLETE)), {}, "job 1 failed, but the server says that it read this table to its end"),
    ],
)
def test_no_further_sync_is_worth_it_for_a_table_that_is_empty_at_the_source(
    sync: SyncJob, known: dict[str, Any], words: str
) -> None:
    verdict = judged(jobs=[sync], **known)
    assert (verdict.landing, verdict.is_worth_a_sync) == (Landing.MISSING, False)
    assert words in verdict.reasons[0]
    assert "may_be_empty: true" in verdict.reasons[1]
    assert judged(jobs=[sync], may_be_empty=True, **known).landing is Landing.EMPTY


@pytest.mark.parametrize(
    ("sync", "known"),
    [
        (job(1), {}),
        (job(1), {"source_rows": (5, 5)}),
        (job(1), {"source_rows": (0, 300)}),
        (job(1, told=(5, UNKNOWN)), NONE),
        (job(1, told=(0, COMPLETE)), {"source_rows": (5, 5)}),
        (job(1, told=(0, INCOMPLETE)), {}),
        (job(1, BAD), NONE),
        (job(1, RUNNING, (0, COMPLETE)), {}),
    ],
    ids=["nobody says", "rows", "perhaps rows", "counted", "contradicted", "incomplete", "failed", "running"],
)
def test_a_table_that_nobody_shows_to_be_empty_is_worth_a_sync(sync: SyncJob, known: dict[str, Any]) -> None:
    assert judged(jobs=[sync], **known).is_worth_a_sync


def test_a_table_empty_at_the_source_is_diagnosed_as_such() -> None:
    for told in ((0, COMPLETE), None):
        found = diagnose("; ".join(judged(jobs=[job(1, told=told)], **NONE).reasons))
        assert (found.cause, found.failure_class) == (Cause.NO_DATA, FailureClass.PERMANENT)
        assert "may_be_empty" in found.next_step


EMPTIED = [(job(2, told=(0, COMPLETE)), {}), (job(2), NONE), (public(2), NONE)]
BY = pytest.mark.parametrize(("newer", "known"), EMPTIED, ids=["the server", "the source", "without attempts"])


@BY
@pytest.mark.parametrize("told", [(150, COMPLETE), None])
def test_a_newer_sync_that_found_no_rows_puts_the_older_copy_out_of_date(
    newer: SyncJob, known: dict[str, Any], told: tuple[int, StreamState] | None
) -> None:
    old = file(1, 150)
    recorded = frozenset({(150, old.newest)})
    verdict = judged([old], jobs=[job(1, told=told), newer], recorded=recorded, **known)
    assert (verdict.landing, verdict.snapshot, verdict.superseded) == (Landing.MISSING, None, ())
    assert not verdict.is_worth_a_sync
    assert verdict.reasons[0].startswith("job 2 succeeded, and the s")
    assert verdict.reasons[0].endswith("so the older copy of 150 rows of job 1 is out of date")
    assert "may_be_empty: true" in verdict.reasons[1]


@BY
def test_where_it_may_be_empty_no_rows_stand_and_the_older_copy_leaves(newer: SyncJob, known: dict[str, Any]) -> None:
    old = file(1, 150)
    verdict = judged([old], jobs=[job(1), newer], may_be_empty=True, **known)
    assert (verdict.landing, verdict.superseded) == (Landing.EMPTY, (old,))
    assert verdict.snapshot is not None
    assert (verdict.snapshot.job_id, verdict.snapshot.rows) == (2, 0)
    assert "150 rows of job 1" in verdict.reasons[0]


def test_what_a_running_sync_writes_after_one_that_found_none_is_not_moved() -> None:
    jobs = [job(1), job(2, told=(0, COMPLETE)), job(3, RUNNING)]
    for files in ([file(1, 150)], [file(1, 150), file(3, 9)]):
        assert set(judged(files, jobs=jobs, may_be_empty=True).superseded) <= {files[0]}


@pytest.mark.parametrize(
    ("newer", "known", "words"),
    [
        (job(2), {}, "the source could not be asked"),
        (job(2), {"source_rows": (0, 300)}, "the source held 0 to 300"),
        (job(2), {"source_rows": (150, 150)}, "the source held 150"),
        (job(2, told=(150, UNKNOWN)), NONE, "the source held 0"),
        (job(2, told=(0, COMPLETE)), {"source_rows": (150, 150)}, "the source held 150"),
    ],
    ids=["nobody says", "perhaps rows", "rows", "counted", "contradicted"],
)
def test_the_older_copy_stands_where_nobody_shows_the_table_to_be_empty_and_the_newer_sync_is_told(
    newer: SyncJob, known: dict[str, Any], words: str
) -> None:
    verdict = judged([file(1, 150)], jobs=[job(1), newer], **known)
    assert (verdict.landing, verdict.superseded) == (Landing.LANDED, ())
    assert verdict.reasons[1].startswith("job 2 succeeded after it and brought no file of the table")
    assert words in verdict.reasons[1]


def test_a_newer_sync_that_failed_or_still_runs_puts_nothing_out_of_date() -> None:
    for status in (BAD, RUNNING):
        verdict = judged([file(1, 150)], jobs=[job(1), job(2, status)], **NONE)
        assert (verdict.landing, len(verdict.reasons)) == (Landing.LANDED, 1)


def test_a_copy_newer_than_the_empty_one_stands() -> None:
    files, jobs = [file(1, 150), file(3, 20)], [job(1), job(2, told=(0, COMPLETE)), job(3)]
    verdict = judged(files, jobs=jobs)
    assert (verdict.snapshot and verdict.snapshot.rows, verdict.superseded) == (20, (files[0],))


def test_a_newer_copy_in_doubt_is_worth_a_sync_although_one_before_it_found_none() -> None:
    jobs = [job(1), job(2, told=(0, COMPLETE)), job(3, BAD)]
    for is_allowed in (True, False):
        verdict = judged([file(1, 150), file(3, 20)], jobs=jobs, may_be_empty=is_allowed)
        assert (verdict.landing, verdict.is_worth_a_sync, verdict.superseded) == (Landing.INCOMPLETE, True, ())
        assert verdict.reasons[0].startswith("attempt 1 of job 3 failed")
        assert verdict.reasons[-1].startswith("job 2 succeeded, and the server says")


def test_an_attempt_that_found_none_puts_the_rows_of_the_attempt_before_it_out_of_date() -> None:
    first = attempt(0, BAD, began(1), (150, COMPLETE))
    second = attempt(1, OK, began(2), (0, COMPLETE))
    both = SyncJob(7, JobKind.SYNC, OK, began(1), began(2) + 5 * MINUTE, (first, second))
    assert judged([file(1, 150)], jobs=[both]).landing is Landing.MISSING


def test_an_older_copy_of_which_nobody_knows_the_sync_is_out_of_date_by_its_time() -> None:
    old, late = file(1, 150), file(3, 150)
    for each, landing in ((old, Landing.MISSING), (late, Landing.LANDED)):
        recorded = frozenset({(150, each.newest)})
        assert judged([each], jobs=[job(2, told=(0, COMPLETE))], recorded=recorded).landing is landing


def test_rows_of_a_sync_that_the_server_calls_empty_put_nothing_out_of_date() -> None:
    verdict = judged([file(1, 150), file(2, 9)], jobs=[job(1), job(2, told=(0, COMPLETE))])
    assert (verdict.snapshot and verdict.snapshot.rows) == 150
    assert "left 9 rows in the bucket where Airbyte counted 0" in verdict.reasons[-1]


@BY
def test_a_broken_file_beside_an_empty_table_is_told_and_nothing_moves(newer: SyncJob, known: dict[str, Any]) -> None:
    broken = BrokenFile("part_9", 9, "it is cut short")
    verdict = judged([file(1, 150)], jobs=[job(1), newer], broken=[broken], may_be_empty=True, **known)
    assert (verdict.landing, verdict.superseded, verdict.is_worth_a_sync) == (Landing.BROKEN, (), False)
    assert verdict.reasons[0] == "part_9: it is cut short"


@st.composite
def days(draw: st.DrawFn) -> tuple[list[DataFile], list[SyncJob], dict[str, Any]]:
    """Up to four syncs, each with a copy or none, and with what server and source say of them."""
    files, jobs = [], []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        rows = draw(st.sampled_from([0, 0, 7, 150]))
        if rows:
            files.append(file(number, rows, sync_id=draw(st.sampled_from([None, number]))))
        told = draw(st.sampled_from([None, (rows, COMPLETE), (rows, UNKNOWN), (0, COMPLETE), (rows, INCOMPLETE)]))
        status = draw(st.sampled_from([OK, OK, BAD, RUNNING]))
        jobs.append(public(number, status) if draw(st.booleans()) else job(number, status, told))
    source = draw(st.sampled_from([None, (0, 0), (0, 300), (150, 150)]))
    return files, jobs, {"source_rows": source, "may_be_empty": draw(st.booleans())}


@given(days())
def test_nothing_is_lost_and_nothing_moves_where_nothing_stands(
    found: tuple[list[DataFile], list[SyncJob], dict[str, Any]],
) -> None:
    files, jobs, known = found
    verdict = judged(files, jobs=jobs, **known)
    standing = verdict.snapshot.files if verdict.snapshot else ()
    assert set(standing) | set(verdict.superseded) <= set(files)
    assert not set(standing) & set(verdict.superseded)
    assert verdict.is_proven or verdict.superseded == ()
    assert not (verdict.is_proven and verdict.is_empty_at_source)


@given(days())
def test_no_copy_stands_that_is_older_than_a_sync_which_read_the_table_to_its_end_without_a_row(
    found: tuple[list[DataFile], list[SyncJob], dict[str, Any]],
) -> None:
    files, jobs, known = found
    verdict = judged(files, jobs=jobs, **known)
    if verdict.landing is not Landing.LANDED or (known["source_rows"] or (0,))[0]:
        return
    assert verdict.snapshot is not None
    standing = next(n for n in range(1, 5) if f"part_{n}" == verdict.snapshot.files[0].key)
    wrote = {int(each.key[-1]) for each in files}
    for sync in jobs[standing:]:
        told = (sync.attempts[0].streams or {}).get("store") if sync.attempts else None
        is_empty = told is not None and told.state is COMPLETE and not told.records and sync.status.is_final
        later = [each for each in jobs[sync.id :] if each.status.is_final and each.attempts]
        complete_later = any(
            (count := (each.attempts[0].streams or {}).get("store")) and count.state is COMPLETE for each in later
        )
        assert not is_empty or sync.id in wrote or complete_later


@given(days())
def test_a_table_is_called_empty_at_the_source_only_where_the_source_does_not_contradict(
    found: tuple[list[DataFile], list[SyncJob], dict[str, Any]],
) -> None:
    files, jobs, known = found
    verdict = judged(files, jobs=jobs, **known)
    if verdict.is_empty_at_source:
        assert not (known["source_rows"] or (0,))[0]
        assert any(each.status.is_final for each in jobs)
