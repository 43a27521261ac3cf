"""MySQL types: how servers spell them, and which spellings mean the same.

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
