"""The rows being made: which they are, whom they may refer to, and where chance comes from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from radar_pipeline.domain.mysql_types import base_type
from radar_pipeline.local.demo.numbers import Integers
from radar_pipeline.local.demo.sizes import stable_hash
from radar_pipeline.tables.model import ColumnContract, Table

# What a reference is called, where that is not the table's name.
_PARENTS = {
    "user": "user_access",
    "loja": "store",
    "produto": "product",
    "objective": "objectives",
    "term": "legal_terms",
    "substitute": "product",
    "cardholder": "user_access",
}
_REFERENCE = re.compile(r"id_(\w+)", re.IGNORECASE)
_INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}


@dataclass(frozen=True)
class World:
    """What a batch of rows needs to know of the other tables.

    Attributes:
        at_start: Rows of every table when the database was seeded. Composite keys are laid out on it, so that they
            stay unique while the tables grow.
        now: Rows of every table so far.
        today: The day that the rows belong to.
        first_day: The day of the seed.
        referenced: Tables that others refer to. References hold by convention only, so these never lose a row.
    """

    at_start: Mapping[str, int]
    now: Mapping[str, int]
    today: dt.date
    first_day: dt.date
    referenced: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Batch:
    """A run of new rows of one table.

    Attributes:
        table: The table.
        first: 0-based number of the first row, counted over all rows that the table ever had.
        count: Number of rows.
        world: The other tables.
    """

    table: Table
    first: int
    count: int
    world: World

    @property
    def numbers(self) -> Integers:
        """0-based row numbers."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)

    def chance(self, purpose: str) -> np.random.Generator:
        """A generator that gives the same numbers for the same rows and purpose, on every machine."""
        return np.random.default_rng([stable_hash(self.table.name), stable_hash(purpose), self.first])

    def integers(self, column: ColumnContract, low: int, high: int) -> Integers:
        """Random integers, both ends included."""
        return self.chance(column.name).integers(low, high, self.count, endpoint=True)

    def choice(self, column: ColumnContract, words: Sequence[str], salt: str = "") -> Any:
        """Random words."""
        picked = self.chance(column.name + salt).integers(0, len(words), self.count)
        return pa.array(words, pa.string()).take(pa.array(picked))

    def parents(self, column: ColumnContract) -> Integers | None:
        """References of a column by its name's convention (``Id_Store``, ``id_loja``); None where it is none."""
        parent = parent_of(self.table, column, self.world.now)
        return self.integers(column, 1, self.world.now[parent]) if parent else None


def parent_of(table: Table, column: ColumnContract, tables: Mapping[str, int]) -> str | None:
    """The table that a column refers to; None where it refers to none that has rows."""
    found = _REFERENCE.fullmatch(column.name)
    if not found or base_type(column.type) not in _INTEGERS or table.primary_key == (column.name,):
        return None
    name = found[1].lower()
    parent = table.name if name == "parent" else _PARENTS.get(name, name)
    return parent if tables.get(parent) else None
