"""Reads ``radar_tables.yaml`` and says, with the line, everything that is wrong with it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from radar_pipeline.domain.aging.policy import DEFAULT_CLASS
from radar_pipeline.domain.mysql_types import is_mysql_type
from radar_pipeline.tables.model import ColumnContract, LoadMode, Registry, Table
from radar_pipeline.tables.nodes import NodeReader, RegistryError, compose, did_you_mean, is_empty, read_text

__all__ = ["DEFAULT_PATH", "FLAGS", "NAME_LENGTH", "RegistryError", "load_registry", "parse_registry", "split_flags"]

DEFAULT_PATH = Path(__file__).with_name("radar_tables.yaml")

FLAGS = ("mandatory", "personal", "secret")
_SECTIONS = ("defaults", "areas", "tables")
_DEFAULT_KEYS = ("load", "volume_limit")
_TABLE_KEYS = (
    *("area", "owner", "description", "primary_key", "critical", "may_be_empty", "load", "volume_limit", "asset"),
    *("retention", "hold", "columns"),
)
NAME_LENGTH = 64  # MySQL's own limit for tables and columns

# What Dagster takes: owners by dagster._core.definitions.utils.is_valid_owner, tag values (the area is one) and names.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_ASSET_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class _Defaults:
    load: LoadMode = LoadMode.FULL
    volume_limit: float = 0.20


def load_registry(path: Path | None = None) -> Registry:
    """Reads a registry file, the one of this package where none is named.

    Raises:
        RegistryError: Where the file cannot be read or anything in it is wrong; all mistakes at once.
    """
    path = path or DEFAULT_PATH
    return parse_registry(read_text(path), _shown(path), path)


def parse_registry(text: str, file: str, path: Path | None = None) -> Registry:
    """Reads a registry from text. ``file`` is its name in messages.

    Raises:
        RegistryError: As ``load_registry``.
    """
    root = compose(text, file)
    if root is None or is_empty(root):
        raise RegistryError([f"{file}: is empty; expected the sections {', '.join(_SECTIONS)}"])
    read = NodeReader(file)
    sections = read.mapping(root, "", "the file", _SECTIONS)
    defaults = _read_defaults(read, sections["defaults"][1]) if "defaults" in sections else _Defaults()
    areas = _read_areas(read, sections["areas"][1]) if "areas" in sections else {}
    tables: list[Table] = []
    if "tables" in sections:
        entries = read.mapping(sections["tables"][1], "", "tables")
        tables = [_read_table(read, key, value, defaults, areas) for key, value in entries.values()]
        _check_asset_names(read, tables, [key for key, _ in entries.values()])
    if not tables and not read.problems:
        read.note(root, "", "no table is listed under 'tables'")
    read.finish()
    return Registry(tuple(tables), path)


def _shown(path: Path) -> str:
    """A path as a person would type it: from here where it lies below, as it is otherwise."""
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else os.fspath(path)
    except (ValueError, OSError):
        return os.fspath(path)


def _read_defaults(read: NodeReader, node: yaml.Node) -> _Defaults:
    entries = read.mapping(node, "", "defaults", _DEFAULT_KEYS)
    load, limit = LoadMode.FULL, _Defaults.volume_limit
    if "load" in entries:
        load = _read_load(read, entries["load"][1], "defaults", load)
    if "volume_limit" in entries:
        limit = read.share(entries["volume_limit"][1], "defaults", "volume_limit", limit)
    return _Defaults(load, limit)


def _read_areas(read: NodeReader, node: yaml.Node) -> dict[str, str]:
    areas = {}
    for area, (key, value) in read.mapping(node, "", "areas").items():
        if not _TAG_VALUE.fullmatch(area):
            read.note(key, f'area "{area}"', "a name of up to 63 letters, digits and _ . - is expected")
        areas[area] = _read_owner(read, value, f'area "{area}"')
    return areas


def _read_owner(read: NodeReader, node: yaml.Node, where: str) -> str:
    owner = read.text(node, where, "owner")
    if owner.removeprefix("team:") in {"", owner} and not _EMAIL.fullmatch(owner):
        read.note(node, where, f'owner must be "team:name" or an e-mail address, found "{owner}"')
    return owner


def _read_load(read: NodeReader, node: yaml.Node, where: str, default: LoadMode) -> LoadMode:
    word = read.text(node, where, "load")
    if word in set(LoadMode):
        return LoadMode(word)
    read.note(node, where, f'load must be {" or ".join(LoadMode)}, found "{word}"')
    return default


def _read_table(read: NodeReader, key: yaml.Node, node: yaml.Node, defaults: _Defaults, areas: dict[str, str]) -> Table:
    name = str(key.value)
    where = f'table "{name}"'
    _check_name(read, key, where)
    entries = read.mapping(node, where, "a table", _TABLE_KEYS)
    values = {word: value for word, (_, value) in entries.items() if not is_empty(value)}
    area = read.text(values["area"], where, "area") if "area" in values else ""
    if "area" not in values:
        read.note(key, where, f"area is missing{did_you_mean('', areas)}")
    elif area not in areas:
        read.note(values["area"], where, f'area "{area}" is not under areas{did_you_mean(area, areas)}')
    columns = _read_columns(read, values["columns"], where) if "columns" in values else ()
    return Table(
        name=name,
        area=area,
        owner=_read_owner(read, values["owner"], where) if "owner" in values else areas.get(area, ""),
        primary_key=_read_key(read, values["primary_key"], where, columns) if "primary_key" in values else (),
        critical="critical" in values and read.boolean(values["critical"], where, "critical"),
        may_be_empty="may_be_empty" in values and read.boolean(values["may_be_empty"], where, "may_be_empty"),
        load=_read_load(read, values["load"], where, defaults.load) if "load" in values else defaults.load,
        volume_limit=read.share(values["volume_limit"], where, "volume_limit", defaults.volume_limit)
        if "volume_limit" in values
        else defaults.volume_limit,
        retention=read.text(values["retention"], where, "retention") if "retention" in values else DEFAULT_CLASS,
        hold=read.text(values["hold"], where, "hold") if "hold" in values else "",
        columns=columns,
        description=read.text(values["description"], where, "description") if "description" in values else "",
        asset=_read_asset(read, values["asset"], where) if "asset" in values else "",
    )


def _check_name(read: NodeReader, key: yaml.Node, where: str) -> None:
    name = str(key.value)
    if not name.strip():
        read.note(key, where, "a name must not be empty")
    elif len(name) > NAME_LENGTH or not name.isprintable():
        read.note(key, where, f"a name must be at most {NAME_LENGTH} printable characters, as in MySQL")


def _read_columns(read: NodeReader, node: yaml.Node, where: str) -> tuple[ColumnContract, ...]:
    columns = []
    for name, (key, value) in read.mapping(node, where, "columns").items():
        spot = f'{where}, column "{name}"'
        _check_name(read, key, spot)
        kind, flags = split_flags(read.text(value, spot, "a column"))
        if len(flags) != len(set(flags)):
            read.note(value, spot, "a flag is there twice")
        if isinstance(value, yaml.ScalarNode) and not is_mysql_type(kind):
            read.note(value, spot, _not_a_type(kind))
        columns.append(ColumnContract(name, kind, **{flag: flag in flags for flag in FLAGS}))
    return tuple(columns)


def split_flags(text: str) -> tuple[str, list[str]]:
    """The type and the flags after it. Blanks within the type stay: an enum's values may hold them."""
    kind, flags = text.strip(), []
    while (last := kind.rsplit(maxsplit=1)[-1:]) and last[0] in FLAGS:
        flags.append(last[0])
        kind = kind.removesuffix(last[0]).rstrip()
    return kind, flags


