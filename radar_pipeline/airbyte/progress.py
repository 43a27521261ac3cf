"""How patiently a job is followed, and how its progress is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from radar_pipeline.domain.sync import SyncJob

# A person who looks at the log wants a sign of life at least this often.
PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class Patience:
    """How long to follow a job.

    Attributes:
        poll_seconds: Pause between two looks at it.
        timeout_seconds: How long it may take in all.
        outage_seconds: How long the server may be away in one go.
        stuck_seconds: After how long without any change it is called stuck.
        progress_seconds: How often progress is told at least; the pause between two looks is never as long.
    """

    poll_seconds: float = 10.0
    timeout_seconds: float = 14_400.0
    outage_seconds: float = 900.0
    stuck_seconds: float = 1_800.0
    progress_seconds: float = PROGRESS_SECONDS


@dataclass(frozen=True)
class SyncProgress:
    """How far a sync is; ``str`` gives the line for a log.

    Attributes:
        job: The job as last seen; None where the note says it all, as while the list of jobs cannot be had.
        seconds: Since it was first followed, or asked for.
        tables_done: Tables that are complete; None where the server does not tell before the end.
        tables_total: Tables of the connection.
        rows: Rows so far; None as above.
        note: Something out of the ordinary: an outage, its end, a job that stands still.
    """

    job: SyncJob | None
    seconds: float
    tables_done: int | None = None
    tables_total: int = 0
    rows: int | None = None
    note: str | None = None

    def __str__(self) -> str:
        """One line for a person."""
        if self.job is None:
            return self.note or "waiting for Airbyte"
        attempt = self.job.last_attempt
        name = f"{self.job.kind} job {self.job.id}"
        if attempt is not None and attempt.number:
            name += f" (attempt {attempt.number + 1})"
        since = "after" if self.job.status.is_final else "for"
        parts = [f"{name} {self.job.status} {since} {self.seconds:.0f} s"]
        if self.tables_done is not None:
            parts.append(f"{self.tables_done} of {self.tables_total} tables")
        if self.rows is not None:
            parts.append(f"{self.rows} rows")
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)


OnProgress = Callable[[SyncProgress], None]
