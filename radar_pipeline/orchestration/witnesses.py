"""Everybody who knows something about a day, asked side by side.

What belongs here: asking Airbyte, the bucket, the ledger and the source, and what an answer that cannot be had means.
What does not: what follows from the answers (judging) and in which order a day goes (day).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.airbyte.outage import ride_out
from radar_pipeline.airbyte.progress import Patience
from radar_pipeline.domain.counts import SourceCounts
from radar_pipeline.domain.landing import Landing
from radar_pipeline.domain.ledger import History
from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.domain.snapshots import Folder
from radar_pipeline.domain.sync import SyncJob, syncs_of_day
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.ledger import read_history, record_source_counts
from radar_pipeline.orchestration.judging import Evidence, judge_landings
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.source.columns import observe_tables
from radar_pipeline.source.connection import SourceError
from radar_pipeline.source.counts import count_rows

Log = Callable[[str], None]


@dataclass
class Witnesses:
    """Those who know something about one day.

    Attributes:
        systems: The environment.
        day: The partition's day.
        log: Receives one line for a person about each witness who could not be asked.
    """

    systems: Systems
    day: dt.date
    log: Log
    _ledger: dict[str, bytes] = field(default_factory=dict, init=False)

    def evidence(
        self,
        client: AirbyteClient | None,
        *,
        landings_only: bool = False,
        recount: bool = False,
        folders: Mapping[str, Folder] | None = None,
    ) -> Evidence:
        """Asks everybody, side by side.

        Args:
            client: The Airbyte server; None where it cannot be reached.
            landings_only: Leave out what says nothing about whether the day is there.
            recount: Count the source too, because a sync has just ended.
            folders: What lies in the bucket, where that is known already.
        """
        with ThreadPoolExecutor(6, thread_name_prefix="witness") as pool:
            counted = pool.submit(self.count_source) if recount else None
            found = pool.submit(lambda: folders or self._folders())
            history = pool.submit(self.history)
            mysql = None if landings_only else pool.submit(self._observe_source)
            # In this thread, which a terminated run interrupts: where Airbyte is away, it is waited for.
            jobs = self._jobs(client) if client else ()
            airbyte = None if landings_only or client is None else pool.submit(self._observe_catalogue, client)
            past, last = history.result(), counted.result() if counted else ()
            for problem in past.unreadable:
                self.log(f"a record of the ledger cannot be read and is left out: {problem}")
            return Evidence(
                jobs=jobs,
                folders=found.result(),
                # The newest counts are on record too; whether they were read back with the others is chance.
                source_counts=(*(each for each in past.source_counts(self.day) if each not in last), *last),
                history=past,
                mysql=mysql.result() if mysql else None,
                airbyte=airbyte.result() if airbyte else None,
                asked=client is not None,
            )

    def count_source(self) -> tuple[SourceCounts, ...]:
        """Counts the source and keeps the counts beside the lake, so that a killed run's successor has them too."""
        taken_at = self.systems.clock()
        rows = self._rows_at_source(self.systems.registry.names)
        if rows is None:
            return ()
        counts = SourceCounts(taken_at, rows)
        record_source_counts(self.systems.lake, self.systems.layout, self.day, counts)
        return (counts,)

    def filled(self, tables: Sequence[str]) -> list[str]:
        """Those of some tables that hold rows at the source now; none where it cannot be asked."""
        rows = self._rows_at_source(tables) or {}
        return [table for table in tables if rows.get(table)]

    def _rows_at_source(self, tables: Sequence[str]) -> Mapping[str, int] | None:
        """Rows of tables by name; None where the source cannot be asked."""
        if self.systems.source is None:
            return None
        try:
            return count_rows(self.systems.source, tables).rows
        except SourceError as error:
            self.log(f"the source could not be counted: {error}")
            return None

    def history(self) -> History:
        """The ledger up to this day. Records read once are not fetched again."""
        return read_history(self.systems.lake, self.systems.layout, until=self.day, known=self._ledger)

    def explained(self, evidence: Evidence) -> Evidence:
        """Adds to folders in which nothing lies why that may be.

        Either the connection does not sync the table, or the sync crossed midnight: destination-s3 dates the folder by
        the start of its own process, not of the job.
        """
        verdicts = judge_landings(self.systems.registry, self.day, evidence)
        missing = [name for name, verdict in verdicts.items() if verdict.landing is Landing.MISSING]
        if not missing or not evidence.jobs:
            return evidence
        unsynced = {name for name in missing if not is_synced(name, evidence.airbyte)}
        notes = dict.fromkeys(unsynced, _UNSYNCED)
        tomorrow = self.day + dt.timedelta(days=1)
        found = read_folders(self.systems.lake, self.systems.layout, sorted(set(missing) - unsynced), tomorrow)
        notes |= {name: _strayed_note(folder) for name, folder in found.items() if folder.files}
        folders = {name: replace(evidence.folders[name], note=note) for name, note in notes.items()}
        return replace(evidence, folders={**evidence.folders, **folders})

    def _folders(self) -> dict[str, Folder]:
        return read_folders(self.systems.lake, self.systems.layout, self.systems.registry.names, self.day)

    def _jobs(self, client: AirbyteClient) -> tuple[SyncJob, ...]:
        """The day's sync jobs with their attempts and counts."""
        start = dt.datetime.combine(self.day, dt.time(), dt.UTC)

        def ask() -> tuple[SyncJob, ...]:
            return tuple(client.job(job.id) for job in syncs_of_day(client.recent_jobs(start), self.day))

        patience = Patience(self.systems.settings.poll_seconds)
        return ride_out(ask, patience, on_progress=lambda progress: self.log(str(progress)))

    def _observe_source(self) -> Mapping[str, ObservedTable] | None:
        """The source's tables as they are now, which says something about today only."""
        if self.systems.source is None or self.day != self.systems.clock().date():
            return None
        try:
            return {table.name: table for table in observe_tables(self.systems.source)}
        except SourceError as error:
            self.log(f"the source's columns could not be read: {error}")
            return None

    def _observe_catalogue(self, client: AirbyteClient) -> Mapping[str, ObservedTable] | None:
        if self.day != self.systems.clock().date():
            return None
        try:
            return {table.name: table for table in client.catalog()}
        except AirbyteError as error:
            self.log(f"the connection's catalogue could not be read: {error}")
            return None


_UNSYNCED = (
    "the Airbyte connection does not sync this table: select the stream there, or take the table out of the registry"
)


def is_synced(table: str, catalogue: Mapping[str, ObservedTable] | None) -> bool:
    """Whether the connection syncs a table, as far as its catalogue is known."""
    return catalogue is None or (table in catalogue and catalogue[table].is_selected)


def _strayed_note(folder: Folder) -> str:
    rows = sum(file.rows for file in folder.files)
    return f"{rows} rows lie under {folder.day}: the sync crossed midnight UTC and landed in the next day's folder"
