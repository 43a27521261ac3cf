"""Columns as each hop shows them, and which hop changed what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import without_accents


@dataclass(frozen=True)
class ObservedColumn:
    """A column as one system shows it.

    Attributes:
        name: Column name in that system.
        type: Type in that system's own spelling: MySQL ``column_type``, the JSON schema type of the Airbyte catalogue
            (``integer``, ``string:date-time``), or the Arrow type of a Parquet footer.
        nullable: Whether the system allows NULL.
    """

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True)
class ObservedTable:
    """A table as one system shows it.

    Attributes:
        name: Table name in that system.
        columns: Columns in order.
        primary_key: Key columns in key order; empty where there is none.
        is_view: Whether it is a view, which a sync may read but the registry leaves out.
        is_selected: Whether the Airbyte connection syncs it; True in other systems.
        is_sequence: Whether it is a sequence of MariaDB: a counter with columns of its own, which no sync reads.
    """

    name: str
    columns: tuple[ObservedColumn, ...]
    primary_key: tuple[str, ...] = ()
    is_view: bool = False
    is_selected: bool = True
    is_sequence: bool = False


class Change(StrEnum):
    """What became of a column."""

    LOST = "lost"
    ADDED = "added"
    RETYPED = "retyped"


class Hop(StrEnum):
    """The system in which a change first shows, on the way from the source to the bucket."""

    MYSQL = "MySQL"
    AIRBYTE = "Airbyte"
    PARQUET = "Parquet"


@dataclass(frozen=True)
class SchemaFinding:
    """One column that is not as the contract says.

    Attributes:
        column: Column name.
        change: What became of it.
        hop: The first system on the way that shows the change.
        expected: Type by the contract; empty for an added column.
        found: Type found; empty for a lost column.
    """

    column: str
    change: Change
    hop: Hop
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        """The finding as a sentence part for a person."""
        if self.change is Change.RETYPED:
            return f"{self.column}: {self.expected} became {self.found} in {self.hop}"
        kind = f" ({self.found or self.expected})" if self.found or self.expected else ""
        return f"{self.column}{kind}: {self.change} in {self.hop}"


@dataclass(frozen=True)
class SchemaVerdict:
    """Whether a table's columns are those of the contract.

    Attributes:
        passed: Whether they are.
        findings: Every column that is not, in contract order, added ones last.
        reasons: Why, in sentences for a person.
    """

    passed: bool
    findings: tuple[SchemaFinding, ...]
    reasons: tuple[str, ...]


def stored_column(name: str) -> str:
    """A column's name in the bucket: destination-s3 turns what is not alphanumeric into ``_`` (Avro field names)."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", without_accents(name))
    return f"_{safe}" if safe[:1].isdigit() else safe


def judge_schema(
    contract: Mapping[str, str],
    parquet: Sequence[tuple[str, str]],
    *,
    mysql: ObservedTable | None = None,
    airbyte: ObservedTable | None = None,
) -> SchemaVerdict:
    """Compares the columns of a standing snapshot with the contract, and names the hop that changed each.

    Args:
        contract: MySQL type by column name; empty where nothing is known, which lets everything pass.
        parquet: Column names and Arrow types of the snapshot's footers. A name with two types was retyped on the way.
        mysql: The table as the source shows it now; None where the source could not be asked.
        airbyte: The table as the connection's catalogue shows it; None where it could not be asked.
    """
    if not contract:
        return SchemaVerdict(True, (), ("the registry states no columns for this table",))
    data = [(name, kind) for name, kind in parquet if not name.startswith("_airbyte_")]
    stored = {name for name, _ in data}
    source = {column.name: column.type for column in mysql.columns} if mysql else None
    catalogue = {column.name for column in airbyte.columns} if airbyte else None
    findings = []
    for name, kind in contract.items():
        if source is not None and name in source and _family(source[name]) != _family(kind):
            findings.append(SchemaFinding(name, Change.RETYPED, Hop.MYSQL, kind, source[name]))
        if stored_column(name) not in stored:
            findings.append(SchemaFinding(name, Change.LOST, _hop_of_loss(name, source, catalogue), kind))
    known = {stored_column(name) for name in contract}
    origin = {stored_column(name) for name in (source or {})}
    for name, kind in data:
        if name not in known:
            hop = Hop.MYSQL if name in origin or source is None else Hop.PARQUET
            findings.append(SchemaFinding(name, Change.ADDED, hop, found=kind))
    findings += _added_at_source(contract, source, stored)
    seen = {finding.column for finding in findings if finding.change is Change.RETYPED}
    findings += [each for each in _retyped_in_parquet(contract, data, airbyte) if each.column not in seen]
    if not findings:
        return SchemaVerdict(True, (), (f"all {len(contract)} columns are as the registry states them",))
    return SchemaVerdict(False, tuple(findings), tuple(str(finding) for finding in findings))


