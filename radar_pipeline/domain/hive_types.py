"""Arrow types as footers tell them, in the words of Hive, which are those of Glue and Athena."""

from __future__ import annotations


class UnknownTypeError(ValueError):
    """An Arrow type that has no counterpart; the text names it."""


def hive_type(arrow: str) -> str:
    """The Hive type for an Arrow type as ``snapshots.Column.type`` spells it.

    Raises:
        UnknownTypeError: Athena can read no such type from Parquet.
    """
    raise NotImplementedError
