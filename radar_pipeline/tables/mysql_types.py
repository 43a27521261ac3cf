"""MySQL types: how servers spell them, which spellings mean the same, and what Airbyte makes of them.

MySQL 8.0.19 and later drop the display width of integers (``int``), MariaDB and older servers show it (``int(11)``);
MariaDB shows ``json`` as ``longtext``. A contract written against one server must hold against the other.
"""

from __future__ import annotations

import re

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_SYNONYMS = {
    "integer": "int",
    "dec": "decimal",
    "fixed": "decimal",
    "numeric": "decimal",
    "real": "double",
    "double precision": "double",
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "character": "char",
    "character varying": "varchar",
    "geomcollection": "geometrycollection",
}
_TYPES = frozenset(
    (
        *_INTEGERS,
        *_SYNONYMS,
        *("decimal", "float", "double", "bit", "date", "datetime", "timestamp", "time", "year"),
        *("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"),
        *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        "geometrycollection",
        # MariaDB's own, and MySQL 9's vector
        *("uuid", "inet4", "inet6", "vector"),
    )
)
# A width that a server may leave out, and the one it then means.
_DEFAULT_ARGUMENTS = {"decimal": "10,0", "bit": "1", "char": "1", "binary": "1", "datetime": "0", "timestamp": "0"}
_DEFAULT_ARGUMENTS |= {"time": "0"}
_ATTRIBUTES = ("unsigned", "signed", "zerofill")

# The last group takes what follows the type: attributes, which the caller splits at blanks.
_SPELLING = re.compile(
    r"""(?P<base>[a-z][a-z0-9]*(?:\ precision|\ varying)?)
        \s*(?:\((?P<arguments>(?:'(?:[^']|'')*'|[^()'])*)\))?
        (?P<rest>(?:\s+\S+)*)\s*""",
    re.VERBOSE | re.IGNORECASE,
)


# What MariaDB adds to some column types: `datetime /* mariadb-5.3 */`, `text /*M!100301 COMPRESSED*/`.
_REMARK = re.compile(r"\s*/\*.*?\*/")


def plain_type(text: str) -> str:
    """A server's spelling of a type without the server's remarks."""
    return _REMARK.sub("", text).strip() if not text.lower().startswith(("enum", "set")) else text.strip()


def is_mysql_type(text: str) -> bool:
    """Whether a text is a MySQL type as a server or a person would spell it."""
    found = _SPELLING.fullmatch(text.strip())
    if not found or found["base"].lower() not in _TYPES:
        return False
    return all(word.lower() in _ATTRIBUTES for word in found["rest"].split())


def base_type(text: str) -> str:
    """The type's first word, synonyms resolved: ``int`` of ``integer(11) unsigned``."""
    return next(iter(canonical_type(text).split("(")[0].split()), "")


def canonical_type(text: str) -> str:
    """One spelling for all spellings of a type: lower case, no display width, no defaults.

    ``tinyint(1)`` keeps its width, because connectors read it as a boolean. ``json`` stays ``json``; that a MariaDB
    server shows it as ``longtext`` is for ``same_type`` to know. What is no MySQL type comes back as it was.
    """
    found = _SPELLING.fullmatch(text.strip())
    if not found or not is_mysql_type(text):
        return text.strip()
    spelled = _SYNONYMS.get(found["base"].lower(), found["base"].lower())
    if spelled == "tinyint(1)":
        return spelled
    words = [word.lower() for word in found["rest"].split() if word.lower() != "signed"]
    if "zerofill" in words and "unsigned" not in words:
        words.insert(0, "unsigned")  # the server adds it by itself
    arguments = _canonical_arguments(spelled, found["arguments"], "zerofill" in words)
    return " ".join([f"{spelled}({arguments})" if arguments is not None else spelled, *words])


def _canonical_arguments(base: str, arguments: str | None, zerofill: bool) -> str | None:
    if base in {"enum", "set"}:
        return ",".join(re.findall(r"'(?:[^']|'')*'", arguments or ""))
    plain = re.sub(r"\s+", "", arguments) if arguments is not None else None
    if base in _INTEGERS:
        return plain if zerofill or (base == "tinyint" and plain == "1") else None
    if base == "decimal" and plain and "," not in plain:
        plain += ",0"
    if base == "year" or plain == _DEFAULT_ARGUMENTS.get(base):
        return None
    return plain


def type_arguments(text: str) -> list[str]:
    """What stands in a type's parentheses: ``["12", "2"]`` of ``decimal(12,2)``, the values of an enum."""
    inside = canonical_type(text).partition("(")[2].rpartition(")")[0]
    if inside.startswith("'"):
        return [value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", inside)]
    return inside.split(",") if inside else []


def same_type(one: str, other: str) -> bool:
    """Whether two spellings mean the same type to whoever reads the values."""
    spellings = {canonical_type(one), canonical_type(other)}
    return len(spellings) == 1 or spellings == {"json", "longtext"}


# What Airbyte catalogues say for a MySQL type: the JSON type, over all versions of source-mysql that servers run.
# Source: the connector's type tables, from 0.4.8 (numbers and plain strings only) to 3.x (integer, formats).
_NUMBERS = frozenset({"integer", "number"})
_TEXT = frozenset({"string"})
_CATALOGUE_TYPES = {
    **dict.fromkeys(_INTEGERS, _NUMBERS),
    **dict.fromkeys(("decimal", "float", "double"), _NUMBERS),
    "bit": frozenset({"boolean", "string"}),
    "year": _NUMBERS | _TEXT,
    "json": frozenset({"string", "object", "array"}),
    "longtext": frozenset({"string", "object", "array"}),
}
_CATALOGUE_FORMATS = {
    "date": frozenset({"date"}),
    "datetime": frozenset({"date-time"}),
    "timestamp": frozenset({"date-time"}),
    "time": frozenset({"time"}),
}

# A catalogue may leave the type out.
_NOT_TOLD = frozenset({"", "unknown", "null"})


def fits_catalogue(mysql_type: str, catalogue_type: str) -> bool:
    """Whether an Airbyte catalogue's type (``integer``, ``string:date-time``) is one that a MySQL type gets there."""
    kind, _, form = catalogue_type.strip().lower().partition(":")
    if kind in _NOT_TOLD:
        return True
    base = base_type(mysql_type)
    allowed = _CATALOGUE_TYPES.get(base, _TEXT)
    if canonical_type(mysql_type) == "tinyint(1)":
        allowed = allowed | {"boolean"}
    forms = _CATALOGUE_FORMATS.get(base, frozenset())
    is_temporal = form in {"date", "date-time", "time"}
    return kind in allowed and (not is_temporal or form in forms)


def guess_mysql_type(catalogue_type: str) -> str:
    """A MySQL type for a column that only the Airbyte catalogue describes; wide enough for what it may hold."""
    kind, _, form = catalogue_type.strip().lower().partition(":")
    if form == "date-time":
        return "datetime(6)"
    if form in {"date", "time"}:
        return form
    plain = {"integer": "bigint", "number": "double", "boolean": "tinyint(1)", "object": "json", "array": "json"}
    return plain.get(kind, "longtext")
