"""The registry that a database or a connection asks for, as text: what people wrote about known tables stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ruamel.yaml.comments import CommentedMap

from radar_pipeline.domain.mysql_types import is_mysql_type, plain_type, same_type
from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.domain.value_kinds import fits_catalogue, guess_mysql_type
from radar_pipeline.tables.editing import blank_line_above, insert, one_line, read, remove, scalar, write
from radar_pipeline.tables.loader import FLAGS, NAME_LENGTH, RegistryError, parse_registry, split_flags
from radar_pipeline.tables.model import asset_name_of

NEW_AREA, NEW_OWNER = "other", "team:data-engineering"

_HEADER = "# Proposed from what is there: say for each table which area it is of, and whether it is critical.\n\n"
_NOTES = "# Left out by `radar tables pull`:"
_PERSONAL = re.compile(r"e[-_]?mail|phone|celular|telefone|cpf|card_number|birth|nascimento|ip_address", re.IGNORECASE)
_SECRET = re.compile(r"passw|senha|secret|(refresh|access|recovery|auth|push)_?(token|id)|api_?key", re.IGNORECASE)


class Origin(StrEnum):
    """Where the observed tables come from; it decides what their types mean."""

    MYSQL = "mysql"
    AIRBYTE = "airbyte"


@dataclass(frozen=True)
class Proposal:
    """A registry to look at before it is written.

    Attributes:
        text: The file.
        added: Tables that are new in it.
        removed: Tables that the current registry has and the observed system has not.
        left_out: What was seen and is not in it, each with the reason.
    """

    text: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    left_out: tuple[str, ...]


def propose_registry(
    observed: Sequence[ObservedTable], current: str | None = None, origin: Origin = Origin.MYSQL
) -> Proposal:
    """The text of a registry for the observed tables, which ``load_registry`` accepts.

    Comments, order, areas, owners, flags and limits of known tables stay as people wrote them; columns and keys follow
    what was observed. New tables come at the end, in the area ``other``. In them NOT NULL makes a column mandatory, and
    a name like ``Email`` or ``Password`` makes it personal or secret: suggestions, to be read by a person.

    Args:
        observed: Tables and views of a database, or streams of a connection.
        current: Text of the registry that is in use; None for a first one.
        origin: What was observed.

    Raises:
        RegistryError: Where there is no table to list, or the current registry is broken, so that what people wrote
            there could not be kept.
    """
    if current is not None:
        parse_registry(current, "the current registry")
    document = read(_without_notes(current)) if current is not None else CommentedMap()
    wanted, left_out = _wanted(observed)
    if not wanted:
        raise RegistryError(["nothing to propose: no table can be seen there; check the database and the rights"])
    tables = document.setdefault("tables", CommentedMap())
    removed = tuple(set(tables) - {table.name for table in wanted})
    added = tuple(table.name for table in wanted if table.name not in tables)
    for name in removed:
        remove(tables, name)
    if added:
        _ensure_area(document)
    for table in wanted:
        if table.name not in tables:
            insert(tables, len(tables), scalar(table.name), _new_entry(table.name, tables))
        left_out += _update(tables[table.name], table, origin, is_new=table.name in added)
    for name in added:
        blank_line_above(tables, name)
    if current is None:
        blank_line_above(document, "tables")
    text = ("" if current is not None else _HEADER) + write(document) + _notes(left_out)
    parse_registry(text, "the proposed registry")
    return Proposal(text, added, tuple(sorted(removed)), tuple(left_out))


def _wanted(observed: Sequence[ObservedTable]) -> tuple[list[ObservedTable], list[str]]:
    wanted, left_out = [], []
    for table in observed:
        if table.is_view:
            left_out.append(f"{table.name}: a view")
        elif table.is_sequence:
            left_out.append(f"{table.name}: a sequence")
        elif not table.is_selected:
            left_out.append(f"{table.name}: not selected in the Airbyte connection")
        elif not _is_writable(table.name):
            left_out.append(f"{table.name!r}: the name has characters that cannot be shown")
        else:
            wanted.append(table)
    return wanted, left_out


def _is_writable(name: str) -> bool:
    return name.isprintable() and bool(name.strip()) and len(name) <= NAME_LENGTH


def _ensure_area(document: CommentedMap) -> None:
    areas = document.get("areas")
    if not isinstance(areas, CommentedMap):
        document.pop("areas", None)
        areas = CommentedMap()
        document.insert(list(document).index("tables"), "areas", areas)
    if NEW_AREA not in areas:
        insert(areas, len(areas), NEW_AREA, NEW_OWNER)


def _new_entry(name: str, tables: CommentedMap) -> CommentedMap:
    entry = CommentedMap(area=NEW_AREA)
    taken = {(other or {}).get("asset") or asset_name_of(other_name) for other_name, other in tables.items()}
    wanted, number = asset_name_of(name), 2
    while wanted in taken:
        wanted, number = f"{asset_name_of(name)}_{number}", number + 1
    if wanted != asset_name_of(name):
        entry["asset"] = wanted
    return entry


def _update(entry: CommentedMap, table: ObservedTable, origin: Origin, *, is_new: bool) -> list[str]:
    """Makes an entry's columns and key those of the observed table; returns what could not be taken in."""
    if origin is Origin.AIRBYTE and not table.columns:
        return []  # the public API names tables and no columns
    taken: list[str] = []
    left_out: list[str] = []
    columns = entry.get("columns")
    if not isinstance(columns, CommentedMap):
        columns = CommentedMap()
    for column in table.columns:
        if not _is_writable(column.name):
            left_out.append(f"{table.name}.{column.name!r}: the name has characters that cannot be shown")
        elif origin is Origin.MYSQL and not is_mysql_type(plain_type(column.type)):
            left_out.append(f"{table.name}.{column.name}: type {column.type!r} is unknown here")
        else:
            _update_column(columns, column, len(taken), origin, is_new=is_new)
            taken.append(column.name)
    for name in [name for name in columns if name not in taken]:
        remove(columns, name)
    _update_key(entry, table, taken, origin)
    if not columns and "columns" in entry:
        remove(entry, "columns")
    elif "columns" not in entry and columns:
        insert(entry, len(entry), "columns", columns)
    return left_out


