"""Reads ``radar_alerts.yaml`` and says, with the line, everything that is wrong with it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from radar_pipeline.domain.routing import Addition, Medium, Routes, Target
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.tables.nodes import NodeReader, describe, did_you_mean, is_empty, read_root

DEFAULT_PATH = Path(__file__).with_name("radar_alerts.yaml")

_ENVIRONMENTS = ("local", "development", "staging", "production")
_SECTIONS = ("thresholds", "routes", "owners", "areas")
_ADDITION_KEYS = ("from", "to")
_SPAN = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SLACK_NAME = re.compile(r"#[^\s#,@]{1,80}|[CGD][A-Z0-9]{6,}")
_ADDRESS = re.compile(r"[^\s@,<>]+@[^\s@,<>]+")
_CHANNEL_WORDS = "slack, slack-alerts, slack #name, pagerduty, email, email name@host or sms"


@dataclass(frozen=True)
class AlertsConfig:
    """Where alerts go and by which figures they are judged, in one environment.

    Attributes:
        routes: Where they go.
        thresholds: The figures.
    """

    routes: Routes
    thresholds: Thresholds

    @property
    def addresses(self) -> frozenset[str]:
        """E-mail addresses that the file itself names as owners or channels."""
        additions = (*self.routes.owners.values(), *self.routes.areas.values())
        targets = [target for addition in additions for target in addition.targets]
        targets += [target for each in self.routes.by_severity.values() for target in each]
        named = {target.address for target in targets if target.medium is Medium.EMAIL and target.address}
        return frozenset(named | {owner for owner in self.routes.owners if "@" in owner})


def load_alerts_config(
    path: Path | None = None,
    *,
    environment: str = "production",
    slack_channel: str = "#data-engineering",
    slack_alert_channel: str = "#alerts",
) -> AlertsConfig:
    """Reads a file of routes and thresholds, the one of this package where none is named.

    Args:
        path: The file; what it leaves out is as in the package's own.
        environment: Whose overrides hold.
        slack_channel: What ``slack`` stands for.
        slack_alert_channel: What ``slack-alerts`` stands for.

    Raises:
        RegistryError: Where the file cannot be read or anything in it is wrong; all mistakes at once.
    """
    words = {"slack": Target(Medium.SLACK, slack_channel), "slack-alerts": Target(Medium.SLACK, slack_alert_channel)}
    own = _Reader(DEFAULT_PATH, words).read(environment, AlertsConfig(Routes(MappingProxyType({})), Thresholds()))
    return own if path is None else _Reader(path, words).read(environment, own)


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path, words: Mapping[str, Target]) -> None:
        self._path, self._words = path, words
        self._nodes = NodeReader(str(path))

    def read(self, environment: str, base: AlertsConfig) -> AlertsConfig:
        """The file's configuration for an environment, on top of another."""
        root = read_root(self._path)
        if root is None:
            return base
        sections = self._nodes.mapping(root, "", "the file", (*_SECTIONS, "environments"))
        config = self._sections({name: value for name, (_, value) in sections.items()}, base)
        if "environments" in sections:
            entries = self._nodes.mapping(sections["environments"][1], "", "environments", _ENVIRONMENTS)
            for name, (_, node) in entries.items():
                within = self._nodes.mapping(node, f'environment "{name}"', "an environment", _SECTIONS)
                # Every environment is read, so that a mistake shows before it is needed.
                there = self._sections({section: value for section, (_, value) in within.items()}, config)
                config = there if name == environment else config
        self._nodes.finish()
        return config

    def _sections(self, sections: Mapping[str, yaml.Node], base: AlertsConfig) -> AlertsConfig:
        thresholds, routes = base.thresholds, base.routes
        if "thresholds" in sections:
            thresholds = self._thresholds(sections["thresholds"], thresholds)
        if "routes" in sections:
            entries = self._nodes.mapping(sections["routes"], "", "routes", [each.name for each in Severity])
            read = {Severity[name]: self._targets(value, f"route {name}") for name, (_, value) in entries.items()}
            routes = replace(routes, by_severity=MappingProxyType({**routes.by_severity, **read}))
        if "owners" in sections:
            routes = replace(routes, owners=self._additions(sections["owners"], "owner", routes.owners))
        if "areas" in sections:
            routes = replace(routes, areas=self._additions(sections["areas"], "area", routes.areas))
        return AlertsConfig(routes, thresholds)

    def _thresholds(self, node: yaml.Node, base: Thresholds) -> Thresholds:
        known = [each.name for each in fields(Thresholds)]
        read: dict[str, Any] = {}
        for name, (_, value) in self._nodes.mapping(node, "", "thresholds", known).items():
            default = getattr(base, name)
            if isinstance(default, dt.timedelta):
                read[name] = self._span(value, name, default)
            elif isinstance(default, dt.time):
                read[name] = self._time(value, name, default)
            else:
                read[name] = self._count(value, name, default)
        return replace(base, **read)

    def _span(self, node: yaml.Node, name: str, default: dt.timedelta) -> dt.timedelta:
        found = _SPAN.fullmatch(self._scalar(node))
        if found and int(found[1]) * _SECONDS[found[2]] <= dt.timedelta(days=3650).total_seconds():
            return dt.timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        self._nodes.note(node, "thresholds", f"{name} must be a time such as 90m, 24h or 400d, found {describe(node)}")
        return default

    def _time(self, node: yaml.Node, name: str, default: dt.time) -> dt.time:
        found = _TIME_OF_DAY.fullmatch(self._scalar(node))
        if found:
            return dt.time(int(found[1]), int(found[2]))
        self._nodes.note(node, "thresholds", f'{name} must be a time of day such as "03:00", found {describe(node)}')
        return default

    def _count(self, node: yaml.Node, name: str, default: int) -> int:
        text = self._scalar(node)
        if re.fullmatch(r"[1-9]\d{0,2}", text):
            return int(text)
        self._nodes.note(node, "thresholds", f"{name} must be a number from 1 to 999, found {describe(node)}")
        return default

    def _scalar(self, node: yaml.Node) -> str:
        return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""

    def _additions(self, node: yaml.Node, what: str, base: Mapping[str, Addition]) -> Mapping[str, Addition]:
        read = dict(base)
        for name, (key, value) in self._nodes.mapping(node, "", f"{what}s").items():
            where = f'{what} "{name}"'
            entries = self._nodes.mapping(value, where, f"an {what}", _ADDITION_KEYS)
            if "to" not in entries:
                self._nodes.note(key, where, f"to is missing; expected channels: {_CHANNEL_WORDS}")
                continue
            least = self._severity(entries["from"][1], where) if "from" in entries else Severity.WARNING
            read[name] = Addition(least, self._targets(entries["to"][1], where))
        return MappingProxyType(read)

    def _severity(self, node: yaml.Node, where: str) -> Severity:
        word = self._nodes.text(node, where, "from")
        if word in Severity.__members__:
            return Severity[word]
        names = [each.name for each in Severity]
        expected = f"from must be a severity, found {describe(node)}{did_you_mean(word, names)}"
        self._nodes.note(node, where, expected)
        return Severity.WARNING

    def _targets(self, node: yaml.Node, where: str) -> tuple[Target, ...]:
        if is_empty(node) or (isinstance(node, yaml.SequenceNode) and not node.value):
            self._nodes.note(node, where, f"no channel is named; expected {_CHANNEL_WORDS}")
            return ()
        found = [self._target(each, text, where) for each, text in self._nodes.texts(node, where, "a channel")]
        return tuple(dict.fromkeys(target for target in found if target is not None))

    def _target(self, node: yaml.Node, text: str, where: str) -> Target | None:
        word, _, address = text.strip().partition(" ")
        address = address.strip()
        if not address and word in self._words:
            return self._words[word]
        if not address and word in {Medium.PAGERDUTY, Medium.EMAIL, Medium.SMS}:
            return Target(Medium(word))
        if word == Medium.SLACK and _SLACK_NAME.fullmatch(address):
            return Target(Medium.SLACK, address)
        if word == Medium.EMAIL and _ADDRESS.fullmatch(address):
            return Target(Medium.EMAIL, address)
        if isinstance(node, yaml.ScalarNode):
            near = did_you_mean(word, [*self._words, *Medium]) if word not in {*self._words, *Medium} else ""
            self._nodes.note(node, where, f"{describe(node)} is no channel{near or f'; expected {_CHANNEL_WORDS}'}")
        return None
