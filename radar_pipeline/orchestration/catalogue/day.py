"""One day's registration in the catalogue, without Dagster: what the asset's body, the CLI and tests call.

What belongs here: which snapshots are registered, and by whom (this platform, the crawler, or both). What does not: how
(lake) and what the events look like (cataloguing).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.drift import LakeDay, diff_catalogue
from radar_pipeline.domain.catalogue.model import CatalogueState, Mark, catalogue_name, mark_of
from radar_pipeline.domain.catalogue.proven import Standing, standing
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.domain.wording import listed, plural, some
from radar_pipeline.orchestration.systems import Systems

if TYPE_CHECKING:
    from radar_pipeline.lake.catalogue.crawler import CrawlOutcome

Log = Callable[[str], None]

# How often the crawler is looked at; it takes minutes.
CRAWLER_POLL_SECONDS = 5.0

# Every how many tables the log tells how far a registration is.
_STEP = 20


@dataclass(frozen=True)
class TableCatalogued:
    """What became of one proven table's day.

    Attributes:
        table: Table name.
        passed: Whether the day can be queried.
        reasons: Why, or why not and what to do.
        rows: Rows of the snapshot.
        files: Its files.
        columns: How many columns the table has in the catalogue.
        changes: What became of the table's columns.
        written: Whether anything had to be written.
    """

    table: str
    passed: bool
    reasons: tuple[str, ...]
    rows: int = 0
    files: int = 0
    columns: int = 0
    changes: tuple[str, ...] = ()
    written: bool = False


@dataclass(frozen=True)
class CatalogueReport:
    """What became of one day.

    Attributes:
        day: The day.
        tables: Every table that the ledger holds a judgement of.
        unproven: Tables without one: what is not proven is not registered.
        crawl: How the crawl ended; None where there was none.
    """

    day: dt.date
    tables: tuple[TableCatalogued, ...]
    unproven: tuple[str, ...] = ()
    crawl: CrawlOutcome | None = None

    @property
    def failed(self) -> Mapping[str, str]:
        """Why, by table that is proven and cannot be queried."""
        return {table.table: "; ".join(table.reasons) for table in self.tables if not table.passed}

    @property
    def words(self) -> str:
        """The report in one line."""
        words = how_many_registered(self.tables)
        passed = [table for table in self.tables if table.passed]
        if passed and not any(table.written for table in passed):
            words += "; nothing had to be written"
        if self.crawl:
            words += f"; crawler {self.crawl.crawler}: {self.crawl.status}"
        return f"{words}; not: {listed(sorted(self.failed))}" if self.failed else words


def how_many_registered(tables: Collection[TableCatalogued]) -> str:
    """How many of a day's tables can be queried. One without rows has no file, and so nothing to register."""
    passed = [table for table in tables if table.passed]
    registered = sum(table.files > 0 for table in passed)
    words = f"{registered} of {plural(len(tables), 'table', 'tables')} registered"
    return words if registered == len(passed) else f"{words}, {len(passed) - registered} without rows"


def read_standing(
    systems: Systems, day: dt.date, tables: Sequence[str], log: Log = lambda _line: None
) -> dict[str, Standing]:
    """What stands of a day, of every table that the ledger holds a judgement of; says which records are damaged.

    Raises:
        LakeError: The ledger cannot be read.
    """
    from radar_pipeline.lake.inventory import read_folders
    from radar_pipeline.lake.ledger import read_history

    history = read_history(systems.lake, systems.layout, until=day, days=1)
    judged = {name: judgement for name in tables if (judgement := history.judged(name, day))}
    without = some([name for name in tables if name not in judged]) or "no table"
    for problem in history.unreadable:
        log(f"a record of the ledger cannot be read and is left out: {problem}; without a proof of the day: {without}")
    folders = read_folders(systems.lake, systems.layout, list(judged), day)
    return {name: standing(folders[name], judgement) for name, judgement in judged.items()}


def read_snapshots(systems: Systems, day: dt.date, tables: Sequence[str]) -> Mapping[str, Snapshot]:
    """The proven snapshots of some tables of a day; a table whose snapshot cannot be had is left out."""
    found = read_standing(systems, day, tables)
    return {name: each.snapshot for name, each in found.items() if each.snapshot}


def register_day(systems: Systems, day: dt.date, log: Log, *, poll: float = CRAWLER_POLL_SECONDS) -> CatalogueReport:
    """Registers every proven snapshot of a day, as the setting says: by itself, through the crawler, or both.

    Raises:
        LakeError: The ledger cannot be read.
        CatalogueError: Nothing can be registered at all.
    """
    from radar_pipeline.lake.catalogue.cataloguing import publish_day

    names = systems.registry.names
    found = read_standing(systems, day, names, log)
    snapshots = {name: each.snapshot for name, each in found.items() if each.snapshot and each.snapshot.files}
    tables = {name: _without_files(name, each) for name, each in found.items() if name not in snapshots}
    bucket, layout = systems.settings.bucket, systems.layout
    crawl = None
    if systems.settings.catalogue in {"register", "both"}:
        verdicts = publish_day(
            systems.glue,
            bucket=bucket,
            layout=layout,
            day=day,
            snapshots=snapshots,
            on_progress=_told(log, "registered"),
        )
        for name, verdict in verdicts.items():
            changes = tuple(f"{change.column} {change.alteration}" for change in verdict.changes)
            tables[name] = TableCatalogued(
                name,
                verdict.passed,
                verdict.reasons,
                snapshots[name].rows,
                len(snapshots[name].files),
                len(verdict.columns),
                changes,
                verdict.written,
            )
    if systems.settings.catalogue in {"crawler", "both"}:
        crawl = _crawl(systems, log, poll)
        log(f"crawler {crawl.crawler}: {crawl.status} after {crawl.seconds:.0f} s {crawl.message}".rstrip())
        for name, compared in compare_day(systems, day, snapshots).items():
            tables[name] = _crawled(compared, tables.get(name), crawl)
    ordered = tuple(tables[name] for name in names if name in tables)
    return CatalogueReport(day, ordered, tuple(name for name in names if name not in tables), crawl)


