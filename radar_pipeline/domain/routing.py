"""Where an alert goes: the channels of its severity, those that owners and areas of its tables add; never nowhere.

Routes are data (``radar_alerts.yaml``). An owner or an area adds channels and replaces none: an alert is about tables
of many owners, and what one of them asked for must not hide it from the team that runs the platform.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from radar_pipeline.domain.alert import AffectedTable
from radar_pipeline.domain.severity import Severity


class Medium(StrEnum):
    """What carries a message."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, order=True)
class Target:
    """One place that messages go to.

    Attributes:
        medium: What carries them.
        address: Which place of that medium (a Slack channel, an e-mail address, a number's last digits); empty for
            the one that settings name.
    """

    medium: Medium
    address: str = ""

    def __str__(self) -> str:
        """As a person writes it: ``slack #alerts``, ``pagerduty``."""
        return f"{self.medium} {self.address}".strip()

    @staticmethod
    def parse(text: str) -> Target:
        """Reads what ``str`` of a target gives; ValueError where its first word is no medium."""
        medium, _, address = text.strip().partition(" ")
        return Target(Medium(medium), address.strip())


@dataclass(frozen=True)
class Addition:
    """Channels that an owner or an area adds.

    Attributes:
        least: Least severity from which on they are added.
        targets: The channels.
    """

    least: Severity
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Routes:
    """The routes of one environment.

    Attributes:
        by_severity: Channels of each severity.
        owners: What owners of affected tables add.
        areas: What areas of affected tables add.
    """

    by_severity: Mapping[Severity, tuple[Target, ...]]
    owners: Mapping[str, Addition] = field(default_factory=lambda: MappingProxyType({}))
    areas: Mapping[str, Addition] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Routed:
    """Where one alert goes.

    Attributes:
        targets: The channels, in the order of the routes.
        missing: Channels of its routes that are not configured.
        fallback: Whether ``targets`` stands in for routes of which none is configured.
    """

    targets: tuple[Target, ...]
    missing: tuple[Target, ...] = ()
    fallback: bool = False


def route(
    severity: Severity,
    tables: Iterable[AffectedTable],
    routes: Routes,
    *,
    configured: Collection[Medium],
    without: Collection[Target] = (),
) -> Routed:
    """Decides where an alert goes.

    Where no channel of its routes is configured, it goes where the next severity above that has one does, else where
    the nearest below does.

    Args:
        severity: How severe it is.
        tables: Tables that it is about.
        routes: The routes.
        configured: Media that can be used.
        without: Channels that must not be used, because the alert says that they cannot be reached. One without an
            address stands for all of its medium.
    """
    wanted = _wanted(severity, tables, routes)
    allowed = [target for target in wanted if not _is_without(target, without)]
    targets = tuple(target for target in allowed if target.medium in configured)
    missing = tuple(target for target in allowed if target.medium not in configured)
    if targets:
        return Routed(targets, missing)
    above = sorted(each for each in routes.by_severity if each > severity)
    below = sorted((each for each in routes.by_severity if each < severity), reverse=True)
    for other in (*above, *below):
        others = routes.by_severity[other]
        usable = tuple(each for each in others if each.medium in configured and not _is_without(each, without))
        if usable:
            return Routed(usable, missing, fallback=True)
    return Routed((), missing)


def _wanted(severity: Severity, tables: Iterable[AffectedTable], routes: Routes) -> tuple[Target, ...]:
    wanted = dict.fromkeys(routes.by_severity.get(severity, ()))
    for table in tables:
        for addition in (routes.owners.get(table.owner), routes.areas.get(table.area)):
            if addition and severity >= addition.least:
                wanted.update(dict.fromkeys(addition.targets))
    return tuple(wanted)


def _is_without(target: Target, without: Collection[Target]) -> bool:
    return target in without or Target(target.medium) in without
