"""The Glue catalogue as the rest of the platform sees it: a few verbs, bounded in time, with one kind of error."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from radar_pipeline.domain.catalogue.model import CatalogueColumn, CataloguePartition, CatalogueTable
from radar_pipeline.lake.catalogue.batches import READ_AT_ONCE, drop_days, put_days, read_days
from radar_pipeline.lake.catalogue.errors import (
    CatalogueError,
    CatalogueFault,
    catalogue_error,
    fault_of,
    fault_of_code,
)
from radar_pipeline.lake.catalogue.shapes import partition_of, table_input, table_of
from radar_pipeline.lake.clients import Reach, new_client, new_session

__all__ = ["CatalogueError", "CatalogueFault", "GlueCatalogue", "GlueConfig"]

_LONGEST_PAUSE = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class GlueConfig(Reach):
    """Which catalogue, where it is and how patient to be with it.

    Attributes:
        database: Glue database name.
        max_attempts: Tries of one request and of one item of a batch, the first included.
        parallel: Requests in flight at most.
        pause_seconds: Wait before the items of a batch that failed for the moment are tried again; doubles each time.
    """

    database: str
    max_attempts: int = field(default=5, kw_only=True)
    parallel: int = field(default=16, kw_only=True)
    pause_seconds: float = field(default=0.2, kw_only=True)


class GlueCatalogue:
    """One Glue database. Safe to share between threads; opens nothing until the first request."""

    def __init__(self, config: GlueConfig) -> None:
        self.config = config
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"GlueCatalogue({self.config.database!r}, {self.config.where!r})"

    @property
    def glue(self) -> Any:
        """The boto3 client, for the rooms that need more verbs than these."""
        with self._lock:
            return self._client

    @cached_property
    def _client(self) -> Any:
        return new_client(new_session(self.config), "glue", self.config)

    def has_database(self) -> bool:
        """Whether the database is there."""
        return self.if_there("read the database", lambda: self.glue.get_database(Name=self.config.database)) is not None

    def ensure_database(self) -> bool:
        """Makes the database unless it is there. True where it was made."""
        if self.has_database():
            return False
        try:
            with self._told("make the database"):
                self.glue.create_database(
                    DatabaseInput={
                        "Name": self.config.database,
                        "Description": "Daily copies of the Radar tables, registered by radar_pipeline",
                    }
                )
        except CatalogueError as error:
            if error.fault is CatalogueFault.EXISTS:
                return False
            raise
        return True

    def tables(self) -> dict[str, CatalogueTable]:
        """Every table of the database by its name there; empty where there is no database."""
        pages = self.if_there("list the tables", lambda: list(self._pages("get_tables")))
        return {raw["Name"]: table_of(raw) for page in pages or () for raw in page.get("TableList", ())}

    def table(self, name: str) -> CatalogueTable | None:
        """A table by its catalogue name; None where there is none."""
        raw = self._raw_table(name)
        return table_of(raw) if raw else None

    def _raw_table(self, name: str) -> Mapping[str, Any] | None:
        database = self.config.database
        answer = self.if_there(f"read the table {name}", lambda: self.glue.get_table(DatabaseName=database, Name=name))
        return answer["Table"] if answer else None

    def put_table(self, table: CatalogueTable) -> None:
        """Makes a table, or changes the one that is there; what others set at it stays.

        Raises:
            CatalogueError: ``CHANGED`` where it is not the table any more that ``table.version`` tells of (a version of
                None means that there was none): read it again and decide again.
        """
        what = f"write the table {table.name}"
        there = self._raw_table(table.name)
        found = str(there.get("VersionId") or "") if there is not None else None
        if found != table.version:
            raise self.error(CatalogueFault.CHANGED, what, f"version {found}, not {table.version}")
        shape = table_input(table, there)
        try:
            with self._told(what):
                if there is None:
                    self.glue.create_table(DatabaseName=self.config.database, TableInput=shape)
                else:
                    # Versions of tables count towards a quota, and nobody reads them: the files tell the same.
                    self.glue.update_table(
                        DatabaseName=self.config.database,
                        TableInput=shape,
                        SkipArchive=True,
                        **({"VersionId": found} if found else {}),
                    )
        except CatalogueError as error:
            if error.fault in {CatalogueFault.EXISTS, CatalogueFault.MISSING} and self.has_database():
                raise self.error(CatalogueFault.CHANGED, what, "made or removed meanwhile") from None
            raise

    def partitions(self, table: str, *, with_columns: bool = True) -> dict[dt.date, CataloguePartition]:
        """Every day of a table by its catalogue name; empty where there is no table."""
        return self.partitions_and_odd(table, with_columns=with_columns)[0]

    def partitions_and_odd(
        self, table: str, *, with_columns: bool = True
    ) -> tuple[dict[dt.date, CataloguePartition], tuple[str, ...]]:
        """The same, and the partitions that are no day, as they are spelt."""
        options = {} if with_columns else {"ExcludeColumnSchema": True}
        found = self.if_there(
            f"read the partitions of {table}",
            lambda: [
                partition_of(raw, with_columns=with_columns)
                for page in self._pages("get_partitions", TableName=table, MaxResults=READ_AT_ONCE, **options)
                for raw in page.get("Partitions", ())
            ],
        )
        # Days of a table mostly share their columns; one copy keeps memory flat over seven years.
        shared: dict[tuple[CatalogueColumn, ...], tuple[CatalogueColumn, ...]] = {}
        days = {
            each.day: replace(each, columns=shared.setdefault(each.columns, each.columns)) if with_columns else each
            for each in found or ()
            if isinstance(each, CataloguePartition)
        }
        return days, tuple(sorted(each for each in found or () if isinstance(each, str)))

    def partitions_of(self, table: str, days: Sequence[dt.date]) -> dict[dt.date, CataloguePartition]:
        """Those of the days that a table has."""
        return read_days(self, table, days)

    def put_partitions(
        self, table: str, partitions: Iterable[CataloguePartition], *, known: bool = False
    ) -> Mapping[dt.date, str]:
        """Makes or changes days of a table. Returns those that were refused for good, each with the reason.

        Args:
            table: Catalogue name.
            partitions: The days as they are to be.
            known: Whether most of them are there already, which saves a request that could only be refused.

        Raises:
            CatalogueError: A whole batch was refused.
        """
        return put_days(self, table, list(partitions), known=known)

    def delete_partitions(self, table: str, days: Iterable[dt.date]) -> Mapping[dt.date, str]:
        """Removes days of a table from the catalogue. Returns those that were refused for good, with the reason.

        Raises:
            CatalogueError: A whole batch was refused.
        """
        return drop_days(self, table, sorted(set(days)))

    def request(self, what: str, verb: str, *, scoped: bool = True, **given: Any) -> Mapping[str, Any]:
        """One request; ``what`` is what it is told as where it fails, ``scoped`` whether it is about the database."""
        scope = {"DatabaseName": self.config.database} if scoped else {}
        with self._told(what):
            answer: Mapping[str, Any] = getattr(self.glue, verb)(**scope, **given)
            return answer

    def refusal(self, what: str, code: str) -> str:
        """Why one item of a batch was refused, in a sentence for a person."""
        return str(self.error(fault_of_code(code), what, code))

    def pause(self, attempt: int) -> None:
        """Waits before another attempt; not before the first (number 0). Two who wait do not wait the same."""
        if attempt:
            longest = min(self.config.pause_seconds * 2 ** (attempt - 1), _LONGEST_PAUSE)
            time.sleep(longest * random.uniform(0.5, 1))

    def _pages(self, verb: str, **given: Any) -> Iterator[Mapping[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            answer = getattr(self.glue, verb)(DatabaseName=self.config.database, **given, **token)
            yield answer
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def if_there(self, what: str, request: Callable[[], T]) -> T | None:
        """What a request returns; None where what it is about is not there."""
        try:
            with self._told(what):
                return request()
        except CatalogueError as error:
            if error.fault is CatalogueFault.MISSING:
                return None
            raise

    def error(self, fault: CatalogueFault, what: str, detail: str) -> CatalogueError:
        """What failed, in one sentence; ``detail`` is the service's own code."""
        return catalogue_error(fault, what, database=self.config.database, where=self.config.where, detail=detail)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turns whatever boto3 raises into a ``CatalogueError``, without its cause: that may quote a signature."""
        try:
            yield
        except CatalogueError:
            raise
        except Exception as error:  # noqa: BLE001 - boto3 has no common base; fault_of re-raises what is not its own
            fault, detail = fault_of(error)
            raise self.error(fault, what, detail) from None
