"""Which files are one copy of a table, and whether a copy stands."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from radar_pipeline.domain.landing import Expectation, Landing, judge_landing
from radar_pipeline.domain.snapshots import BrokenFile, Column, DataFile, Folder, split_attempts
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamCount, StreamState, SyncJob

DAY = dt.date(2026, 11, 23)
TWO = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
OK, BAD, RUNNING = JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.RUNNING


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


MINUTE = minutes(1)


def file(
    name: str, rows: int, at: dt.datetime, *, lasts: dt.timedelta = MINUTE, sync_id: int | None = None
) -> DataFile:
    return DataFile(name, rows * 10, at + lasts + minutes(1), rows, at, at + lasts, (Column("Id", "int64"),), sync_id)


def attempt(
    number: int,
    status: JobStatus,
    begin: dt.datetime,
    end: dt.datetime | None,
    rows: int | None = None,
    state: StreamState = StreamState.UNKNOWN,
) -> Attempt:
    streams = None if rows is None else {"store": StreamCount(rows, state=state)} if rows else {}
    return Attempt(number, status, begin, end, streams)


def job(number: int, status: JobStatus, *attempts: Attempt, at: dt.datetime = TWO) -> SyncJob:
    return SyncJob(number, JobKind.SYNC, status, at, at, attempts)


def judged(files, *, jobs=(), broken=(), **known):
    return judge_landing(Folder("store", DAY, tuple(files), tuple(broken)), Expectation(tuple(jobs), **known))


@st.composite
def folders(draw):
    """Files of up to four attempts, and the jobs that wrote them."""
    jobs, files, begin = [], [], TWO
    for number in range(draw(st.integers(0, 4))):
        end = begin + minutes(draw(st.integers(1, 9)))
        for part in range(draw(st.integers(0, 3))):
            at = begin + (end - begin) * draw(st.floats(0, 0.5))
            files.append(file(f"part-{number}-{part}", draw(st.integers(0, 99)), at, lasts=(end - at) / 2))
        rows = sum(each.rows for each in files if each.key.startswith(f"part-{number}-"))
        status = draw(st.sampled_from([OK, BAD]))
        told = draw(st.sampled_from([None, rows, rows + 1]))
        jobs.append(job(number, status, attempt(0, status, begin, end, told), at=begin))
        begin = end + minutes(draw(st.integers(1, 5)))
    return files, jobs


@given(folders())
def test_every_file_is_in_exactly_one_snapshot(found):
    files, jobs = found
    split = [each.key for snapshot in split_attempts(files, jobs) for each in snapshot.files]
    assert sorted(split) == sorted(each.key for each in files)


@given(folders(), st.randoms())
def test_neither_the_order_of_files_nor_of_jobs_changes_a_snapshot(found, random):
    files, jobs = found
    mixed_files, mixed_jobs = files[:], jobs[:]
    random.shuffle(mixed_files)
    random.shuffle(mixed_jobs)
    assert split_attempts(mixed_files, mixed_jobs) == split_attempts(files, jobs)


@given(folders())
def test_files_go_to_the_attempt_in_whose_time_their_rows_were_read(found):
    files, jobs = found
    for snapshot in split_attempts(files, jobs):
        assert {each.key.split("-")[1] for each in snapshot.files} == {str(snapshot.job_id)}


@given(folders())
def test_no_file_both_stands_and_is_moved_away(found):
    files, jobs = found
    verdict = judged(files, jobs=jobs)
    standing = {each.key for each in verdict.snapshot.files} if verdict.snapshot else set()
    assert not standing & {each.key for each in verdict.superseded}
    assert verdict.superseded == () or verdict.is_proven


@given(folders())
def test_what_stands_and_what_is_moved_away_are_all_files_with_rows(found):
    files, jobs = found
    verdict = judged(files, jobs=jobs)
    assume(verdict.landing is Landing.LANDED)
    kept = {each.key for each in verdict.snapshot.files} | {each.key for each in verdict.superseded}
    assert {each.key for each in files if each.rows} <= kept


@given(folders())
def test_every_verdict_has_a_reason(found):
    files, jobs = found
    assert all(judged(files, jobs=jobs).reasons)


@given(st.integers(1, 99), st.integers(1, 99))
def test_a_count_that_differs_never_lands(rows, told):
    assume(rows != told)
    verdict = judged([file("a", rows, TWO)], jobs=[job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), told))])
    assert verdict.landing is Landing.INCOMPLETE
    assert f"left {rows} rows in the bucket where Airbyte counted {told}" in verdict.reasons[0]


def test_a_duplicate_attempt_counts_once_and_the_first_copy_goes():
    first, second = file("part_0", 100, TWO), file("part_1", 100, TWO + minutes(10))
    both = job(
        7,
        OK,
        attempt(0, BAD, TWO, TWO + minutes(5), 100),
        attempt(1, OK, TWO + minutes(9), TWO + minutes(15), 100),
    )
    verdict = judged([first, second], jobs=[both])
    assert (verdict.landing, verdict.snapshot.rows) == (Landing.LANDED, 100)
    assert (verdict.snapshot.job_id, verdict.snapshot.attempt) == (7, 1)
    assert verdict.superseded == (first,)


@given(pause=st.floats(1, 60), length=st.floats(0, 30), number=st.integers(2, 4))
def test_attempts_that_follow_each_other_closely_are_told_apart(pause, length, number):
    files, attempts, begin = [], [], TWO + dt.timedelta(microseconds=700_000)
    for each in range(number):
        end = begin + dt.timedelta(seconds=length)
        files.append(file(f"part_{each}", 100, begin, lasts=end - begin))
        # The server tells whole seconds.
        attempts.append(attempt(each, BAD, begin.replace(microsecond=0), end.replace(microsecond=0), 100))
        begin = end + dt.timedelta(seconds=pause)
    found = split_attempts(files, [job(1, BAD, *attempts)])
    assert [(each.attempt, each.rows) for each in found] == [(each, 100) for each in range(number)]


BURSTS = (file("part_0", 100, TWO), file("part_1", 100, TWO + minutes(10)))


def test_two_bursts_that_no_record_explains_are_neither_counted_nor_moved():
    # Two copies of a table, or two parts of one that the source was slow to send: nobody can tell.
    verdict = judged(BURSTS)
    assert (verdict.landing, verdict.superseded) == (Landing.INCOMPLETE, ())
    assert "2 bursts" in verdict.reasons[0]


def test_the_sources_count_tells_two_copies_from_two_parts():
    copies = judged(BURSTS, source_rows=(99, 101))
    assert (copies.snapshot.rows, copies.superseded) == (100, BURSTS[:1])
    parts = judged(BURSTS, source_rows=(198, 202))
    assert (parts.snapshot.rows, parts.superseded) == (200, ())


def test_two_syncs_that_wrote_their_id_are_told_apart_by_it():
    first, second = file("part_0", 100, TWO, sync_id=1), file("part_1", 90, TWO + minutes(2), sync_id=2)
    verdict = judged([first, second])
    assert (verdict.snapshot.job_id, verdict.snapshot.rows, verdict.superseded) == (2, 90, (first,))


def test_parts_of_one_attempt_are_one_copy():
    parts = [file(f"part_{n}", 50, TWO + minutes(2 * n)) for n in range(4)]
    done = job(1, OK, attempt(0, OK, TWO, TWO + minutes(9), 200))
    assert judged(parts, jobs=[done]).snapshot.rows == 200


def test_the_older_complete_copy_stands_where_the_newer_is_not_complete():
    whole, half = file("part_0", 100, TWO), file("part_1", 40, TWO + minutes(30))
    jobs = [
        job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 100)),
        job(2, BAD, attempt(0, BAD, TWO + minutes(29), TWO + minutes(35)), at=TWO + minutes(29)),
    ]
    verdict = judged([whole, half], jobs=jobs)
    assert (verdict.snapshot.files, verdict.superseded) == ((whole,), (half,))
    assert any("job 2 failed" in reason for reason in verdict.reasons)


def test_a_table_finished_by_a_failed_attempt_stands_where_the_server_calls_it_complete():
    failed = job(1, BAD, attempt(0, BAD, TWO, TWO + minutes(5), 100, StreamState.COMPLETE))
    assert judged([file("a", 100, TWO)], jobs=[failed]).is_proven


def test_a_failed_attempt_alone_proves_nothing():
    failed = job(1, BAD, attempt(0, BAD, TWO, TWO + minutes(5), 100))
    assert judged([file("a", 100, TWO)], jobs=[failed]).landing is Landing.INCOMPLETE
    assert judged([file("a", 100, TWO)], jobs=[failed], source_rows=(100, 100)).is_proven


def test_files_of_a_running_attempt_neither_stand_nor_are_moved():
    old, growing = file("part_0", 100, TWO), file("part_1", 30, TWO + minutes(30))
    jobs = [
        job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 100)),
        job(2, RUNNING, attempt(0, RUNNING, TWO + minutes(29), None), at=TWO + minutes(29)),
    ]
    verdict = judged([old, growing], jobs=jobs)
    assert verdict.snapshot.files == (old,)
    assert verdict.superseded == ()


def test_a_file_of_another_job_by_its_own_word_is_not_taken_by_time():
    alien = file("a", 10, TWO + minutes(1), sync_id=99)
    done = job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 10))
    (snapshot,) = split_attempts([alien], [done])
    assert (snapshot.job_id, snapshot.attempt) == (99, None)
    assert judged([alien], jobs=[done]).landing is Landing.INCOMPLETE


def test_a_broken_file_beside_a_proven_copy_is_moved_away():
    broken = BrokenFile("part_1", 9, "it is cut short")
    done = job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 10))
    verdict = judged([file("part_0", 10, TWO)], jobs=[done], broken=[broken])
    assert (verdict.landing, verdict.superseded) == (Landing.LANDED, (broken,))


@pytest.mark.parametrize("jobs", [(), (job(1, OK, attempt(0, OK, TWO, TWO + minutes(5))),)])
def test_a_broken_file_without_a_count_leaves_the_rest_in_doubt(jobs):
    verdict = judged([file("part_0", 10, TWO)], jobs=jobs, broken=[BrokenFile("part_1", 9, "it is cut short")])
    assert verdict.landing is Landing.BROKEN
    assert verdict.reasons[0] == "part_1: it is cut short"


def test_a_folder_that_cannot_be_read_is_not_an_empty_one():
    verdict = judge_landing(Folder("store", DAY, error="cannot list"), Expectation(may_be_empty=True))
    assert (verdict.landing, verdict.reasons) == (Landing.UNREADABLE, ("cannot list",))


@pytest.mark.parametrize(
    ("known", "landing", "words"),
    [
        ({}, Landing.MISSING, "no file of the table"),
        ({"may_be_empty": True}, Landing.EMPTY, "as the registry allows"),
        ({"may_be_empty": True, "source_rows": (5, 9)}, Landing.MISSING, "the source holds 5"),
        ({"may_be_empty": True, "source_rows": (0, 0)}, Landing.EMPTY, "as the registry allows"),
    ],
)
def test_no_rows_are_right_only_where_the_registry_and_the_source_agree(known, landing, words):
    verdict = judged([], jobs=[job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 0))], **known)
    assert verdict.landing is landing
    assert words in verdict.reasons[0]


def test_rows_that_airbyte_counted_and_nobody_finds_are_missing():
    verdict = judged([], jobs=[job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 12))], may_be_empty=True)
    assert verdict.landing is Landing.MISSING
    assert "counted 12 rows, the bucket holds none" in verdict.reasons[0]


def test_a_day_without_a_sync_says_so_and_a_failed_one_says_why():
    assert "no sync ran" in judged([]).reasons[0]
    why = Attempt(0, BAD, TWO, TWO + minutes(1), failure="source: Access denied")
    assert "sync job 3 failed: source: Access denied" in judged([], jobs=[job(3, BAD, why)]).reasons[0]


def test_a_file_without_rows_is_no_copy():
    empty = DataFile("a", 300, TWO, 0)
    assert (
        judged([empty], jobs=[job(1, OK, attempt(0, OK, TWO, TWO + minutes(5), 0))], may_be_empty=True).landing
        is Landing.EMPTY
    )


def test_a_copy_in_doubt_is_told_with_what_its_sync_failed_with():
    failed = Attempt(0, BAD, TWO, TWO + minutes(5), {"store": StreamCount(4)}, failure="source, store: broke off")
    verdict = judged([file("a", 4, TWO)], jobs=[job(3, BAD, failed)])
    assert verdict.landing is Landing.INCOMPLETE
    assert verdict.reasons[1:] == ("sync job 3 failed: source, store: broke off",)


def test_of_copies_in_doubt_the_newest_is_explained_and_the_others_are_counted():
    attempts = [attempt(n, BAD, TWO + minutes(9 * n), TWO + minutes(9 * n + 5), 4) for n in range(3)]
    files = [file(f"part_{n}", 4 - n, TWO + minutes(9 * n)) for n in range(3)]
    first, _, last = judged(files, jobs=[job(3, BAD, *attempts)]).reasons
    assert first.startswith("attempt 3 of job 3 left 2 rows")
    assert last == "2 older copies of 3, 4 rows are not shown to be complete either"


@pytest.mark.parametrize(
    ("streams", "known"),
    [({"store": StreamCount(0, state=StreamState.COMPLETE)}, {}), (None, {"source_rows": (0, 0)})],
    ids=["the server", "the source"],
)
def test_an_empty_table_is_shown_to_be_empty_although_the_sync_failed_on_another(streams, known):
    failed = job(3, BAD, Attempt(0, BAD, TWO, TWO + minutes(5), streams, failure="source, menu: broke off"))
    assert judged([], jobs=[failed], may_be_empty=True, **known).landing is Landing.EMPTY
    assert judged([], jobs=[failed], **known).landing is Landing.MISSING


def test_an_empty_table_that_nobody_vouches_for_is_missing_where_the_sync_failed():
    failed = job(3, BAD, Attempt(0, BAD, TWO, TWO + minutes(5), failure="source: Access denied"))
    verdict = judged([], jobs=[failed], may_be_empty=True)
    assert verdict.landing is Landing.MISSING
    assert "Access denied" in verdict.reasons[0]
