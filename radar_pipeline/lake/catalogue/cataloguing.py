"""Registers what landed in the catalogue, marks what was archived, mends what drifted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.catalogue import model as words
from radar_pipeline.domain.catalogue.drift import Finding, Remedy
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue.access import Progress, drop_days, each_table, mark_days, read_states
from radar_pipeline.lake.catalogue.glue import CatalogueError, GlueCatalogue
from radar_pipeline.lake.catalogue.registering import CatalogueVerdict, LandedDay, Registration

__all__ = [
    "CatalogueVerdict",
    "RepairReport",
    "drop_days",
    "mark_days",
    "publish_day",
    "read_states",
    "repair",
]

# Proven snapshots of some tables of a day; a table whose snapshot cannot be had is left out.
ReadSnapshots = Callable[[dt.date, Sequence[str]], Mapping[str, Snapshot]]
# Whether a day's folder still holds no data.
StillGone = Callable[[str, dt.date], bool]


def publish_day(
    catalogue: GlueCatalogue,
    *,
    bucket: str,
    layout: BronzeLayout,
    day: dt.date,
    snapshots: Mapping[str, Snapshot],
    parallel: int = 16,
    on_progress: Progress | None = None,
) -> dict[str, CatalogueVerdict]:
    """Registers one day of every table that has a snapshot, and makes database and tables where they are missing.

    Reads what is there and writes only what differs. What is wrong with one table is in its verdict and keeps no other
    from being registered.

    Args:
        catalogue: The catalogue.
        bucket: Bucket name.
        layout: Where things lie in it.
        day: Ingestion day.
        snapshots: What stands of the day, by table (names as the registry spells them).
        parallel: Tables at a time.
        on_progress: Called from this thread with tables done and tables in all.

    Returns:
        A verdict for every table, in the order given.

    Raises:
        CatalogueError: Nothing can be registered at all: keys refused, endpoint away, database not to be made.
    """
    clashes = {table: found for found in words.clashing_names(snapshots).values() for table in found}
    tables = catalogue.tables()
    if not tables and snapshots:
        catalogue.ensure_database()

    def register(table: str) -> CatalogueVerdict:
        if table in clashes:
            return _clash(table, clashes[table])
        snapshot = snapshots[table]
        if not snapshot.columns:
            reason = ("the day has no rows and so no file: there is nothing to register",)
            return CatalogueVerdict(table, passed=True, reasons=reason, name=words.catalogue_name(table))
        landed = LandedDay(table, day, snapshot, bucket, layout)
        return Registration(catalogue, tables, landed).run()

    found: dict[str, CatalogueVerdict] = {}
    for table, verdict in each_table(list(snapshots), register, parallel):
        found[table] = _refused(table, verdict) if isinstance(verdict, CatalogueError) else verdict
        if on_progress:
            on_progress(len(found), len(snapshots))
    return found


def _refused(table: str, error: CatalogueError) -> CatalogueVerdict:
    name = words.catalogue_name(table)
    return CatalogueVerdict(table, False, (str(error),), name=name)


def _clash(table: str, clash: Sequence[str]) -> CatalogueVerdict:
    name = words.catalogue_name(table)
    others = ", ".join(other for other in clash if other != table)
    reason = f"{table} has the same name in the catalogue ({name}) as {others}: one of them has to be renamed"
    return CatalogueVerdict(table, False, (reason,), name=name)


@dataclass(frozen=True)
class RepairReport:
    """What became of findings.

    Attributes:
        done: Findings that are mended.
        failed: Findings that are not, each with the reason.
        left: Findings that a person has to decide or that are not the catalogue's.
    """

    done: tuple[Finding, ...]
    failed: tuple[tuple[Finding, str], ...]
    left: tuple[Finding, ...]


def repair(
    catalogue: GlueCatalogue,
    findings: Iterable[Finding],
    *,
    bucket: str,
    layout: BronzeLayout,
    read: ReadSnapshots,
    still_gone: StillGone | None = None,
    parallel: int = 16,
    on_progress: Progress | None = None,
) -> RepairReport:
    """Mends what the findings say of the catalogue: registers, drops and marks days. The lake is never touched.

    Args:
        catalogue: The catalogue.
        findings: What is amiss.
        bucket: Bucket name.
        layout: Where things lie in it.
        read: Reads the proven snapshots of some tables of a day.
        still_gone: Asked for each day just before it is dropped; None where the findings are fresh enough.
        parallel: Tables at a time.
        on_progress: Called from this thread with findings settled and findings in all.

    Raises:
        CatalogueError: Nothing can be written at all.
    """
    work = _Repair(catalogue, bucket, layout, read, still_gone, parallel)
    every = list(findings)
    mended = [each for each in every if each.day is not None and each.remedy in work.steps]
    outcomes: dict[Finding, str | None] = {}
    # Registered first: a day that is registered anew loses its mark where its files are others.
    for remedy, step in work.steps.items():
        for found, problem in step([each for each in mended if each.remedy is remedy]):
            outcomes[found] = problem
            if on_progress:
                on_progress(len(outcomes), len(mended))
    return RepairReport(
        done=tuple(each for each, problem in outcomes.items() if problem is None),
        failed=tuple((each, problem) for each, problem in outcomes.items() if problem is not None),
        left=tuple(each for each in every if each not in outcomes),
    )


Outcomes = Iterator[tuple[Finding, str | None]]


class _Repair:
    def __init__(
        self,
        catalogue: GlueCatalogue,
        bucket: str,
        layout: BronzeLayout,
        read: ReadSnapshots,
        still_gone: StillGone | None,
        parallel: int,
    ) -> None:
        self._catalogue = catalogue
        self._bucket = bucket
        self._layout = layout
        self._read = read
        self._still_gone = still_gone
        self._parallel = parallel
        self.steps: Mapping[Remedy | None, Callable[[Sequence[Finding]], Outcomes]] = {
            Remedy.REGISTER: self._register,
            Remedy.DROP: self._drop,
            Remedy.MARK: self._mark,
        }

    def _register(self, findings: Sequence[Finding]) -> Outcomes:
        by_day: dict[dt.date, dict[str, list[Finding]]] = {}
        for found in findings:
            if found.day:
                by_day.setdefault(found.day, {}).setdefault(found.table, []).append(found)
        for day in sorted(by_day):
            snapshots = self._read(day, sorted(by_day[day]))
            verdicts = publish_day(
                self._catalogue,
                bucket=self._bucket,
                layout=self._layout,
                day=day,
                snapshots=snapshots,
                parallel=self._parallel,
            )
            for table, same in by_day[day].items():
                verdict = verdicts.get(table)
                if verdict is None:
                    problem: str | None = (
                        "its files cannot be read, or nothing says that they are whole: prove the day first; restore "
                        "it before that where it is archived"
                    )
                else:
                    problem = None if verdict.passed else "; ".join(verdict.reasons)
                for found in same:
                    yield found, problem

    def _drop(self, findings: Sequence[Finding]) -> Outcomes:
        gone = [each for each in findings if each.day and (self._still_gone or _always)(each.table, each.day)]
        back = [each for each in findings if each not in gone]
        yield from ((each, "its folder holds data again: it is left as it is") for each in back)
        yield from self._by_table(gone, lambda table, days: drop_days(self._catalogue, table, days))

    def _mark(self, findings: Sequence[Finding]) -> Outcomes:
        marks = {(each.table, each.day): each.mark for each in findings}

        def mark(table: str, days: Sequence[dt.date]) -> Mapping[dt.date, str]:
            found = {day: marked for day in days if (marked := marks[table, day]) is not None}
            return mark_days(self._catalogue, table, found)

        yield from self._by_table(findings, mark)

    def _by_table(
        self, findings: Sequence[Finding], work: Callable[[str, Sequence[dt.date]], Mapping[dt.date, str]]
    ) -> Outcomes:
        by_table: dict[str, dict[dt.date, Finding]] = {}
        for found in findings:
            if found.day:
                by_table.setdefault(found.table, {})[found.day] = found
        for table, refused in each_table(
            list(by_table), lambda table: work(table, list(by_table[table])), self._parallel
        ):
            for day, found in by_table[table].items():
                yield found, str(refused) if isinstance(refused, CatalogueError) else refused.get(day)


def _always(_table: str, _day: dt.date) -> bool:
    return True
