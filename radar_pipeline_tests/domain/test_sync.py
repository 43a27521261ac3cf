"""Whether a sync is started, followed, reused or waited for."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.sync import JobKind, JobStatus, SyncAction, SyncJob, decide_sync, syncs_of_day

DAY = dt.date(2026, 11, 23)
TWO = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)


def job(number: int, status: JobStatus, at: dt.datetime = TWO, kind: JobKind = JobKind.SYNC) -> SyncJob:
    return SyncJob(number, kind, status, at, at)


jobs = st.lists(
    st.builds(
        job,
        st.integers(1, 50),
        st.sampled_from(JobStatus),
        st.integers(-24 * 60, 24 * 60).map(lambda minutes: TWO + dt.timedelta(minutes=minutes)),
        st.sampled_from(JobKind),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)


LATER = TWO + dt.timedelta(days=2)
forced = st.none() | st.integers(-24 * 60, 24 * 60).map(lambda minutes: TWO + dt.timedelta(minutes=minutes))


@given(jobs, st.booleans(), forced)
def test_nothing_is_started_while_anything_runs(found, proven, forced_at):
    decision = decide_sync(found, DAY, proven=proven, forced_at=forced_at)
    if any(not each.status.is_final for each in found):
        assert decision.action in {SyncAction.WAIT, SyncAction.ATTACH}
    else:
        assert decision.action in {SyncAction.START, SyncAction.REUSE}


@given(jobs, st.booleans(), forced)
def test_only_a_sync_of_the_day_is_followed_or_reused(found, proven, forced_at):
    decision = decide_sync(found, DAY, proven=proven, forced_at=forced_at)
    if decision.action in {SyncAction.ATTACH, SyncAction.REUSE}:
        assert decision.job in syncs_of_day(found, DAY)
    assert (decision.job is None) == (decision.action is SyncAction.START)


@given(jobs, st.booleans(), forced, st.randoms())
def test_the_order_of_the_list_decides_nothing(found, proven, forced_at, random):
    shuffled = found[:]
    random.shuffle(shuffled)
    one, other = (decide_sync(each, DAY, proven=proven, forced_at=forced_at) for each in (found, shuffled))
    assert one.action is other.action


@given(jobs)
def test_a_day_with_a_succeeded_and_proven_sync_gets_no_second_one(found):
    found = [each for each in found if each.status.is_final] + [job(99, JobStatus.SUCCEEDED)]
    assert decide_sync(found, DAY, proven=True).action is SyncAction.REUSE
    assert decide_sync(found, DAY, proven=False).action is SyncAction.START
    assert decide_sync(found, DAY, proven=True, forced_at=LATER).action is SyncAction.START


def test_a_failed_sync_is_no_reason_not_to_start_another():
    assert decide_sync([job(1, JobStatus.FAILED)], DAY, proven=False).action is SyncAction.START


def test_a_sync_that_began_before_midnight_belongs_to_its_own_day():
    late = job(1, JobStatus.RUNNING, dt.datetime(2026, 11, 22, 23, 59, 59, tzinfo=dt.UTC))
    assert decide_sync([late], DAY, proven=False).action is SyncAction.WAIT
    assert decide_sync([late], DAY - dt.timedelta(days=1), proven=False).action is SyncAction.ATTACH


def test_the_day_is_counted_in_utc_wherever_the_time_was_written():
    brasilia = dt.timezone(dt.timedelta(hours=-3))
    evening = job(1, JobStatus.SUCCEEDED, dt.datetime(2026, 11, 22, 22, tzinfo=brasilia))
    assert syncs_of_day([evening], DAY) == (evening,)


def test_the_newest_of_two_running_syncs_is_followed():
    found = [job(1, JobStatus.RUNNING), job(2, JobStatus.INCOMPLETE, TWO + dt.timedelta(minutes=1))]
    assert decide_sync(found, DAY, proven=False).job == found[1]


def test_a_status_that_nobody_knows_is_followed_and_not_started_over():
    assert decide_sync([job(1, JobStatus.UNKNOWN)], DAY, proven=True, forced_at=LATER).action is SyncAction.ATTACH


def test_a_sync_since_the_request_is_the_one_that_was_asked_for():
    done = job(7, JobStatus.SUCCEEDED)
    before, after = done.created_at - dt.timedelta(seconds=1), done.created_at + dt.timedelta(seconds=1)
    assert decide_sync([done], DAY, proven=True, forced_at=before).action is SyncAction.REUSE
    assert decide_sync([done], DAY, proven=True, forced_at=after).action is SyncAction.START
    assert decide_sync([done], DAY, proven=False, forced_at=before).action is SyncAction.START


def test_a_sync_started_in_the_second_of_the_request_is_the_one_that_was_asked_for():
    done = job(7, JobStatus.SUCCEEDED)
    asked = done.created_at + dt.timedelta(microseconds=400_000)
    assert decide_sync([done], DAY, proven=True, forced_at=asked).action is SyncAction.REUSE
    assert decide_sync([done], DAY, proven=True, forced_at=asked + dt.timedelta(seconds=1)).action is SyncAction.START
