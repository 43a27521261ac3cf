"""Exactly one sync for a connection and a day: start it, or follow the one that is there.

Airbyte is the ledger: nothing is remembered here, so a process killed at any point finds the same answer again. A
request to start is never repeated blindly: after anything but a clear answer, the list of jobs decides.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from radar_pipeline.airbyte.client import AirbyteClient, Start
from radar_pipeline.airbyte.errors import SyncNotStartedError, SyncTimeoutError
from radar_pipeline.airbyte.outage import ride_out
from radar_pipeline.airbyte.progress import OnProgress, Patience, SyncProgress
from radar_pipeline.airbyte.watch import AbortIf, watch
from radar_pipeline.domain.sync import JobKind, JobStatus, SyncAction, SyncDecision, SyncJob, decide_sync, syncs_of_day

__all__ = ["Patience", "SyncOutcome", "SyncProgress", "ensure_sync"]

# How far back a job may have been created and still be in the way; one that still runs is found however old it is.
_LOOK_BACK = dt.timedelta(days=2)

_STARTS_AT_MOST = 3

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class SyncOutcome:
    """How the day's sync came to be, and its end.

    Attributes:
        job: The job, final, with its attempts and counts.
        decision: The decision that led to it.
    """

    job: SyncJob
    decision: SyncDecision


def ensure_sync(
    client: AirbyteClient,
    day: dt.date,
    *,
    proven: Callable[[], bool],
    forced_at: dt.datetime | None = None,
    poll_seconds: float = 10.0,
    timeout_seconds: float = 14_400.0,
    patience: Patience | None = None,
    settle_seconds: float = 20.0,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    on_decision: Callable[[SyncDecision], None] = lambda _decision: None,
    on_job: Callable[[int], None] = lambda _job_id: None,
    on_progress: OnProgress = lambda _progress: None,
    abort_if: AbortIf = lambda _job: None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> SyncOutcome:
    """Makes sure that the connection is synced for a day, and returns when its job is final, whatever its end.

    Args:
        client: The connection.
        day: UTC day; it must be today, as a sync reads the present.
        proven: Says whether the day lies proven in the bucket. Only called where a sync of the day has succeeded.
        forced_at: When a person asked for a new sync although the day is proven; None where nobody did. A running sync
            is still followed.
        poll_seconds: Pause between two looks at a running job.
        timeout_seconds: How long a job may take.
        patience: All of the limits at once; wins over the two before.
        settle_seconds: How long the list of jobs is watched, after a start with no clear answer, before it is taken
            as certain that no sync was started.
        clock: What day it is.
        on_decision: Told each decision as it is made, before anything is done about it.
        on_job: Told the id of the job that is followed, as soon as it is known.
        on_progress: Told how far the job is, at least every 10 s.
        abort_if: Told the sync that is followed at each look; where it gives a reason, the sync is cancelled.
        sleep: Waits.
        monotonic: Measures waiting.

    Raises:
        SyncNotStartedError: No sync could be started, and none runs.
        AirbyteError: The server cannot be reached or refuses, or the job was lost sight of.
    """
    limits = patience or Patience(poll_seconds, timeout_seconds)
    run = _Sync(
        client, day, limits, settle_seconds, clock, on_decision, on_job, on_progress, abort_if, sleep, monotonic
    )
    return run.ensure(proven, forced_at)


@dataclass
class _Sync:
    client: AirbyteClient
    day: dt.date
    patience: Patience
    settle_seconds: float
    clock: Callable[[], dt.datetime]
    on_decision: Callable[[SyncDecision], None]
    on_job: Callable[[int], None]
    on_progress: OnProgress
    abort_if: AbortIf
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]

    def ensure(self, proven: Callable[[], bool], forced_at: dt.datetime | None) -> SyncOutcome:
        begin, waited_for = self.monotonic(), None
        while True:
            jobs = self._jobs()
            decision = decide_sync(jobs, self.day, proven=self._is_proven(jobs, proven), forced_at=forced_at)
            if decision.action is SyncAction.WAIT and decision.job is not None:
                if waited_for != decision.job.id:
                    self.on_decision(decision)
                waited_for = decision.job.id
                self._wait(decision.job, begin)
                continue
            self.on_decision(decision)
            if decision.action is SyncAction.REUSE and decision.job is not None:
                return SyncOutcome(self._asked(partial(self.client.job, decision.job.id)), decision)
            job = decision.job or self._start({job.id for job in jobs})
            if job.kind is not JobKind.SYNC:
                # A server up to 0.35.1 answers a start with whatever job runs, a reset included.
                continue
            self.on_job(job.id)
            return SyncOutcome(self._follow(job, self.abort_if), decision)

    def _jobs(self) -> tuple[SyncJob, ...]:
        """The list of jobs: after a start, it is all that tells of its job."""
        since = dt.datetime.combine(self.day, dt.time(), dt.UTC) - _LOOK_BACK
        return self._asked(lambda: self.client.recent_jobs(since))

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        return ride_out(ask, self.patience, self.on_progress, sleep=self.sleep, monotonic=self.monotonic)

    def _is_proven(self, jobs: tuple[SyncJob, ...], proven: Callable[[], bool]) -> bool:
        """Asks the bucket only where the answer decides something: listing it takes longer than all the rest."""
        if any(not job.status.is_final for job in jobs):
            return False
        return any(job.status is JobStatus.SUCCEEDED for job in syncs_of_day(jobs, self.day)) and proven()

    def _wait(self, job: SyncJob, begin: float) -> None:
        if self.monotonic() - begin > self.patience.timeout_seconds:
            message = f"{job.kind} job {job.id} is still {job.status}, so no sync of {self.day} could be started"
            raise SyncTimeoutError(message)
        self._follow(job)

    def _follow(self, job: SyncJob, abort_if: AbortIf = lambda _job: None) -> SyncJob:
        return watch(
            self.client,
            job,
            self.patience,
            on_progress=self.on_progress,
            abort_if=abort_if,
            sleep=self.sleep,
            monotonic=self.monotonic,
        )

    def _start(self, known: set[int]) -> SyncJob:
        """Starts a sync, or finds the one that a start without a clear answer led to.

        Jobs are told apart by their ids, not by clocks: a job that was not in the list before the request is the
        request's, or one that somebody else started at the same time, which is as good.
        """
        details = []
        for _ in range(_STARTS_AT_MOST):
            self._refuse_another_day()
            result = self.client.start_sync()
            if result.outcome is Start.STARTED and result.job is not None:
                return result.job
            details.append(result.detail)
            found = self._find_started(known)
            if found is not None:
                if result.outcome is Start.UNKNOWN and found.kind is JobKind.SYNC:
                    words = f"the answer to the start was lost ({result.detail})"
                    self.on_progress(
                        SyncProgress(None, 0.0, note=f"{words}: sync job {found.id} is the one that it started")
                    )
                return found
        message = (
            f"no sync of {self.day} could be started in {_STARTS_AT_MOST} tries, and none runs; once the server starts "
            f"syncs again, run the day again. Last: {details[-1]}"
        )
        raise SyncNotStartedError(message)

    def _refuse_another_day(self) -> None:
        today = self.clock().date()
        if today != self.day:
            message = (
                f"it is {today} UTC by now: a sync started now would land under that day, not under {self.day}. "
                f"Run the partition {today}"
            )
            raise SyncNotStartedError(message)

    def _find_started(self, known: set[int]) -> SyncJob | None:
        """The job behind a start without a clear answer; None once it is certain that there is none."""
        deadline = self.monotonic() + self.settle_seconds
        pause = 0.2
        while True:
            jobs = [job for job in self._jobs() if job.id not in known or not job.status.is_final]
            if jobs:
                syncs = [job for job in jobs if job.kind is JobKind.SYNC]
                return max(syncs or jobs, key=lambda job: (job.created_at, job.id))
            if self.monotonic() >= deadline:
                return None
            self.sleep(pause)
            pause = min(pause * 2, 5.0)