def _not_a_type(kind: str) -> str:
    expected = f"expected a MySQL type, then any of {', '.join(FLAGS)}"
    words = kind.split(" ")
    for count in range(len(words) - 1, 0, -1):
        if is_mysql_type(" ".join(words[:count])):
            return f'unknown flag "{words[count]}"{did_you_mean(words[count], FLAGS)}'
    return f'"{kind}" is no MySQL type; {expected}' if kind else f"the type is missing; {expected}"


def _read_key(read: NodeReader, node: yaml.Node, where: str, columns: tuple[ColumnContract, ...]) -> tuple[str, ...]:
    names = [column.name for column in columns]
    key: list[str] = []
    for each, name in read.texts(node, where, "primary_key"):
        if name in key:
            read.note(each, where, f'primary_key names "{name}" twice')
        elif columns and name not in names:
            read.note(each, where, f'primary_key column "{name}" is not under columns{did_you_mean(name, names)}')
        key.append(name)
    return tuple(key)


def _read_asset(read: NodeReader, node: yaml.Node, where: str) -> str:
    name = read.text(node, where, "asset")
    if not _ASSET_NAME.fullmatch(name):
        read.note(node, where, f'asset must be letters, digits and _ only (a Dagster name), found "{name}"')
    return name


def _check_asset_names(read: NodeReader, tables: list[Table], keys: list[yaml.Node]) -> None:
    taken: dict[str, str] = {}
    for table, key in zip(tables, keys, strict=True):
        other = taken.setdefault(table.asset_name, table.name)
        if other != table.name:
            problem = f'its asset would be called "{table.asset_name}", as that of table "{other}"'
            read.note(key, f'table "{table.name}"', f"{problem}; give one of them an 'asset' name of its own")
