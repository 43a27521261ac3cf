"""What a reader finds in a column: the kinds of value behind MySQL's types, the Airbyte catalogue's and Parquet's.

This is where it is decided what a retyping is. A width is none: values of ``varchar(80)`` are read as those of
``varchar(40)`` were. The tables hold what source-mysql 1.x and 3.x and destination-s3 0.3 and 1.x make of a type.
source-mysql 0.4 is left out: it made a double of every whole number and plain text of every date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from radar_pipeline.domain.mysql_types import base_type, canonical_type, plain_type, type_arguments

# What a reader would take one for another of. A type that is in no list is text (char, enum, set, json, uuid, ...).
_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "double"), "approximate"),
    # A DATETIME is a wall clock without a zone, a TIMESTAMP a moment: one altered to the other is shifted by the zone.
    **{word: word for word in ("decimal", "date", "datetime", "timestamp", "time", "year")},
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "vector"), "binary"),
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "geometrycollection"), "binary"),
    **dict.fromkeys(("multipoint", "multilinestring", "multipolygon"), "binary"),
}

# Whole types that are of another family than their first word. ``bit`` is the canonical spelling of ``bit(1)``.
_BOOLEANS = frozenset({"tinyint(1)", "bit"})

_STORED: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"integer"}),
    "boolean": frozenset({"boolean"}),
    "decimal": frozenset({"number"}),
    "approximate": frozenset({"number"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"timestamp"}),
    "timestamp": frozenset({"timestamp"}),
    "time": frozenset({"time"}),
    # Text from source-mysql 1.x, whole numbers from 3.x.
    "year": frozenset({"integer", "string"}),
    "text": frozenset({"string"}),
    # As base64.
    "binary": frozenset({"string"}),
}

# Digits that each keeps, in the order of what is lost: a double altered to a float is rounded.
_APPROXIMATE_DIGITS: Mapping[str, int] = {"float": 7, "double": 15}


@lru_cache(maxsize=1024)
def _declared(mysql_type: str) -> tuple[str, str]:
    """A type's canonical spelling and its first word."""
    text = plain_type(mysql_type)
    return canonical_type(text), base_type(text).lower()


def _family(mysql_type: str) -> str:
    declared, word = _declared(mysql_type)
    if declared in _BOOLEANS:
        return "boolean"
    if word == "decimal" and not _digits_kept(mysql_type):
        return "integer"
    return _FAMILIES.get(word, "text")


def _digits_kept(mysql_type: str) -> int:
    """How finely values are told apart: digits after the point, of a second, or of a floating point number."""
    declared, word = _declared(mysql_type)
    arguments = type_arguments(declared)
    if word == "decimal":
        return int(arguments[1]) if len(arguments) > 1 else 0
    if word in {"datetime", "timestamp", "time"}:
        return int(arguments[0]) if arguments else 0
    return _APPROXIMATE_DIGITS.get(word, 0)


def keeps_values(before: str, after: str) -> bool:
    """Whether a reader of a column finds the same values after MySQL's type became another one.

    That is so within a family of types, as long as no digits are rounded away.
    """
    return _family(before) == _family(after) and _digits_kept(before) <= _digits_kept(after)


def stored_kinds(mysql_type: str) -> frozenset[str]:
    """The kinds of value that the connectors write for a MySQL type."""
    declared, word = _declared(mysql_type)
    allowed = _STORED[_family(mysql_type)]
    if declared == "tinyint(1)":
        return allowed | {"integer"}  # source-mysql 3.x with treat_tinyint1_as_integer
    if word == "decimal":
        return allowed | {"number"}  # without a fraction too, from source-mysql 1.x; 3.x makes integers of those
    if word == "float":
        return allowed | {"single"}  # destination-s3 below 1.0, where the catalogue says airbyte_type float
    return allowed


# A catalogue may leave the type out.
_NOT_TOLD = frozenset({"", "unknown", "null"})
_FORMATS: Mapping[str, str] = {"date": "date", "date-time": "timestamp", "time": "time"}


def catalogue_kind(catalogue_type: str) -> str | None:
    """The kind of value behind an Airbyte catalogue's type (``integer``, ``string:date-time``); None if not told."""
    kind, _, form = catalogue_type.strip().lower().partition(":")
    return None if kind in _NOT_TOLD else _FORMATS.get(form, kind)


def fits_catalogue(mysql_type: str, catalogue_type: str) -> bool:
    """Whether an Airbyte catalogue's type is one that a MySQL type gets there."""
    kind = catalogue_kind(catalogue_type)
    if kind in {"object", "array"}:
        return _declared(mysql_type)[1] in {"json", "longtext"}
    return kind is None or kind in stored_kinds(mysql_type)


def guess_mysql_type(catalogue_type: str) -> str:
    """A MySQL type for a column that only the Airbyte catalogue describes; wide enough for what it may hold."""
    kind, _, form = catalogue_type.strip().lower().partition(":")
    if form == "date-time":
        return "datetime(6)"
    if form in {"date", "time"}:
        return form
    plain = {"integer": "bigint", "number": "double", "boolean": "tinyint(1)", "object": "json", "array": "json"}
    return plain.get(kind, "longtext")


def is_guess_of(contract_type: str, mysql_type: str, catalogue_type: str) -> bool:
    """Whether a contract only repeats what an Airbyte catalogue says of a column that MySQL tells more precisely.

    A registry that was pulled from Airbyte says ``double`` of a decimal and ``datetime(6)`` of every moment.
    """
    if contract_type != guess_mysql_type(catalogue_type) or not fits_catalogue(mysql_type, catalogue_type):
        return False
    # A catalogue of integers may hold booleans, and a whole number that becomes one loses its values.
    return "boolean" not in stored_kinds(mysql_type) - stored_kinds(contract_type)


# Below destination-s3 1.0 a date or time is a struct of itself and the text of what is none; it counts as itself.
_UNION = re.compile(r"struct<member0: ?([^,>]+(?:, ?tz=[^,>]+)?), ?member1: ?string>")
_ARROW_KINDS = (
    (r"u?int\d+", "integer"),
    (r"double", "number"),
    (r"float|halffloat", "single"),
    (r"date", "date"),
    (r"timestamp", "timestamp"),
    (r"time", "time"),
    (r"bool", "boolean"),
    (r"(large_)?(string|utf8)", "string"),
)


def arrow_kind(arrow_type: str) -> str:
    """The kind of value that an Arrow type of a Parquet footer holds; the type itself where no connector writes it."""
    union = _UNION.fullmatch(arrow_type)
    kinds = (kind for pattern, kind in _ARROW_KINDS if re.match(pattern, union.group(1) if union else arrow_type))
    return next(kinds, arrow_type)