def _hop_of_loss(name: str, source: Mapping[str, str] | None, catalogue: AbstractSet[str] | None) -> Hop:
    if source is not None and name not in source:
        return Hop.MYSQL
    if catalogue is not None and name not in catalogue:
        return Hop.AIRBYTE
    return Hop.PARQUET if source is not None or catalogue is not None else Hop.MYSQL


def _added_at_source(
    contract: Mapping[str, str], source: Mapping[str, str] | None, stored: AbstractSet[str]
) -> list[SchemaFinding]:
    """Columns that the source has and nobody downstream has seen yet."""
    fresh = [name for name in (source or {}) if name not in contract and stored_column(name) not in stored]
    return [SchemaFinding(name, Change.ADDED, Hop.MYSQL, found=(source or {})[name]) for name in fresh]


def _retyped_in_parquet(
    contract: Mapping[str, str], data: Sequence[tuple[str, str]], airbyte: ObservedTable | None
) -> list[SchemaFinding]:
    """Columns whose files hold a kind of value that no dialect writes for the contract's type, or two kinds."""
    findings = []
    catalogue = {column.name: column.type for column in airbyte.columns} if airbyte else {}
    for name, kind in contract.items():
        found = sorted({stored for column, stored in data if column == stored_column(name)})
        allowed = _STORED_KINDS.get(_family(kind), frozenset())
        strange = [each for each in found if allowed and _stored_kind(each) not in allowed]
        if strange or len(found) > 1:
            told = _JSON_KINDS.get(catalogue.get(name, ""))
            hop = Hop.AIRBYTE if strange and told and told not in allowed else Hop.PARQUET
            findings.append(SchemaFinding(name, Change.RETYPED, hop, kind, " and ".join(found)))
    return findings


# What destination-s3 writes for each family, in either dialect: below 1.0 dates and times are
# struct<member0, member1>, connectors differ on YEAR, BIT, TINYINT(1) and on decimals without a fraction.
_STORED_KINDS: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"integer", "boolean", "number"}),
    "number": frozenset({"number", "integer"}),
    "date": frozenset({"date", "string"}),
    "timestamp": frozenset({"timestamp", "string"}),
    "time": frozenset({"time", "string"}),
    "year": frozenset({"integer", "string"}),
    "bit": frozenset({"boolean", "string", "integer"}),
    "text": frozenset({"string", "binary"}),
    "binary": frozenset({"string", "binary"}),
}

# Kinds of value behind the JSON schema types of the Airbyte catalogue.
_JSON_KINDS: Mapping[str, str] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "string:date": "date",
    "string:date-time": "timestamp",
    "string:time": "time",
}

_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "boolean", "bool"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "float", "double", "real"), "number"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    **dict.fromkeys(("date",), "date"),
    **dict.fromkeys(("time",), "time"),
    **dict.fromkeys(("year",), "year"),
    **dict.fromkeys(("bit",), "bit"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"),
}


def _family(mysql_type: str) -> str:
    """The family of a MySQL type: what a consumer would notice if it changed. Widths are not noticed."""
    word = re.match(r"[a-z]+", mysql_type.strip().lower())
    return _FAMILIES.get(word.group(0), word.group(0)) if word else mysql_type


_ARROW_KINDS = (
    (r"^struct<member0: ?(?P<inner>date32|timestamp|time64)", None),
    (r"^u?int\d+", "integer"),
    (r"^(double|float|halffloat|decimal)", "number"),
    (r"^date", "date"),
    (r"^timestamp", "timestamp"),
    (r"^time", "time"),
    (r"^bool", "boolean"),
    (r"^(large_)?(string|utf8)", "string"),
    (r"^(large_|fixed_size_)?binary", "binary"),
)


def _stored_kind(arrow_type: str) -> str:
    """The kind of value that an Arrow type holds; the old dialect's date and time structs count as their member."""
    for pattern, kind in _ARROW_KINDS:
        found = re.match(pattern, arrow_type)
        if found:
            return kind or {"date32": "date", "timestamp": "timestamp", "time64": "time"}[found.group("inner")]
    return arrow_type
