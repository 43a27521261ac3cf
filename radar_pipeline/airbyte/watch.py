"""Follows one running job to its end. Losing sight of it never cancels it; only a verdict of its caller does."""

from __future__ import annotations

import time
from collections.abc import Callable

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import (
    AirbyteAnswerError,
    AirbyteError,
    AirbyteUnreachableError,
    SyncLostError,
    SyncTimeoutError,
)
from radar_pipeline.airbyte.outage import ask_aside
from radar_pipeline.airbyte.progress import OnProgress, Patience, SyncProgress
from radar_pipeline.domain.sync import JobStatus, StreamState, SyncJob

_SLOWEST_POLL = 60.0

# Share of the time between two signs of life that is left for the answer to a look.
_ANSWER_SHARE = 0.2


# Told each look at a job; what it returns is why the job is to be cancelled.
AbortIf = Callable[[SyncJob], str | None]


def watch(
    client: AirbyteClient,
    job: SyncJob,
    patience: Patience,
    *,
    on_progress: OnProgress = lambda _progress: None,
    abort_if: AbortIf = lambda _job: None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> SyncJob:
    """Follows a job until its status is final, and returns it with its attempts and counts.

    Args:
        client: The connection.
        job: What to follow.
        patience: For how long.
        on_progress: Told how far the job is.
        abort_if: Told the job at each look, its end included; where it gives a reason, a job that still runs is
            cancelled and followed to that end.
        sleep: Waits.
        monotonic: Measures waiting.

    Raises:
        SyncTimeoutError: It did not end in time.
        SyncLostError: The server was away for too long.
        AirbyteError: The server refused to show it.
    """
    return _Watch(client, job, patience, on_progress, abort_if, sleep, monotonic).follow()


class _Watch:
    def __init__(
        self,
        client: AirbyteClient,
        job: SyncJob,
        patience: Patience,
        on_progress: OnProgress,
        abort_if: AbortIf,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._client, self._job, self._patience = client, job, patience
        self._on_progress, self._abort_if, self._sleep, self._monotonic = on_progress, abort_if, sleep, monotonic
        self._begin = self._told_at = self._changed_at = monotonic()
        self._asked_at = self._answered_at = self._begin
        self._failures = 0
        self._is_told = False
        self._is_aborted = False

    def follow(self) -> SyncJob:
        while True:
            self._look()
            if not self._failures:
                self._abort_where_due()
            if self._job.status.is_final and not self._failures:
                self._tell()
                return self._job
            self._complain_if_stuck()
            pause = self._pause()
            # Now, where after the pause it would be late.
            if not self._is_told or self._due_in() <= pause:
                self._tell(self._away() if self._failures else None)
            now = self._monotonic()
            if now - self._begin > self._patience.timeout_seconds:
                message = (
                    f"{self._job.kind} job {self._job.id} is still {self._job.status} after {now - self._begin:.0f} s. "
                    "It goes on, and the next run of the same day will follow it. Where its log in Airbyte stands "
                    "still, cancel it there and run the day again"
                )
                raise SyncTimeoutError(message)
            self._sleep(pause)

    def _look(self) -> None:
        """One poll. Tries grow longer while they fail: a server may be slow and not away."""
        timeouts = self._client.config.timeouts
        timeout = min(timeouts.poll * 2**self._failures, _SLOWEST_POLL)
        if not self._failures:
            self._asked_at = self._monotonic()
        try:
            seen = self._ask(timeout)
        except (AirbyteUnreachableError, AirbyteAnswerError) as error:
            self._missed(error)
            return
        if self._failures:
            self._failures = 0
            self._tell(f"Airbyte answers again after {self._monotonic() - self._answered_at:.0f} s")
        self._answered_at = self._monotonic()
        if _fingerprint(seen) != _fingerprint(self._job):
            self._changed_at = self._answered_at
        self._is_told = self._is_told and seen.status is self._job.status
        self._job = seen

    def _abort_where_due(self) -> None:
        reason = self._abort_if(self._job)
        if reason is None or self._is_aborted or self._job.status.is_final:
            return
        try:
            self._client.cancel(self._job.id)
        except AirbyteError as error:
            # Asked again at the next look.
            self._tell(f"it is to be cancelled and could not be: {error}")
            return
        self._is_aborted = True
        self._tell(f"cancelled: {reason}")

    def _ask(self, timeout: float) -> SyncJob:
        """The job as the server shows it."""
        answer = ask_aside(lambda: self._client.job(self._job.id, timeout=timeout))
        while True:
            try:
                answer.exception(max(self._due_in(), 0))
            except TimeoutError:
                # A look that has just begun is no outage, though a sign of life was due in the middle of it.
                waited = self._monotonic() - self._asked_at
                self._tell(self._away() if waited >= self._patience.progress_seconds else None)
                continue
            return answer.result()

    def _missed(self, error: Exception) -> None:
        self._failures += 1
        away = self._monotonic() - self._answered_at
        if away > self._patience.outage_seconds:
            message = (
                f"Airbyte has been away for {away:.0f} s while {self._job.kind} job {self._job.id} was "
                f"{self._job.status}; the job was not cancelled, and the next run of the same day will follow it. "
                f"Last: {error}"
            )
            raise SyncLostError(message) from None
        if self._failures == 1:
            self._tell(f"Airbyte does not answer, the sync goes on without being watched: {error}")

    def _away(self) -> str:
        return f"no answer from Airbyte for {self._monotonic() - self._asked_at:.0f} s"

    def _due_in(self) -> float:
        """Seconds until the next sign of life is due."""
        return self._told_at + self._patience.progress_seconds - self._monotonic()

    def _pause(self) -> float:
        """Until the next look; shorter than the log may be silent, and growing while the server is away."""
        pause = self._patience.poll_seconds * (2 ** min(self._failures, 4) if self._failures else 1)
        longest = self._patience.progress_seconds * (1 - _ANSWER_SHARE)
        return min(pause, max(self._patience.poll_seconds, 5.0), longest)

    def _complain_if_stuck(self) -> None:
        still = self._monotonic() - self._changed_at
        if self._failures or still < self._patience.stuck_seconds or self._job.status is JobStatus.QUEUED:
            return
        self._changed_at = self._monotonic()
        self._tell(f"nothing about it has changed for {still:.0f} s: look at its log in Airbyte, it may be stuck")

    def _tell(self, note: str | None = None) -> None:
        self._told_at = self._monotonic()
        self._is_told = True
        attempt = self._job.last_attempt
        streams = attempt.streams if attempt is not None else None
        done = None if not streams else sum(count.state is StreamState.COMPLETE for count in streams.values())
        if streams and attempt is not None and attempt.status is JobStatus.SUCCEEDED:
            done = len(streams)
        self._on_progress(
            SyncProgress(
                self._job,
                self._monotonic() - self._begin,
                done,
                len(self._client.connection().selected),
                sum(count.records for count in streams.values()) if streams else None,
                note,
            )
        )


def _fingerprint(job: SyncJob) -> object:
    attempt = job.last_attempt
    counts = {table: count.records for table, count in (attempt.streams or {}).items()} if attempt else {}
    return job.status, job.updated_at, len(job.attempts), counts
