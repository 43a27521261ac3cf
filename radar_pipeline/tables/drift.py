"""Where registry, Airbyte catalogue and MySQL disagree: which of the three is the odd one out, and what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import stored_name
from radar_pipeline.domain.mysql_types import same_type
from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.domain.value_kinds import fits_catalogue, keeps_values
from radar_pipeline.tables.model import Registry, Table


class System(StrEnum):
    """One of the three places that describe a table."""

    REGISTRY = "registry"
    AIRBYTE = "airbyte"
    MYSQL = "mysql"

    @property
    def spoken(self) -> str:
        """Its name in a sentence."""
        return {"registry": "the registry", "airbyte": "the Airbyte connection", "mysql": "MySQL"}[self.value]


class Drift(StrEnum):
    """What kind of disagreement it is."""

    TABLE_MISSING = "table_missing"
    TABLE_EXTRA = "table_extra"
    NOT_SELECTED = "not_selected"
    COLUMN_MISSING = "column_missing"
    COLUMN_EXTRA = "column_extra"
    COLUMN_RETYPED = "column_retyped"
    COLUMN_REDECLARED = "column_redeclared"
    KEY_CHANGED = "key_changed"
    FOLDER_SHARED = "folder_shared"


@dataclass(frozen=True)
class Finding:
    """One disagreement.

    Attributes:
        table: Table name.
        column: Column name; None where it is about the table.
        drift: What kind it is.
        system: The one that differs from the others.
        sentence: What is so, for a person.
        action: What to do about it.
    """

    table: str
    column: str | None
    drift: Drift
    system: System
    sentence: str
    action: str


_PULL = "run `radar tables pull`, read what it would change, then `radar tables pull --write`"
_REFRESH = "refresh the source schema of the Airbyte connection and save it"
_ACTIONS = {
    (Drift.TABLE_MISSING, System.REGISTRY): _PULL,
    (Drift.TABLE_EXTRA, System.REGISTRY): _PULL,
    (Drift.TABLE_MISSING, System.AIRBYTE): f"{_REFRESH}, with this table selected",
    (Drift.TABLE_EXTRA, System.AIRBYTE): f"{_REFRESH}: it names a table that is no longer there",
    (Drift.TABLE_MISSING, System.MYSQL): "ask the owner of the database whether it was dropped or renamed, or whether "
    "the reader may no longer see it; if it is gone for good, refresh Airbyte's schema and run `radar tables pull`",
    (Drift.TABLE_EXTRA, System.MYSQL): f"if bronze should have it, {_REFRESH}, then run `radar tables pull`",
    (Drift.COLUMN_MISSING, System.MYSQL): "ask the owner of the database whether it was dropped or renamed and tell "
    "who reads it; then refresh Airbyte's schema and run `radar tables pull`",
    (Drift.COLUMN_EXTRA, System.MYSQL): f"{_REFRESH}, then run `radar tables pull`",
    (Drift.COLUMN_RETYPED, System.MYSQL): f"{_REFRESH}, then run `radar tables pull`; readers see the new type",
    (Drift.COLUMN_REDECLARED, System.MYSQL): f"{_PULL}; readers find the same values",
    (Drift.KEY_CHANGED, System.MYSQL): f"{_REFRESH}, then run `radar tables pull`",
}
_BY_SYSTEM = {System.REGISTRY: _PULL, System.AIRBYTE: _REFRESH, System.MYSQL: _REFRESH}


def compare(
    registry: Registry, mysql: Sequence[ObservedTable] | None, airbyte: Sequence[ObservedTable] | None
) -> tuple[Finding, ...]:
    """Every disagreement between the three, by table name.

    Args:
        registry: The contract.
        mysql: Tables and views of the source; None where it was not asked, which says nothing about it.
        airbyte: Streams of the connection's catalogue; None where it was not asked.
    """
    at_source = {table.name: table for table in mysql if not table.is_sequence} if mysql is not None else None
    in_catalogue = {table.name: table for table in airbyte} if airbyte is not None else None
    names = sorted({*registry.names, *(at_source or {}), *(in_catalogue or {})})
    findings = [*_shared_folders(registry)]
    for name in names:
        findings += _compare_table(name, registry, at_source, in_catalogue)
    return tuple(sorted(findings, key=lambda finding: (finding.table, finding.column or "", finding.drift)))


def _finding(table: str, column: str | None, drift: Drift, system: System, sentence: str) -> Finding:
    return Finding(table, column, drift, system, sentence, _ACTIONS.get((drift, system), _BY_SYSTEM[system]))


def _shared_folders(registry: Registry) -> Iterator[Finding]:
    """Tables whose names the S3 destination spells the same: their rows would lie in one folder."""
    folders: dict[str, list[str]] = defaultdict(list)
    for name in registry.names:
        folders[stored_name(name)].append(name)
    for folder, names in folders.items():
        for name in names[1:]:
            sentence = f'its rows land in the folder "{folder}", as those of table "{names[0]}" do'
            action = "give the stream a prefix or a connection of its own in Airbyte, or leave one of the two out"
            yield Finding(name, None, Drift.FOLDER_SHARED, System.AIRBYTE, sentence, action)


def _compare_table(
    name: str,
    registry: Registry,
    at_source: Mapping[str, ObservedTable] | None,
    in_catalogue: Mapping[str, ObservedTable] | None,
) -> Iterator[Finding]:
    contract = registry.get(name)
    source = at_source.get(name) if at_source is not None else None
    stream = in_catalogue.get(name) if in_catalogue is not None else None
    copied = stream is not None and stream.is_selected
    # A view, or a stream that somebody left unselected, is left out on purpose as long as nobody expects it.
    if contract is None and not copied and (source is None or source.is_view or stream is not None):
        return
    present = {System.REGISTRY: contract is not None}
    if at_source is not None:
        present[System.MYSQL] = source is not None
    if in_catalogue is not None:
        present[System.AIRBYTE] = stream is not None
    yield from _presence(name, None, present)
    if contract is not None and stream is not None and not stream.is_selected:
        sentence = "the Airbyte connection knows it but does not copy it: it is not selected"
        action = "select the table in the Airbyte connection, or take it out of the registry"
        yield Finding(name, None, Drift.NOT_SELECTED, System.AIRBYTE, sentence, action)
    yield from _compare_columns(name, contract, source, stream)
    yield from _compare_keys(name, contract, source, stream)


def _odd_one_out(present: Mapping[System, bool]) -> tuple[System, bool] | None:
    """The system that differs and whether it has the thing; None where all agree.

    Of two that disagree, the one that copies or describes is held against the one that it copies or describes.
    """
    if len(set(present.values())) == 1:
        return None
    for system, is_there in present.items():
        if sum(other == is_there for other in present.values()) == 1 and len(present) > 2:
            return system, is_there
    order = (System.REGISTRY, System.AIRBYTE, System.MYSQL)
    return next((system, present[system]) for system in order if system in present)


def _presence(name: str, column: str | None, present: Mapping[System, bool]) -> Iterator[Finding]:
    """The finding where a table or column is not in all systems or in none."""
    found = _odd_one_out(present)
    if not found:
        return
    system, is_there = found
    if column is None:
        drift = Drift.TABLE_EXTRA if is_there else Drift.TABLE_MISSING
    else:
        drift = Drift.COLUMN_EXTRA if is_there else Drift.COLUMN_MISSING
    having = [each.spoken for each, has in present.items() if has]
    lacking = [each.spoken for each, has in present.items() if not has]
    what = "table" if column is None else "column"
    verb, negated = ("have" if len(having) > 1 else "has"), ("have" if len(lacking) > 1 else "has")
    sentence = f"{' and '.join(having)} {verb} this {what}, {' and '.join(lacking)} {negated} not"
    yield _finding(name, column, drift, system, sentence)


def _compare_columns(
    name: str, contract: Table | None, source: ObservedTable | None, stream: ObservedTable | None
) -> Iterator[Finding]:
    sides: dict[System, Mapping[str, ObservedColumn]] = {}
    if contract is not None and contract.columns:  # a table without columns in the registry promises nothing
        sides[System.REGISTRY] = {column.name: ObservedColumn(column.name, column.type) for column in contract.columns}
    if source is not None:
        sides[System.MYSQL] = {column.name: column for column in source.columns}
    if stream is not None and stream.columns:  # the public API names tables and no columns
        sides[System.AIRBYTE] = {column.name: column for column in stream.columns}
    if len(sides) < 2:
        return
    for column in dict.fromkeys(each for side in sides.values() for each in side):
        yield from _presence(name, column, {system: column in side for system, side in sides.items()})
        types = {system: side[column].type for system, side in sides.items() if column in side}
        yield from _compare_types(name, column, types)


def _compare_types(name: str, column: str, types: Mapping[System, str]) -> Iterator[Finding]:
    """Registry against MySQL in MySQL's words; Airbyte's type against what a connector makes of either."""
    mysql, contract, catalogue = (types.get(each) for each in (System.MYSQL, System.REGISTRY, System.AIRBYTE))
    agree = mysql is None or contract is None or same_type(mysql, contract)
    keeps = mysql is None or contract is None or keeps_values(contract, mysql)
    if not agree:
        # Airbyte still holding to the contract tells that the source changed since; else the contract is behind.
        # Holding to either tells nothing of a width, which the contract is then taken to be behind with.
        moved = catalogue is None or not fits_catalogue(str(mysql), catalogue)
        moved = moved or (not keeps and fits_catalogue(str(contract), str(catalogue)))
        system = System.MYSQL if moved else System.REGISTRY
        sentence = f"the registry says {contract}, MySQL has {mysql}"
        yield _finding(name, column, Drift.COLUMN_REDECLARED if keeps else Drift.COLUMN_RETYPED, system, sentence)
    origin = mysql or contract
    if keeps and origin is not None and catalogue is not None and not fits_catalogue(origin, catalogue):
        sentence = f"{System.MYSQL.spoken if mysql else System.REGISTRY.spoken} says {origin}, which no connector "
        yield _finding(name, column, Drift.COLUMN_RETYPED, System.AIRBYTE, f"{sentence}reads as {catalogue}")


def _compare_keys(
    name: str, contract: Table | None, source: ObservedTable | None, stream: ObservedTable | None
) -> Iterator[Finding]:
    keys = {}
    if contract is not None:
        keys[System.REGISTRY] = contract.primary_key
    if source is not None and not source.is_view:  # a view has no key of its own
        keys[System.MYSQL] = source.primary_key
    if stream is not None and stream.primary_key:  # a full refresh with append needs no key, so it may name none
        keys[System.AIRBYTE] = stream.primary_key
    if len(set(keys.values())) < 2:
        return
    values = list(keys.values())
    odd = [system for system, key in keys.items() if values.count(key) == 1]
    fallback = System.REGISTRY if System.REGISTRY in keys else System.AIRBYTE
    spoken = "; ".join(f"{system.spoken}: {', '.join(key) or 'no key'}" for system, key in keys.items())
    yield _finding(name, None, Drift.KEY_CHANGED, odd[0] if len(odd) == 1 else fallback, f"the keys differ ({spoken})")
