"""The newest accepted day of each table by the ledger, which retention never deletes.

What belongs here: how far back the ledger is read. What does not: reading it (lake) and what follows (domain).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.ledger import read_history
from radar_pipeline.lake.store import LakeStore

# Nearly every table has an accepted day among the last few weeks. For one that has none, the ledger is read a year at a
# time: its records are small, but there are some for every day.
RECENT_DAYS = 35
STEP_DAYS = 365


@dataclass
class AcceptedDays:
    """Newest accepted days as the ledger stands when they are first asked for.

    Attributes:
        store: The bucket.
        layout: Where the ledger lies.
        until: Last day that counts.
        first: Before this day there is nothing.
        known: Records read before, by key: whoever asks again and again reads only what is new.
    """

    store: LakeStore
    layout: BronzeLayout
    until: dt.date
    first: dt.date
    known: dict[str, bytes] = field(default_factory=dict)
    _newest: dict[str, dt.date] = field(default_factory=dict, init=False)
    _read_to: dt.date | None = field(default=None, init=False)
    _unreadable: list[str] = field(default_factory=list, init=False)

    def newest(self, table: str, *, far_back: bool = True) -> dt.date | None:
        """The newest accepted day of a table; None where there is none.

        Args:
            table: Table name.
            far_back: Whether all of the ledger is looked through where the last weeks hold none.

        Raises:
            LakeError: The ledger cannot be read.
        """
        if self._read_to is None:
            self._read(RECENT_DAYS)
        while far_back and table not in self._newest and self._read_to and self._read_to > self.first:
            self._read(STEP_DAYS)
        return self._newest.get(table)

    def reach_back_to(self, day: dt.date) -> None:
        """Counts from an earlier day on: data may be older than the first day that the environment now starts with."""
        self.first = min(self.first, day)

    def doubt(self, table: str, last: dt.date) -> str | None:
        """Why it is not known whether a day up to ``last`` is the newest accepted one; None where it is known.

        A record that cannot be read may say anything of its day. One before the newest day that is accepted is of no
        weight, and where that day comes after ``last``, one after it is of none either.
        """
        newest = self._newest.get(table)
        weight = self._unreadable
        if newest is not None:
            # Folders of the ledger sort by day.
            folder = self.layout.ledger_folder(newest)
            weight = [each for each in weight if each.startswith(folder) or (newest <= last and each > folder)]
        if not weight:
            return None
        return (
            "which of its snapshots was accepted last is not known, as a record of the ledger cannot be read; mend it, "
            f"or remove it where it is nobody's: {weight[0]}"
        )

    def of(self, tables: Iterable[str]) -> dict[str, dt.date | None]:
        """The newest accepted day of each table.

        Raises:
            LakeError: The ledger cannot be read.
        """
        return {table: self.newest(table) for table in tables}

    def _read(self, days: int) -> None:
        """Reads further days back from where reading came to."""
        last = self._read_to - dt.timedelta(days=1) if self._read_to else self.until
        history = read_history(self.store, self.layout, until=last, days=days, known=self.known)
        self._unreadable += history.unreadable
        for table in history.judgements:
            if table not in self._newest and (accepted := history.accepted(table)):
                self._newest[table] = accepted[-1][0]
        self._read_to = last - dt.timedelta(days=days - 1)
