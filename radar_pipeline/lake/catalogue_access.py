"""What the catalogue holds of the tables, and the marks and drops that need no look at the lake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from radar_pipeline.domain import catalogue as words
from radar_pipeline.domain.catalogue import CataloguePartition, CatalogueState, CatalogueTable, Mark
from radar_pipeline.domain.evolution import unreadable_columns
from radar_pipeline.lake.glue import CatalogueError, CatalogueFault, GlueCatalogue

Progress = Callable[[int, int], None]

# A catalogue that failed this often, each time after all retries, is taken to be away.
_WIDE_FAILURES = 4
_MARK_TRIES = 5

T = TypeVar("T")


def read_states(
    catalogue: GlueCatalogue,
    tables: Sequence[str],
    *,
    parallel: int = 16,
    with_columns: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, CatalogueState]:
    """What the catalogue holds of every table (names as the registry spells them); a table's problem is in its state.

    Raises:
        CatalogueError: Nothing can be read at all.
    """
    there = catalogue.tables()

    def read(table: str) -> CatalogueState:
        name = words.catalogue_name(table)
        if name not in there:
            return CatalogueState()
        partitions, odd = catalogue.partitions_and_odd(name, with_columns=with_columns)
        versions = {
            version.name: frozenset(catalogue.partitions(version.name, with_columns=False))
            for version in words.versions_of(name, there)
        }
        return CatalogueState(there[name], partitions, versions, odd)

    states: dict[str, CatalogueState] = {}
    for table, state in each_table(tables, read, parallel):
        states[table] = CatalogueState(problem=str(state)) if isinstance(state, CatalogueError) else state
        if on_progress:
            on_progress(len(states), len(tables))
    return states


def mark_days(catalogue: GlueCatalogue, table: str, marks: Mapping[dt.date, Mark]) -> Mapping[dt.date, str]:
    """Marks days of a table (name as the registry spells it) with their tier; writes only what differs.

    A day that the catalogue does not hold is left alone. Returns the days that were refused, each with the reason.

    Raises:
        CatalogueError: The table cannot be read or written at all.
    """
    refused: dict[dt.date, str] = {}
    for _ in range(_MARK_TRIES):
        tables = _tables_of(catalogue, table)
        changed = {each.name: found for each in tables if (found := _unmarked(catalogue, each, marks))}
        refused = {}
        for name, found in changed.items():
            refused.update(catalogue.put_partitions(name, found, known=True))
        # A batch writes whole partitions, columns too: they must still be those that the table can read.
        if not changed or _tables_of(catalogue, table) == tables:
            break
    return refused


def _unmarked(
    catalogue: GlueCatalogue, table: CatalogueTable, marks: Mapping[dt.date, Mark]
) -> list[CataloguePartition]:
    """The days whose mark is another, as they are to be."""
    types = {column.name: column for column in table.columns}
    changed = []
    for day, partition in catalogue.partitions_of(table.name, list(marks)).items():
        unreadable = unreadable_columns(partition.columns, types)
        columns = tuple(column for column in partition.columns if column not in unreadable)
        wanted = replace(partition, columns=columns, parameters=words.with_mark(partition.parameters, marks[day]))
        if wanted != partition:
            changed.append(wanted)
    return changed


def drop_days(catalogue: GlueCatalogue, table: str, days: Iterable[dt.date]) -> Mapping[dt.date, str]:
    """Removes days of a table (name as the registry spells it) from the catalogue; the lake is not touched.

    Returns the days that were refused, each with the reason. Days that are not there count as removed.

    Raises:
        CatalogueError: The table cannot be read or written at all.
    """
    wanted = list(days)
    refused: dict[dt.date, str] = {}
    for each in _tables_of(catalogue, table):
        there = catalogue.partitions_of(each.name, wanted)
        refused.update(catalogue.delete_partitions(each.name, there))
    return refused


def _tables_of(catalogue: GlueCatalogue, table: str) -> tuple[CatalogueTable, ...]:
    """The tables of the catalogue that hold days of a table: its own, and those of its older types."""
    found = catalogue.table(words.catalogue_name(table))
    if found is None:
        return ()
    older = [catalogue.table(name) for name in found.parameters.get(words.OLDER_TYPES, "").split(",") if name]
    return (found, *(each for each in older if each is not None))


def each_table(
    tables: Sequence[str], work: Callable[[str], T], parallel: int
) -> Iterator[tuple[str, T | CatalogueError]]:
    """Does the work for every table, some at a time, and returns what came of each in the order given.

    Raises:
        CatalogueError: The catalogue is away: nothing came of any table, and for no reason of its own.
    """
    breaker = _Breaker()
    if not tables:
        return
    with ThreadPoolExecutor(max(1, min(parallel, len(tables))), thread_name_prefix="catalogue") as pool:
        yield from zip(tables, pool.map(lambda table: breaker.guarded(work, table), tables), strict=True)
    breaker.verify()


class _Breaker:
    """Knows when no request can succeed: a thousand tables that each wait for their time-outs would take hours."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: list[CatalogueError] = []
        self._has_success = False
        self._verdict: CatalogueError | None = None

    def guarded(self, work: Callable[[str], T], table: str) -> T | CatalogueError:
        """Does the work unless it is already known that none can succeed."""
        if self._verdict is not None:
            return self._verdict
        try:
            found = work(table)
        except CatalogueError as error:
            self._note(error)
            return error
        self._has_success = True
        return found

    def verify(self) -> None:
        """Raises what made everything fail, where it did and was no table's own."""
        if self._failures and not self._has_success and self._failures[0].fault.is_catalogue_wide:
            raise self._failures[0]

    def _note(self, error: CatalogueError) -> None:
        with self._lock:
            self._failures.append(error)
            wide = sum(each.fault.is_catalogue_wide for each in self._failures)
            if error.fault is CatalogueFault.CREDENTIALS or wide >= _WIDE_FAILURES:
                self._verdict = error
