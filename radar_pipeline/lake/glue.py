"""The Glue catalogue as the rest of the platform sees it: a few verbs, batched as Glue wants, one kind of error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from radar_pipeline.domain.catalogue import CataloguePartition, CatalogueTable


class CatalogueFault(StrEnum):
    """Which part of the way to the catalogue is at fault."""

    CREDENTIALS = "credentials"
    POLICY = "policy"
    ENDPOINT = "endpoint"
    MISSING = "missing"
    CHANGED = "changed"
    OTHER = "other"

    @property
    def is_catalogue_wide(self) -> bool:
        """Whether every other request will fail the same way."""
        return self in {CatalogueFault.CREDENTIALS, CatalogueFault.ENDPOINT}


class CatalogueError(Exception):
    """A request to Glue failed for good; the text is meant for a person.

    Attributes:
        fault: Which part of the way is at fault.
    """

    def __init__(self, fault: CatalogueFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True)
class GlueConfig:
    """Where the catalogue is and how patient to be with it.

    Attributes:
        database: Glue database name.
        region: AWS region.
        endpoint_url: Address of an AWS-compatible server; None for AWS itself.
        access_key_id: Key id; None for the default chain (environment, profile, instance role).
        secret_access_key: Its secret.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for an answer.
        max_attempts: Tries of one request, the first included.
        parallel: Requests in flight at most.
    """

    database: str
    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    max_attempts: int = 8
    parallel: int = 16


class GlueCatalogue:
    """One Glue database. Safe to share between threads; opens nothing until the first request."""

    def __init__(self, config: GlueConfig) -> None:
        self.config = config

    @property
    def glue(self) -> Any:
        """The boto3 client."""
        raise NotImplementedError

    def ensure_database(self) -> bool:
        """Makes the database unless it is there. True where it was made."""
        raise NotImplementedError

    def has_database(self) -> bool:
        """Whether the database is there."""
        raise NotImplementedError

    def tables(self) -> dict[str, CatalogueTable]:
        """Every table of the database by its name there; empty where there is no database."""
        raise NotImplementedError

    def partitions(self, table: str, *, with_columns: bool = True) -> dict[dt.date, CataloguePartition]:
        """Every day of a table by its catalogue name; empty where there is no table.

        Partitions whose value is no day are told by ``odd_partitions``.
        """
        raise NotImplementedError

    def partitions_of(self, table: str, days: Sequence[dt.date]) -> dict[dt.date, CataloguePartition]:
        """Those of the days that a table has."""
        raise NotImplementedError

    def put_table(self, table: CatalogueTable) -> None:
        """Makes a table or changes the one that is there."""
        raise NotImplementedError

    def delete_table(self, name: str) -> None:
        """Removes a table from the catalogue, with its partitions; its data stays."""
        raise NotImplementedError

    def put_partitions(self, table: str, partitions: Iterable[CataloguePartition]) -> Mapping[dt.date, str]:
        """Makes or changes days of a table. Returns those that were refused for good, each with the reason."""
        raise NotImplementedError

    def delete_partitions(self, table: str, days: Iterable[dt.date]) -> Mapping[dt.date, str]:
        """Removes days of a table from the catalogue. Returns those that were refused for good, with the reason."""
        raise NotImplementedError
