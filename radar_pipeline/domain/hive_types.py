"""Arrow types as footers tell them, in the words of Hive, which are those of Glue and Athena."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType


class UnknownTypeError(ValueError):
    """An Arrow type that has no counterpart; the text names it."""


# Signs and widths that Athena reads from Parquet. Unsigned and half-precision numbers, 32-bit times and durations have
# no counterpart in Hive, and no dialect of destination-s3 writes them.
_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "bool": "boolean",
        "int8": "tinyint",
        "int16": "smallint",
        "int32": "int",
        "int64": "bigint",
        "float": "float",
        "double": "double",
        **dict.fromkeys(("string", "large_string", "string_view"), "string"),
        **dict.fromkeys(("binary", "large_binary", "binary_view"), "binary"),
        "date32[day]": "date",
        # Hive has no time of day. Engines of Trino's kind read one as whole microseconds since midnight (trinodb/trino
        # pull request 16362, made for files of Airbyte); in nanoseconds it would be another number.
        "time64[us]": "bigint",
    }
)

TIME_COMMENT = "time of day in microseconds since midnight"

_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(, tz=[^\]]+)?\]")
_DECIMAL = re.compile(r"decimal(?:32|64|128|256)\((\d+), (\d+)\)")
_MOST_DIGITS = 38
_FIXED_BINARY = re.compile(r"fixed_size_binary\[\d+\]")
_LIST = re.compile(r"(?:list|large_list|list_view|fixed_size_list)<([^:<>]+): (.*)>(?:\[\d+\])?")
_STRUCT = re.compile(r"struct<(.*)>")
_MAP = re.compile(r"map<(.*)>")
_DICTIONARY = re.compile(r"dictionary<values=(.*), indices=\w+, ordered=\d>")

# pyarrow repeats the name of a map's field behind its types: ``map<string, string ('properties')>``.
_MAP_ENDING = re.compile(r"(, keys_sorted)?( \('.*'\))?$")

# Source: Athena user guide, "Name databases, tables, and columns": names inside complex types.
_MEMBER = re.compile(r"[A-Za-z0-9_]+")


def hive_type(arrow: str) -> str:
    """The Hive type for an Arrow type as ``snapshots.Column.type`` spells it.

    Raises:
        UnknownTypeError: Athena can read no such type from Parquet.
    """
    arrow = arrow.removesuffix(" not null")
    if found := _PLAIN.get(arrow):
        return found
    if _TIMESTAMP.fullmatch(arrow):
        return "timestamp"
    if _FIXED_BINARY.fullmatch(arrow):
        return "binary"
    if found := _decimal(arrow) or _nested(arrow):
        return found
    message = f"the type {arrow} is none that Athena reads from Parquet"
    raise UnknownTypeError(message)


def _decimal(arrow: str) -> str | None:
    found = _DECIMAL.fullmatch(arrow)
    if found and int(found.group(1)) <= _MOST_DIGITS:
        return f"decimal({found.group(1)},{found.group(2)})"
    return None


def _nested(arrow: str) -> str | None:
    if found := _DICTIONARY.fullmatch(arrow):
        # How a writer compresses values is nothing that a reader sees.
        return hive_type(found.group(1))
    if found := _LIST.fullmatch(arrow):
        return f"array<{hive_type(found.group(2))}>"
    if found := _MAP.fullmatch(arrow):
        parts = _parts(_MAP_ENDING.sub("", found.group(1)))
        return f"map<{hive_type(parts[0])},{hive_type(parts[1])}>" if len(parts) == 2 else None
    if found := _STRUCT.fullmatch(arrow):
        return _struct(found.group(1))
    return None


def _struct(members: str) -> str:
    named = [part.partition(": ") for part in _parts(members)]
    names = [name.lower() for name, _, _ in named]
    odd = [name for name, colon, _ in named if not colon or not _MEMBER.fullmatch(name)]
    if odd or len(set(names)) < len(names):
        what = f"a member named {odd[0]!r}" if odd else "two members whose names differ by case only"
        message = f"the type struct<{members}> has {what}, which Athena does not read"
        raise UnknownTypeError(message)
    return f"struct<{','.join(f'{name}:{hive_type(kind)}' for name, (_, _, kind) in zip(names, named, strict=True))}>"


def _parts(text: str) -> list[str]:
    """Splits at the commas that lie in no bracket."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "<[(") - (letter in ">])")
        if depth == 0 and text.startswith(", ", position):
            parts.append(text[start:position])
            start = position + 2
    return [*parts, text[start:]] if text else []


# Source: Athena user guide, "Change a column data type": what can be read as what. Its row for STRING is about text
# formats, and of decimals it says nothing.
_WIDER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "tinyint": frozenset({"smallint", "int", "bigint"}),
        "smallint": frozenset({"int", "bigint"}),
        "int": frozenset({"bigint"}),
        "float": frozenset({"double"}),
    }
)


def widens_to(narrow: str, wide: str) -> bool:
    """Whether Athena safely reads a partition's column of one type through a table's column of another, wider one.

    False for the same type. Nothing inside structs, arrays and maps widens: Athena supports no schema change there.
    """
    return wide in _WIDER.get(narrow, frozenset())
