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
        for table in history.judgements:
            if table not in self._newest and (accepted := history.accepted(table)):
                self._newest[table] = accepted[-1][0]
        self._read_to = last - dt.timedelta(days=days - 1)
