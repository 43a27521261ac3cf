"""Registers what landed in the catalogue, marks what was archived, mends what drifted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.catalogue import CatalogueColumn, CatalogueState, Mark
from radar_pipeline.domain.catalogue_drift import Finding
from radar_pipeline.domain.evolution import ColumnChange
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.glue import GlueCatalogue

Progress = Callable[[int, int], None]
# Proven snapshots of some tables of a day; a table whose snapshot cannot be had is left out.
ReadSnapshots = Callable[[dt.date, Sequence[str]], Mapping[str, Snapshot]]


@dataclass(frozen=True)
class CatalogueVerdict:
    """Whether a table's day can be queried.

    Attributes:
        table: Table name, as the registry spells it.
        passed: Whether it can, and everything registered before still can.
        reasons: Why, in sentences for a person.
        changes: What became of the table's columns.
        columns: The table's columns from now on; empty where it could not be registered.
        name: Name in the catalogue.
        written: Whether anything had to be written; False for a day that was registered as it is.
    """

    table: str
    passed: bool
    reasons: tuple[str, ...]
    changes: tuple[ColumnChange, ...] = ()
    columns: tuple[CatalogueColumn, ...] = ()
    name: str = ""
    written: bool = False


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

    Writes only what differs. Never raises for what is wrong with one table.

    Raises:
        CatalogueError: Nothing can be registered at all: keys refused, endpoint away, database not to be made.
    """
    raise NotImplementedError


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
    raise NotImplementedError


def mark_days(catalogue: GlueCatalogue, table: str, marks: Mapping[dt.date, Mark]) -> Mapping[dt.date, str]:
    """Marks days of a table (name as the registry spells it) with their tier; writes only what differs.

    A day that the catalogue does not hold is left alone. Returns the days that were refused, each with the reason.

    Raises:
        CatalogueError: The table cannot be read.
    """
    raise NotImplementedError


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
    parallel: int = 16,
    on_progress: Progress | None = None,
) -> RepairReport:
    """Mends what the findings say of the catalogue: registers, drops and marks days. The lake is never touched.

    Raises:
        CatalogueError: Nothing can be written at all.
    """
    raise NotImplementedError
