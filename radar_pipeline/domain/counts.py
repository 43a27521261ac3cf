"""Whether everybody who counted a table's rows came to the same number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# How long before or after a sync a count of a living table still says something about what the sync read.
COUNT_REACH = dt.timedelta(minutes=30)

# Where only one count of a living table is near, the table may have moved this much since.
DRIFT_ALLOWED = 0.01

# A small table moves by whole rows: two orders among a hundred are 2 %, and no rows lost.
DRIFT_ROWS = 10

# The server's clock and this platform's agree only so far, and the server tells whole seconds: a count taken just
# before a start may look later than it.
CLOCK_SLACK = dt.timedelta(seconds=5)
_WHOLE_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class SourceCounts:
    """Rows by table as the source itself counted them.

    Attributes:
        taken_at: When the count was taken, UTC.
        rows: Rows by table; a table that could not be counted is not in it.
    """

    taken_at: dt.datetime
    rows: Mapping[str, int]


@dataclass(frozen=True)
class CountsVerdict:
    """Whether the counts of one table agree.

    Attributes:
        passed: Whether they do.
        bronze: Rows in the footers.
        airbyte: Rows that Airbyte counted for the table; None where it told none.
        source: Least and most rows the source held around the sync; None where it could not be asked.
        reasons: Why, in sentences for a person.
    """

    passed: bool
    bronze: int
    airbyte: int | None
    source: tuple[int, int] | None
    reasons: tuple[str, ...]


def source_band(
    counts: Sequence[SourceCounts],
    table: str,
    begin: dt.datetime,
    end: dt.datetime,
    *,
    drift: float = DRIFT_ALLOWED,
) -> tuple[int, int] | None:
    """Least and most rows a table can have held while a sync read it.

    The counts last before and first after the sync bound it; a table that moved between them may have moved as much
    again while it was read.

    Args:
        counts: What the source counted, in any order.
        table: Table name.
        begin: When the sync began, as its server tells it.
        end: When it ended, as its server tells it.
        drift: Share by which the table may have moved where only one count is near, and never less than
            ``DRIFT_ROWS``; 0 where that one count must be met exactly.

    Returns:
        The band, or None where no count is near enough to say anything.
    """
    mine = sorted((each.taken_at, each.rows[table]) for each in counts if table in each.rows)
    # Of a sync of a few seconds either count may lie within the slack of either end: the middle tells them apart.
    middle = begin + (end - begin + _WHOLE_SECOND) / 2
    early = [rows for at, rows in mine if begin - COUNT_REACH <= at <= begin + CLOCK_SLACK and at < middle]
    late = [rows for at, rows in mine if end - CLOCK_SLACK <= at <= end + COUNT_REACH and at >= middle]
    if early and late:
        before, after = early[-1], late[0]
        moved = abs(after - before)
        return max(min(before, after) - moved, 0), max(before, after) + moved
    if not early and not late:
        return None
    only = early[-1] if early else late[0]
    allowed = max(round(only * drift), DRIFT_ROWS) if drift else 0
    return max(only - allowed, 0), only + allowed


def judge_counts(
    bronze: int, *, airbyte: int | None, total: tuple[int, int] | None, source: tuple[int, int] | None
) -> CountsVerdict:
    """Judges whether footers, Airbyte and the source agree on a table's rows.

    Args:
        bronze: Rows in the footers of the standing snapshot.
        airbyte: Rows that Airbyte counted for the table; None where the server counts no single tables.
        total: Rows over all tables by the footers and by Airbyte, for servers that count no single tables.
        source: Least and most rows of the source around the sync; None where it could not be asked.
    """
    reasons = []
    if airbyte is not None and airbyte != bronze:
        reasons.append(f"the bucket holds {bronze} rows, Airbyte counted {airbyte}")
    if airbyte is None and total is not None and total[0] != total[1]:
        reasons.append(f"over all tables the bucket holds {total[0]} rows, Airbyte counted {total[1]}")
    if source is not None and not source[0] <= bronze <= source[1]:
        held = f"{source[0]}" if source[0] == source[1] else f"{source[0]} to {source[1]}"
        reasons.append(f"the bucket holds {bronze} rows, the source held {held} around the sync")
    passed = not reasons
    if passed:
        reasons.append(_agreement(bronze, airbyte, total, source))
    return CountsVerdict(passed, bronze, airbyte, source, tuple(reasons))


def _agreement(bronze: int, airbyte: int | None, total: tuple[int, int] | None, source: tuple[int, int] | None) -> str:
    voices = ["footers"]
    if airbyte is not None:
        voices.append("Airbyte")
    elif total is not None:
        voices.append("Airbyte's total over all tables")
    if source is not None:
        voices.append("the source")
    if len(voices) == 1:
        return f"{bronze} rows by the footers; neither Airbyte nor the source could be asked"
    return f"{bronze} rows by {', '.join(voices)}"