def compare_day(systems: Systems, day: dt.date, snapshots: Mapping[str, Snapshot]) -> dict[str, TableCatalogued]:
    """Compares what the catalogue holds of a day with what landed; changes nothing.

    Raises:
        CatalogueError: Nothing can be read at all.
    """
    from radar_pipeline.lake.catalogue.crawler import compare_crawled

    landed = {name: snapshot for name, snapshot in snapshots.items() if snapshot.files}
    found = compare_crawled(
        systems.glue, bucket=systems.settings.bucket, layout=systems.layout, day=day, snapshots=landed
    )
    return {
        name: TableCatalogued(name, each.passed, each.reasons, landed[name].rows, len(landed[name].files))
        for name, each in found.items()
    }


def look_at_day(systems: Systems, day: dt.date, tables: Sequence[str], log: Log) -> dict[str, TableCatalogued]:
    """Whether some tables' day can be queried, as the catalogue stands; changes nothing.

    Raises:
        LakeError: The ledger cannot be read.
        CatalogueError: The catalogue cannot be read.
    """
    found = read_standing(systems, day, tables, log)
    snapshots = {name: each.snapshot for name, each in found.items() if each.snapshot and each.snapshot.files}
    without = {name: _without_files(name, each) for name, each in found.items() if name not in snapshots}
    look = compare_day if systems.settings.catalogue == "crawler" else _compare_registered
    return {**look(systems, day, snapshots), **without}


def _compare_registered(
    systems: Systems, day: dt.date, snapshots: Mapping[str, Snapshot]
) -> dict[str, TableCatalogued]:
    """Compares one day as the daily look compares all of them; tiers are left to that."""
    glue, layout = systems.glue, systems.layout
    lake, states = {}, {}
    tables = glue.tables()
    for name, snapshot in snapshots.items():
        there = tables.get(catalogue_name(name))
        partitions = glue.partitions_of(there.name, [day]) if there else {}
        mark = mark_of(partitions[day]) if day in partitions else None
        standard = Mark(StorageClass.STANDARD)
        lake[name] = {day: LakeDay(day, len(snapshot.files), snapshot.bytes, mark or standard)}
        states[name] = CatalogueState(there, partitions)
    proven = {name: {day} for name in snapshots}
    findings = diff_catalogue(
        lake=lake, glue=states, dagster=None, bucket=systems.settings.bucket, layout=layout, proven=proven
    )
    reasons = {name: tuple(each.words for each in findings if each.table == name) for name in snapshots}
    return {
        name: TableCatalogued(
            name,
            not reasons[name],
            reasons[name] or ("the catalogue has the day as it landed",),
            snapshot.rows,
            len(snapshot.files),
        )
        for name, snapshot in snapshots.items()
    }


def _without_files(name: str, found: Standing) -> TableCatalogued:
    if found.snapshot:
        return TableCatalogued(name, passed=True, reasons=("the day has no file, so there is nothing to register",))
    return TableCatalogued(name, passed=False, reasons=(found.problem or "it cannot be read",))


def _crawl(systems: Systems, log: Log, poll: float) -> CrawlOutcome:
    from radar_pipeline.lake.catalogue.crawler import run_crawler

    settings = systems.settings
    return run_crawler(
        systems.glue,
        settings.glue_crawler,
        timeout=settings.crawler_timeout_seconds,
        poll=poll,
        on_progress=lambda state, seconds: log(f"crawler {settings.glue_crawler}: {state}, {seconds:.0f} s"),
    )


def _crawled(compared: TableCatalogued, registered: TableCatalogued | None, crawl: CrawlOutcome) -> TableCatalogued:
    """What the crawler left, beside what this platform had registered before it."""
    reasons = compared.reasons
    if not compared.passed and not crawl.succeeded:
        reasons = (f"the crawler ended {crawl.status}: {crawl.message}".rstrip(": "), *reasons)
    if registered is None:
        return TableCatalogued(compared.table, compared.passed, reasons, compared.rows, compared.files)
    passed = compared.passed and registered.passed
    failed = [each for each, ok in ((registered.reasons, registered.passed), (reasons, compared.passed)) if not ok]
    return TableCatalogued(
        compared.table,
        passed,
        tuple(reason for each in failed for reason in each) if failed else registered.reasons,
        compared.rows,
        compared.files,
        registered.columns,
        registered.changes,
        registered.written,
    )


def _told(log: Log, what: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done % _STEP == 0 or done == total:
            log(f"{done} of {total} tables {what}")

    return tell
