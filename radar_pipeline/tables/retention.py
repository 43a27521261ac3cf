"""Reads ``radar_retention.yaml`` and says, with the line, everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from radar_pipeline.domain.retention import (
    DEFAULT_CLASS,
    Bounds,
    Hold,
    RetentionClass,
    RetentionPolicy,
    SmallObjects,
    Transition,
)
from radar_pipeline.domain.retention_limits import MOST_DAYS, TARGETS, faults_of
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.tables.model import Registry
from radar_pipeline.tables.nodes import NodeReader, RegistryError, describe, did_you_mean, is_empty, read_root

DEFAULT_PATH = Path(__file__).with_name("radar_retention.yaml")

_DAYS = ("noncurrent_days", "unfinished_upload_days", "quarantine_days", "rule_grace_days")
_SECTIONS = ("classes", *_DAYS, "bounds")
_CLASS_KEYS = ("transitions", "delete_after_days", "small_objects")
_BOUND_KEYS = ("table_share", "objects", "bytes")
_NUMBER = re.compile(r"\d{1,12}")
_SIZE = re.compile(r"(\d{1,6})\s*(KB|MB|GB|TB)")
_UNITS = {"KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}

# A run that was missed must not stop every run after it.
_LEAST_DAYS_AT_ONCE = 2


def load_policy(path: Path | None, registry: Registry) -> RetentionPolicy:
    """Reads a policy file, the one of this package where none is named.

    Args:
        path: The file; what it leaves out is as the specification says.
        registry: The tables, whose classes must be defined.

    Raises:
        RegistryError: Where the file cannot be read, anything in it is wrong, or a table of the registry names a class
            that it does not define; all mistakes at once.
    """
    path = path or DEFAULT_PATH
    root = read_root(path)
    read = _Reader(NodeReader(str(path)))
    policy = read.policy(root, path)
    undefined = [table for table in registry.tables if table.retention not in policy.classes]
    source = f"{registry.path or 'the registry'}"
    problems = [
        f'{source}: table "{table.name}": retention "{table.retention}" is no class of {path}'
        f"{did_you_mean(table.retention, policy.classes)}"
        for table in undefined
    ]
    read.finish(problems)
    return policy


def classes_of(registry: Registry) -> dict[str, str]:
    """Retention class by table name."""
    return {table.name: table.retention for table in registry.tables}


def registry_holds(registry: Registry) -> tuple[Hold, ...]:
    """The holds that the registry states."""
    return tuple(
        Hold("registry", table.name, None, None, table.hold, "registry") for table in registry.tables if table.hold
    )


class _Reader:
    """Reads one file."""

    def __init__(self, nodes: NodeReader) -> None:
        self._nodes = nodes

    def finish(self, problems: list[str]) -> None:
        """Raises RegistryError where anything was noted, or there are problems beside."""
        try:
            self._nodes.finish()
        except RegistryError as error:
            raise RegistryError([*error.problems, *problems]) from None
        if problems:
            raise RegistryError(problems)

    def policy(self, root: yaml.Node | None, path: Path) -> RetentionPolicy:
        sections = self._nodes.mapping(root, "", "the file", _SECTIONS) if root is not None else {}
        base = RetentionPolicy()
        classes: Mapping[str, RetentionClass] = base.classes
        if "classes" in sections:
            entries = self._nodes.mapping(sections["classes"][1], "", "classes")
            read = {name: self._class(key, node) for name, (key, node) in entries.items()}
            classes = MappingProxyType({**base.classes, **read})
        days = {
            name: self._days(sections[name][1], "", name, least=0 if name == "rule_grace_days" else 1)
            for name in _DAYS
            if name in sections
        }
        bounds = self._bounds(sections["bounds"][1], classes) if "bounds" in sections else base.bounds
        return RetentionPolicy(classes=classes, bounds=bounds, path=path, **days)

    def _class(self, key: yaml.Node, node: yaml.Node) -> RetentionClass:
        name = str(key.value)
        where = f'class "{name}"'
        before = len(self._nodes.problems)
        entries = self._nodes.mapping(node, where, "a class", _CLASS_KEYS)
        # A class that says only half would take the other half from somewhere else, and that half deletes data.
        for wanted in ("transitions", "delete_after_days"):
            if wanted not in entries:
                self._nodes.note(
                    key, where, f"{wanted} is missing; write {_NOTHING[wanted]} where there is nothing to do"
                )
        transitions: list[tuple[yaml.Node, Transition]] = []
        deletion: int | None = None
        small = SmallObjects.KEEP
        if "transitions" in entries:
            transitions = self._transitions(entries["transitions"][1], where)
        if "delete_after_days" in entries:
            deletion = self._deletion(entries["delete_after_days"][1], where)
        if "small_objects" in entries:
            small = self._small(entries["small_objects"][1], where)
        if len(self._nodes.problems) > before:
            return RetentionClass(name)
        for fault in faults_of([each for _, each in transitions], deletion):
            at = entries["delete_after_days"][0] if fault.at is None else transitions[fault.at][0]
            self._nodes.note(at, where, fault.words)
        return RetentionClass(name, tuple(each for _, each in transitions), deletion, small)

    def _transitions(self, node: yaml.Node, where: str) -> list[tuple[yaml.Node, Transition]]:
        if _word(node) == "none":
            return []
        if is_empty(node):
            self._nodes.note(node, where, 'transitions must be lines such as "STANDARD_IA: 30", or none, found nothing')
            return []
        read = []
        names = [str(tier) for tier in TARGETS]
        for name, (key, value) in self._nodes.mapping(node, where, "transitions").items():
            days = self._days(value, where, f"the age for {name}")
            if name in names:
                read.append((key, Transition(days, StorageClass(name))))
            else:
                self._nodes.note(key, where, f'"{name}" is no tier that data can move to{_tier_hint(name, names)}')
        return read

    def _deletion(self, node: yaml.Node, where: str) -> int | None:
        return None if _word(node) == "never" else self._days(node, where, "delete_after_days", hint=", or never")

    def _small(self, node: yaml.Node, where: str) -> SmallObjects:
        word = self._nodes.text(node, where, "small_objects")
        if word in set(SmallObjects):
            return SmallObjects(word)
        self._nodes.note(node, where, f"small_objects must be {' or '.join(SmallObjects)}, found {describe(node)}")
        return SmallObjects.KEEP

    def _days(self, node: yaml.Node, where: str, what: str, *, least: int = 1, hint: str = "") -> int:
        text = _word(node)
        if _NUMBER.fullmatch(text) and least <= int(text) <= MOST_DAYS:
            return int(text)
        expected = f"a number of days from {least} to {MOST_DAYS}{hint}"
        self._nodes.note(node, where, f"{what} must be {expected}, found {describe(node)}")
        return MOST_DAYS

    def _bounds(self, node: yaml.Node, classes: Mapping[str, RetentionClass]) -> Bounds:
        entries = self._nodes.mapping(node, "bounds", "bounds", _BOUND_KEYS)
        share, objects, size = Bounds.table_share, Bounds.objects, Bounds.bytes
        if "table_share" in entries:
            share = self._nodes.share(entries["table_share"][1], "bounds", "table_share", share)
            self._check_share(entries["table_share"][1], share, classes)
        if "objects" in entries:
            objects = self._count(entries["objects"][1])
        if "bytes" in entries:
            size = self._size(entries["bytes"][1])
        return Bounds(share, objects, size)

    def _check_share(self, node: yaml.Node, share: float, classes: Mapping[str, RetentionClass]) -> None:
        for each in classes.values():
            least = _LEAST_DAYS_AT_ONCE / each.delete_after_days if each.delete_after_days else 0.0
            if 0 < share < min(least, 1.0):
                words = (
                    f"table_share {share:g} is less than {_LEAST_DAYS_AT_ONCE} days "
                    f'of the {each.delete_after_days} that class "{each.name}" keeps: '
                    f"one run that is missed would stop all later ones; at least {least:.2g} is expected"
                )
                self._nodes.note(node, "bounds", words)

    def _count(self, node: yaml.Node) -> int:
        if _NUMBER.fullmatch(_word(node)):
            return int(_word(node))
        self._nodes.note(node, "bounds", f"objects must be a number, found {describe(node)}")
        return Bounds.objects

    def _size(self, node: yaml.Node) -> int:
        if found := _SIZE.fullmatch(_word(node)):
            return int(found[1]) * _UNITS[found[2]]
        self._nodes.note(node, "bounds", f'bytes must be a size such as "50 GB", found {describe(node)}')
        return Bounds.bytes


_NOTHING = {"transitions": '"none"', "delete_after_days": '"never"'}


def _word(node: yaml.Node) -> str:
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""


def _tier_hint(name: str, names: list[str]) -> str:
    if name == StorageClass.STANDARD:
        return ": data begins there"
    return did_you_mean(name, names)


__all__ = ["DEFAULT_CLASS", "DEFAULT_PATH", "RegistryError", "classes_of", "load_policy", "registry_holds"]
