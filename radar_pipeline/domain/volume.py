"""Whether a day's row count is believable, judged against the accepted snapshots before it.

Two rules meet. The written one: a count more than the table's limit (20 %, ``store`` 5 %) away from the last accepted
snapshot is an anomaly. The table's own habit: measured on 30 real series, the written rule alone raises no false alarm
on full snapshots but misses a tenth of the rows lost and a file repeated, so a table is also held to how it has moved
before. Zero rows are never left to statistics: tools that do so miss two thirds of empty loads.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A habit needs a week of movements: pharmacies trade every day of it, back offices only on some.
HABIT_MOVEMENTS = 7

# Least shrinkage that habit may call strange: clean-ups of up to 2 % are ordinary in tables that otherwise grow.
HABIT_SLACK = 0.02

# Increments swing by weekday and season; half to double of the median is where the 20 % rule raised 30 alarms a day.
INCREMENT_FACTOR = 2.0


@dataclass(frozen=True)
class AcceptedCount:
    """Rows of one accepted snapshot."""

    day: dt.date
    rows: int


@dataclass(frozen=True)
class VolumeVerdict:
    """Whether a row count is believable.

    Attributes:
        passed: Whether it is.
        rows: The count judged.
        lower: Fewest rows that would have passed; None where there was nothing to compare with.
        upper: Most rows that would have passed; None as above.
        reference: The accepted snapshot compared with; None where there is none.
        reasons: Why, in sentences for a person.
    """

    passed: bool
    rows: int
    lower: int | None
    upper: int | None
    reference: AcceptedCount | None
    reasons: tuple[str, ...]

    @property
    def change(self) -> float | None:
        """Share by which the count differs from the reference; None where there is none or it was empty."""
        if self.reference is None or not self.reference.rows:
            return None
        return self.rows / self.reference.rows - 1


def judge_volume(
    rows: int,
    history: Sequence[AcceptedCount],
    *,
    limit: float,
    may_be_empty: bool = False,
    incremental: bool = False,
    rejected_before: int = 0,
) -> VolumeVerdict:
    """Judges a row count against accepted history.

    Args:
        rows: Rows of the snapshot.
        history: Accepted snapshots of days before it, oldest first.
        limit: Share by which rows may differ from the newest of them.
        may_be_empty: Whether no rows at all are right for this table.
        incremental: Whether a day holds new rows only instead of the whole table.
        rejected_before: How many snapshots of the days that ``history`` was read from were judged and not accepted.
            Where there are any and none was accepted, this is not the table's first snapshot: were it let through as
            one, a table rejected for weeks would become its own reference as soon as the last good day is out of reach.
    """
    reference = history[-1] if history else None
    if rows == 0:
        reason = "no rows, as the registry allows for this table" if may_be_empty else "no rows: never right here"
        return VolumeVerdict(may_be_empty, 0, None, None, reference, (reason,))
    if reference is None and rejected_before:
        return VolumeVerdict(False, rows, None, None, None, (_nothing_accepted(rejected_before),))
    if reference is None:
        return VolumeVerdict(
            True, rows, None, None, None, ("the first snapshot of the table: nothing to compare with",)
        )
    if reference.rows == 0:
        return VolumeVerdict(True, rows, None, None, reference, (f"the table was empty on {reference.day}",))
    if incremental:
        return _judge_increment(rows, history)
    return _judge_full(rows, history, reference, limit)


def _nothing_accepted(rejected: int) -> str:
    were = "was" if rejected == 1 else "were"
    return (
        f"no accepted snapshot in the history that was read; {rejected} before it {were} rejected: accept one with "
        "`radar accept` if it is right"
    )


def _judge_full(rows: int, history: Sequence[AcceptedCount], reference: AcceptedCount, limit: float) -> VolumeVerdict:
    lowest, highest = reference.rows * (1 - limit), reference.rows * (1 + limit)
    moves = _movements(history)
    habit = _habitual_shrinkage(moves) if len(moves) >= HABIT_MOVEMENTS else None
    by_habit = habit is not None and habit < limit
    if habit is not None and by_habit:
        lowest = reference.rows * (1 - habit)
    # A small table moves by whole rows: one row of ten is 10 %, and no anomaly.
    lower, upper = min(math.floor(lowest), reference.rows - 1), max(math.ceil(highest), reference.rows + 1)
    reasons = []
    if rows < lower:
        rule = (
            f"{habit:.1%} that its own history of {len(moves)} movements allows"
            if by_habit
            else f"limit of {limit:.0%}"
        )
        reasons.append(
            f"{rows} rows, {1 - rows / reference.rows:.1%} fewer than the {reference.rows} of {reference.day}; {rule}"
        )
    if rows > upper:
        share = rows / reference.rows - 1
        reasons.append(
            f"{rows} rows, {share:.1%} more than the {reference.rows} of {reference.day}; limit of {limit:.0%}"
        )
    if rows == reference.rows and len(moves) >= HABIT_MOVEMENTS and all(moves):
        reasons.append(
            f"exactly the {rows} rows of {reference.day}: a repeated copy? "
            f"The table moved on each of the {len(moves)} days before"
        )
    passed = not reasons
    if passed:
        reasons.append(f"{rows} rows, {rows / reference.rows - 1:+.1%} against the {reference.rows} of {reference.day}")
    return VolumeVerdict(passed, rows, max(lower, 1), upper, reference, tuple(reasons))


def _movements(history: Sequence[AcceptedCount]) -> list[float]:
    """Shares by which each accepted snapshot differs from the one before."""
    return [after.rows / before.rows - 1 for before, after in pairwise(history) if before.rows]


def _habitual_shrinkage(moves: Sequence[float]) -> float:
    """Share by which the table may shrink by its own habit: its worst day so far, widened by how much it moves."""
    worst = -min(*moves, 0.0)
    return worst + max(HABIT_SLACK, 2 * (max(moves) - min(moves)))


def _judge_increment(rows: int, history: Sequence[AcceptedCount]) -> VolumeVerdict:
    reference = history[-1]
    counts = [each.rows for each in history if each.rows]
    if len(counts) < HABIT_MOVEMENTS:
        reason = f"{len(counts)} increments so far: judged from {HABIT_MOVEMENTS} on"
        return VolumeVerdict(True, rows, None, None, reference, (reason,))
    middle = statistics.median(counts)
    lower, upper = math.floor(middle / INCREMENT_FACTOR), math.ceil(middle * INCREMENT_FACTOR)
    passed = lower <= rows <= upper
    reason = f"{rows} new rows; half to double of the usual {middle:.0f} is {lower} to {upper}"
    return VolumeVerdict(passed, rows, lower, upper, reference, (reason,))