def _update_column(
    columns: CommentedMap, column: ObservedColumn, position: int, origin: Origin, *, is_new: bool
) -> None:
    kind = plain_type(column.type) if origin is Origin.MYSQL else guess_mysql_type(column.type)
    if column.name not in columns:
        flags = _suggested_flags(column, is_new=is_new)
        insert(columns, min(position, len(columns)), scalar(column.name), " ".join([kind, *flags]))
        return
    written, flags = split_flags(columns[column.name])
    unchanged = same_type(written, kind) if origin is Origin.MYSQL else fits_catalogue(written, column.type)
    if not unchanged:
        columns[column.name] = " ".join([kind, *(flag for flag in FLAGS if flag in flags)])


def _suggested_flags(column: ObservedColumn, *, is_new: bool) -> list[str]:
    flags = ["mandatory"] if is_new and not column.nullable else []
    if _SECRET.search(column.name):
        return [*flags, "secret"]
    return [*flags, "personal"] if _PERSONAL.search(column.name) else flags


def _update_key(entry: CommentedMap, table: ObservedTable, columns: Sequence[str], origin: Origin) -> None:
    written = entry.get("primary_key")
    now = list(written) if isinstance(written, list) else [written] if written else []
    # A connection may copy without naming a key; that says nothing about the table.
    wanted = list(table.primary_key) if table.primary_key or origin is Origin.MYSQL else now
    wanted = [name for name in wanted if name in columns]
    if wanted == now:
        return
    value = scalar(wanted[0]) if len(wanted) == 1 else one_line(wanted)
    if not wanted:
        remove(entry, "primary_key")
    elif "primary_key" in entry:
        entry["primary_key"] = value
    else:
        position = list(entry).index("columns") if "columns" in entry else len(entry)
        insert(entry, position, "primary_key", value)


def _without_notes(text: str) -> str:
    """The text without the notes of an earlier proposal."""
    before, _, _ = text.partition(f"\n{_NOTES}")
    return before.rstrip("\n") + "\n"


def _notes(left_out: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in ("", _NOTES, *(f"#   {each}" for each in left_out))) if left_out else ""
