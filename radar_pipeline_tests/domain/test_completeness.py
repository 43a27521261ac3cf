"""Whether a copy that no known attempt explains may stand, and what is said where it may not."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.landing import Expectation, Landing, LandingVerdict, judge_landing
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, SyncJob

DAY = dt.date(2026, 11, 23)
TWO = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
OK, BAD, CANCELLED, RUNNING = JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.RUNNING


def file(name: str, rows: int, minute: float, *, sync_id: int | None = None) -> DataFile:
    """A file whose rows were read during one minute."""
    at = TWO + minute * MINUTE
    return DataFile(name, rows * 10, at + 2 * MINUTE, rows, at, at + MINUTE, sync_id=sync_id)


def public_job(number: int, status: JobStatus, begin: float, end: float) -> SyncJob:
    """A job as the public API tells it: without attempts."""
    return SyncJob(number, JobKind.SYNC, status, TWO + begin * MINUTE, TWO + end * MINUTE)


def judged(files, *, jobs=(), broken=(), **known) -> LandingVerdict:
    return judge_landing(Folder("store", DAY, tuple(files), tuple(broken)), Expectation(tuple(jobs), **known))


def proven(*files: DataFile) -> frozenset[tuple[int, dt.datetime | None]]:
    """What the ledger holds of each of these files as a copy of its own."""
    return frozenset((each.rows, each.newest) for each in files)


COPY, LATER = file("part_0", 100, 0), file("part_1", 90, 30)


def test_on_a_day_of_which_nobody_knows_anything_the_only_copy_stands():
    assert judged([COPY]).is_proven


def test_a_copy_is_not_taken_at_its_word_where_airbyte_could_not_be_asked():
    verdict = judged([COPY], asked=False)
    assert (verdict.landing, verdict.snapshot) == (Landing.INCOMPLETE, None)
    assert verdict.reasons == ("Airbyte could not be asked, so nothing says whether this copy of 100 rows is whole",)


@pytest.mark.parametrize("known", [{"recorded": proven(COPY)}, {"source_rows": (100, 100)}], ids=["ledger", "source"])
def test_without_airbyte_the_ledger_and_the_source_can_vouch(known):
    assert judged([COPY], asked=False, **known).snapshot.rows == 100


@pytest.mark.parametrize("recorded", [frozenset(), proven(LATER), frozenset({(100, TWO)}), frozenset({(0, None)})])
def test_a_copy_other_than_those_proven_before_is_in_doubt(recorded):
    verdict = judged([COPY], recorded=recorded)
    assert verdict.landing is Landing.INCOMPLETE
    assert verdict.reasons == ("the day was judged before, and this copy of 100 rows was not among the proven ones",)
    away = judged([COPY], recorded=recorded, asked=False).reasons[0]
    assert "could not be asked" in away
    assert "not among the copies that were proven" in away


def test_the_copy_proven_before_is_preferred_to_a_newer_one_that_nobody_knows():
    verdict = judged([COPY, LATER], recorded=proven(COPY))
    assert (verdict.snapshot.files, verdict.superseded) == ((COPY,), (LATER,))
    assert "proven when the day was judged before" in verdict.reasons[0]
    assert "90 rows was not among the proven ones" in verdict.reasons[1]


def test_of_two_copies_proven_before_the_newer_stands():
    assert judged([COPY, LATER], recorded=proven(COPY, LATER)).snapshot.files == (LATER,)


def test_a_copy_proven_before_stands_beside_syncs_that_do_not_explain_it():
    other = SyncJob(4, JobKind.SYNC, OK, TWO, TWO, (Attempt(0, OK, TWO + 60 * MINUTE, TWO + 65 * MINUTE, {}),))
    assert judged([COPY], jobs=[other], recorded=proven(COPY)).is_proven
    assert "outside every known sync" in judged([COPY], jobs=[other], recorded=frozenset()).reasons[0]


def test_bursts_that_were_proven_as_one_copy_are_one_copy_again():
    whole = frozenset({(190, LATER.newest)})
    assert judged([COPY, LATER], asked=False, recorded=whole).snapshot.rows == 190


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(0, 3)), min_size=1, max_size=4),
    st.sets(st.integers(0, 3)),
    st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
    st.booleans(),
)
def test_without_airbyte_nothing_is_moved_and_nothing_stands_on_the_files_word(sizes, vouched, source, is_broken):
    files = [file(f"part_{n}", rows, 30 * n + late) for n, (rows, late) in enumerate(sizes)]
    recorded = proven(*(files[n] for n in vouched if n < len(files)))
    broken = [BrokenFile("part_9", 9, "it is cut short")] if is_broken else []
    verdict = judged(files, broken=broken, asked=False, recorded=recorded, source_rows=source)
    assert verdict.superseded == ()
    if verdict.is_proven:
        copy = verdict.snapshot
        assert (copy.rows, copy.newest) in recorded or (source and source[0] <= copy.rows <= source[1])
    elif not source:
        assert not recorded


def test_a_copy_of_a_job_that_succeeded_stands_although_the_server_tells_no_attempts():
    verdict = judged([COPY], jobs=[public_job(3, OK, -1, 2)])
    assert (verdict.landing, verdict.snapshot.job_id, verdict.snapshot.attempt) == (Landing.LANDED, 3, None)
    assert verdict.reasons == ("100 rows in 1 files of job 3",)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (BAD, "job 3 failed and nothing shows that the table was finished: 100 rows"),
        (CANCELLED, "job 3 cancelled and nothing shows that the table was finished: 100 rows"),
        (RUNNING, "job 3 is still writing: 100 rows so far"),
        (JobStatus.UNKNOWN, "job 3 is still writing: 100 rows so far"),
    ],
)
@pytest.mark.parametrize("sync_id", [None, 3], ids=["by its time", "by its own word"])
def test_a_copy_of_a_job_without_attempts_that_did_not_succeed_is_in_doubt(status, words, sync_id):
    copy = file("part_0", 100, 0, sync_id=sync_id)
    verdict = judged([copy], jobs=[public_job(3, status, -1, 2)])
    assert verdict.landing is Landing.INCOMPLETE
    assert verdict.reasons[0] == words
    assert judged([copy], jobs=[public_job(3, status, -1, 2)], recorded=proven(copy)).is_proven


def test_a_job_that_still_runs_may_write_after_it_was_last_heard_of():
    assert "still writing" in judged([LATER], jobs=[public_job(3, RUNNING, -1, 2)]).reasons[0]


@pytest.mark.parametrize(
    ("begin", "end", "stands"),
    [(0.08, 0.92, True), (-1, 0.8, False), (0.2, 2, False), (40, 45, False)],
    ids=["within the slack", "ends too early", "begins too late", "another hour"],
)
def test_a_job_without_attempts_owns_what_was_read_within_its_time(begin, end, stands):
    verdict = judged([COPY], jobs=[public_job(3, OK, begin, end)])
    assert verdict.is_proven is stands
    assert stands or "outside every known sync" in verdict.reasons[0]


def test_a_file_names_its_job_whatever_the_clocks_say():
    copy = file("part_0", 100, 0, sync_id=3)
    assert judged([copy], jobs=[public_job(3, OK, 40, 45)]).is_proven
    assert judged([copy], jobs=[public_job(4, OK, -1, 2)]).landing is Landing.INCOMPLETE


@pytest.mark.parametrize("sync_id", [None, 3], ids=["by its time", "by its own word"])
def test_a_job_whose_attempts_are_known_owns_nothing_beside_them(sync_id):
    attempt = Attempt(0, OK, TWO + 20 * MINUTE, TWO + 25 * MINUTE, {})
    done = SyncJob(3, JobKind.SYNC, OK, TWO - MINUTE, TWO + 25 * MINUTE, (attempt,))
    verdict = judged([file("part_0", 100, 0, sync_id=sync_id)], jobs=[done])
    assert verdict.reasons[0] == f"100 rows were written outside every known sync of {DAY}"


def test_part_of_a_burst_within_a_jobs_time_is_no_copy():
    parts = [file("part_0", 60, 0), file("part_1", 40, 1)]
    assert judged(parts, jobs=[public_job(3, OK, 1, 3)]).landing is Landing.INCOMPLETE


def test_two_syncs_without_attempts_are_told_apart_by_their_times():
    jobs = [public_job(3, OK, -1, 2), public_job(4, OK, 29, 32)]
    verdict = judged([COPY, LATER], jobs=jobs)
    assert (verdict.snapshot.job_id, verdict.superseded) == (4, (COPY,))
    failed = judged([COPY, LATER], jobs=[jobs[0], public_job(4, BAD, 29, 32)])
    assert (failed.snapshot.job_id, failed.superseded) == (3, (LATER,))


def test_a_running_sync_without_attempts_keeps_every_file_where_it_is():
    verdict = judged([COPY, LATER], jobs=[public_job(3, OK, -1, 2), public_job(4, RUNNING, 29, 29)])
    assert (verdict.snapshot.job_id, verdict.superseded) == (3, ())


def test_two_bursts_of_one_job_without_attempts_are_neither_counted_nor_moved():
    verdict = judged([COPY, LATER], jobs=[public_job(3, OK, -1, 40)])
    assert (verdict.landing, verdict.superseded) == (Landing.INCOMPLETE, ())
    assert "2 bursts" in verdict.reasons[0]


def test_the_source_joins_bursts_even_where_only_one_lies_in_the_jobs_time():
    # Clocks that differ by more than the slack: the part that fits is not the whole.
    verdict = judged([COPY, LATER], jobs=[public_job(3, OK, 29, 32)], source_rows=(190, 190))
    assert (verdict.snapshot.rows, verdict.superseded) == (190, ())


def test_a_broken_file_leaves_a_job_without_counts_in_doubt_but_not_the_ledger():
    broken = BrokenFile("part_9", 9, "it is cut short")
    assert judged([COPY], jobs=[public_job(3, OK, -1, 2)], broken=[broken]).landing is Landing.BROKEN
    verdict = judged([COPY], recorded=proven(COPY), broken=[broken])
    assert (verdict.landing, verdict.superseded) == (Landing.LANDED, (broken,))


@pytest.mark.parametrize(
    ("known", "landing", "words"),
    [
        ({"recorded": frozenset({(0, None)})}, Landing.EMPTY, "proven to be empty when the day was judged before"),
        ({"recorded": frozenset()}, Landing.MISSING, "Airbyte could not be asked whether a sync ran"),
        ({}, Landing.MISSING, "Airbyte could not be asked whether a sync ran"),
        ({"recorded": frozenset({(0, None)}), "source_rows": (5, 5)}, Landing.MISSING, "could not be asked"),
    ],
)
def test_without_airbyte_a_table_is_empty_only_where_it_was_proven_to_be(known, landing, words):
    verdict = judged([], asked=False, may_be_empty=True, **known)
    assert verdict.landing is landing
    assert words in verdict.reasons[0]
    assert judged([], asked=False, **known).landing is Landing.MISSING
