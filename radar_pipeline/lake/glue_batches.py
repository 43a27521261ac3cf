"""Partitions in batches: an answer of 200 may be half a failure, so each item is read, and tried again or named.

Limits of the batches, from the Glue API reference: 100 partitions to create or update, 25 to delete, 1,000 to get.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from radar_pipeline.domain.catalogue import CataloguePartition
from radar_pipeline.lake.catalogue_errors import CatalogueError, CatalogueFault, fault_of_code
from radar_pipeline.lake.glue_shapes import partition_input, partition_of

if TYPE_CHECKING:
    from radar_pipeline.lake.glue import GlueCatalogue

READ_AT_ONCE = 1_000
_CREATED_AT_ONCE = 100
_DELETED_AT_ONCE = 25

T = TypeVar("T")


def read_days(catalogue: GlueCatalogue, table: str, days: Sequence[dt.date]) -> dict[dt.date, CataloguePartition]:
    """Those of the days that a table has; none where there is no table."""
    found: dict[dt.date, CataloguePartition] = {}
    for batch in _batches(sorted(set(days)), READ_AT_ONCE):
        found.update(_read(catalogue, table, batch))
    return found


def _read(catalogue: GlueCatalogue, table: str, days: Sequence[dt.date]) -> dict[dt.date, CataloguePartition]:
    found: dict[dt.date, CataloguePartition] = {}
    what = f"read the partitions of {table}"
    wanted = [{"Values": [day.isoformat()]} for day in days]
    for _ in range(catalogue.config.max_attempts):
        answer = catalogue.if_there(
            what,
            lambda keys=wanted: catalogue.request(  # type: ignore[misc]
                what, "batch_get_partition", TableName=table, PartitionsToGet=keys
            ),
        )
        read = [partition_of(raw) for raw in (answer or {}).get("Partitions", ())]
        found.update({each.day: each for each in read if isinstance(each, CataloguePartition)})
        # AWS leaves out what is not there and names what it did not come to; other servers name both.
        left = (answer or {}).get("UnprocessedKeys") or []
        if not left or (not read and len(left) == len(wanted)):
            break
        wanted = left
    return found


def put_days(
    catalogue: GlueCatalogue, table: str, partitions: Sequence[CataloguePartition], *, known: bool
) -> Mapping[dt.date, str]:
    """Makes or changes days of a table. Returns those that were refused for good, each with the reason."""
    refused: dict[dt.date, str] = {}
    for batch in _batches(partitions, _CREATED_AT_ONCE):
        refused.update(_Put(catalogue, table, batch, known=known).run())
    return refused


def drop_days(catalogue: GlueCatalogue, table: str, days: Sequence[dt.date]) -> Mapping[dt.date, str]:
    """Removes days of a table. Returns those that were refused for good, each with the reason."""
    refused: dict[dt.date, str] = {}
    for batch in _batches(days, _DELETED_AT_ONCE):
        refused.update(_drop(catalogue, table, batch))
    return refused


def _drop(catalogue: GlueCatalogue, table: str, days: Sequence[dt.date]) -> dict[dt.date, str]:
    left, refused = list(days), dict[dt.date, str]()
    for attempt in range(catalogue.config.max_attempts):
        catalogue.pause(attempt)
        errors = _drop_at_once(catalogue, table, left)
        faults = {day: code for day, code in errors.items() if fault_of_code(code) is not CatalogueFault.MISSING}
        refused = {day: why for day, why in refused.items() if day not in left}
        refused.update({day: catalogue.refusal("drop the day", code) for day, code in faults.items()})
        left = [day for day, code in faults.items() if fault_of_code(code).is_passing]
        if not left:
            break
    return refused


def _drop_at_once(catalogue: GlueCatalogue, table: str, days: Sequence[dt.date]) -> dict[dt.date, str]:
    """Error codes of the days that were not removed, by day."""
    what, keys = f"drop days of {table}", [{"Values": [day.isoformat()]} for day in days]
    try:
        answer = catalogue.request(what, "batch_delete_partition", TableName=table, PartitionsToDelete=keys)
    except CatalogueError as error:
        # The local endpoint knows no batch here (ministack 1.5.33).
        if error.fault is not CatalogueFault.UNKNOWN_VERB:
            raise
        for key in keys:
            found = {"TableName": table, "PartitionValues": key["Values"]}
            catalogue.if_there(
                what,
                lambda given=found: catalogue.request(what, "delete_partition", **given),  # type: ignore[misc]
            )
        return {}
    return _errors(answer, "PartitionValues")


class _Put:
    """One batch of partitions on its way: each is made, or changed where it is there, until all are settled."""

    def __init__(
        self, catalogue: GlueCatalogue, table: str, partitions: Sequence[CataloguePartition], *, known: bool
    ) -> None:
        self._catalogue = catalogue
        self._table = table
        self._by_day = {partition.day: partition for partition in partitions}
        self._new = [] if known else list(self._by_day)
        self._there = list(self._by_day) if known else []
        self._codes: dict[dt.date, str] = {}
        self._refused: set[dt.date] = set()

    def run(self) -> Mapping[dt.date, str]:
        """Returns the days that were refused for good, each with the reason."""
        failures = 0
        # A day that others make and drop meanwhile goes to and fro, which is no failure and must end too.
        for _ in range(2 * self._catalogue.config.max_attempts):
            failures += self._create() | self._update()
            if failures >= self._catalogue.config.max_attempts or not (self._new or self._there):
                break
            self._catalogue.pause(failures)
        left = sorted({*self._refused, *self._new, *self._there})
        return {day: self._catalogue.refusal("register the day", self._codes[day]) for day in left}

    def _create(self) -> bool:
        days, self._new = self._new, []
        if not days:
            return False
        shapes = [partition_input(self._by_day[day]) for day in days]
        answer = self._catalogue.request(
            f"register days of {self._table}",
            "batch_create_partition",
            TableName=self._table,
            PartitionInputList=shapes,
        )
        return self._sort(_errors(answer, "PartitionValues"), self._new)

    def _update(self) -> bool:
        days, self._there = self._there, []
        if not days:
            return False
        entries = [
            {"PartitionValueList": [day.isoformat()], "PartitionInput": partition_input(self._by_day[day])}
            for day in days
        ]
        answer = self._catalogue.request(
            f"change days of {self._table}", "batch_update_partition", TableName=self._table, Entries=entries
        )
        return self._sort(_errors(answer, "PartitionValueList"), self._there)

    def _sort(self, errors: Mapping[dt.date, str], again: list[dt.date]) -> bool:
        """Puts each day that was not settled where it belongs. True where one has to be waited for."""
        waits = False
        for day, code in errors.items():
            self._codes[day] = code
            fault = fault_of_code(code)
            if fault is CatalogueFault.EXISTS:
                self._there.append(day)
            elif fault is CatalogueFault.MISSING:
                self._new.append(day)
            elif fault.is_passing:
                again.append(day)
                waits = True
            else:
                self._refused.add(day)
        return waits


def _errors(answer: Mapping[str, Any], name: str) -> dict[dt.date, str]:
    """Error codes of the items of a batch that failed, by day."""
    return {
        dt.date.fromisoformat(each[name][0]): str(each.get("ErrorDetail", {}).get("ErrorCode", "unknown"))
        for each in answer.get("Errors") or ()
    }


def _batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
