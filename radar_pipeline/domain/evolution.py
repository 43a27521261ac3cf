"""How a catalogued table's columns follow what its files hold, so that old and new days stay queryable together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.catalogue import CatalogueColumn, CatalogueTable
from radar_pipeline.domain.snapshots import Column


class Alteration(StrEnum):
    """What becomes of a column of the table."""

    ADDED = "added"
    LOST = "lost"
    WIDENED = "widened"
    NARROWER = "narrower"
    RETYPED = "retyped"
    UNKNOWN_TYPE = "unknown type"
    NAME_CLASH = "name clash"


@dataclass(frozen=True)
class ColumnChange:
    """One column that is not in the day as it is in the table.

    Attributes:
        column: Name in the catalogue.
        alteration: What became of it.
        known: Type in the table; empty where it had none.
        found: Type in the day; empty where it has none.
    """

    column: str
    alteration: Alteration
    known: str = ""
    found: str = ""


@dataclass(frozen=True)
class EvolutionVerdict:
    """What a day's files mean for the table.

    Attributes:
        columns: The table's columns from now on.
        partition_columns: The day's own columns.
        changes: What differs between them and the table as known.
        passed: Whether every column of every day stays queryable through this table.
        reasons: Why, in sentences for a person, with what to do where it did not pass.
    """

    columns: tuple[CatalogueColumn, ...]
    partition_columns: tuple[CatalogueColumn, ...]
    changes: tuple[ColumnChange, ...]
    passed: bool
    reasons: tuple[str, ...]


def judge_evolution(known: CatalogueTable | None, found: Sequence[Column]) -> EvolutionVerdict:
    """Compares a day's columns with the table.

    Args:
        known: The table as the catalogue holds it; None where it holds none yet.
        found: Columns of the day's files in order, metadata columns included; of two types for a name both are there.
    """
    raise NotImplementedError
