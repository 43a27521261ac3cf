"""Columns as each hop shows them, and which hop changed what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import without_accents
from radar_pipeline.domain.value_kinds import arrow_kind, fits_catalogue, is_guess_of, keeps_values, stored_kinds


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
    contract = _made_precise(contract, source or {}, airbyte)
    findings = []
    for name, kind in contract.items():
        if source is not None and name in source and not keeps_values(kind, source[name]):
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


def _made_precise(
    contract: Mapping[str, str], source: Mapping[str, str], airbyte: ObservedTable | None
) -> Mapping[str, str]:
    """The contract, with MySQL's own types where it states no more than Airbyte's catalogue does."""
    told = {column.name: column.type for column in airbyte.columns} if airbyte else {}
    return {
        name: source[name] if name in source and name in told and is_guess_of(kind, source[name], told[name]) else kind
        for name, kind in contract.items()
    }


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
    """Columns whose files hold a kind of value that no connector writes for the contract's type, or two types."""
    findings = []
    catalogue = {column.name: column.type for column in airbyte.columns} if airbyte else {}
    for name, kind in contract.items():
        found = sorted({stored for column, stored in data if column == stored_column(name)})
        strange = any(arrow_kind(each) not in stored_kinds(kind) for each in found)
        if strange or len(found) > 1:
            hop = Hop.AIRBYTE if strange and not fits_catalogue(kind, catalogue.get(name, "")) else Hop.PARQUET
            findings.append(SchemaFinding(name, Change.RETYPED, hop, kind, " and ".join(found)))
    return findings
