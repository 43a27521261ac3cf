"""The two eras of Airbyte that the server speaks, and the retry rule of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Era:
    """What differs between two generations of the server.

    Attributes:
        name: Name on the command line.
        dialect: Parquet dialect of its destination-s3: ``0.3`` or ``1.x``.
        is_modern: Whether it has the public API, stream statuses, live counts, aggregated counts and HTTP 409.
        complete_failures: Attempts in a row that may move nothing before the job fails.
        partial_failures: Attempts that may move some rows and fail before the job fails.
        backoff: Factor by which the pause grows after each attempt in a row that moved nothing.
    """

    name: str
    dialect: str
    is_modern: bool
    complete_failures: int
    partial_failures: int
    backoff: int


OLD = Era("0.39", dialect="0.3", is_modern=False, complete_failures=3, partial_failures=3, backoff=1)
MODERN = Era("2.0", dialect="1.x", is_modern=True, complete_failures=5, partial_failures=20, backoff=3)
ERAS = {era.name: era for era in (OLD, MODERN)}


@dataclass(frozen=True)
class RetryPolicy:
    """How a job goes on after a failed attempt.

    A real server waits at least 60 s (0.39) or 10 s (2.0) and, in 2.0, tries up to 20 times: too long for a laptop, so
    both are settings here and the rule's shape is kept.

    Attributes:
        era: Whose rule.
        pause: Seconds between the end of an attempt and the next one.
        max_attempts: Bound over the era's own rule; None for the era's own rule alone.
        longest_pause: Seconds at which growing pauses stop (30 minutes in 2.0).
    """

    era: Era
    pause: float = 3.0
    max_attempts: int | None = 3
    longest_pause: float = 1800.0

    def pause_before_next(self, moved_rows: Sequence[bool]) -> float | None:
        """Seconds to wait before another attempt, or None where the job has failed for good.

        Args:
            moved_rows: For each failed attempt so far, in order, whether it committed any rows.
        """
        if self.max_attempts is not None and len(moved_rows) >= self.max_attempts:
            return None
        if not self.era.is_modern:
            return self.pause if len(moved_rows) < self.era.complete_failures else None
        empty_in_a_row = 0
        for moved in reversed(moved_rows):
            if moved:
                break
            empty_in_a_row += 1
        if empty_in_a_row >= self.era.complete_failures or sum(moved_rows) >= self.era.partial_failures:
            return None
        growth = float(self.era.backoff) ** max(empty_in_a_row - 1, 0)
        return min(self.pause * growth, self.longest_pause)
