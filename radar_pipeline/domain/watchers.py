"""Who watches the watchers: what has to tick and does not."""

from __future__ import annotations

import datetime as dt

from radar_pipeline.domain.alert import Alert, AlertKind
from radar_pipeline.domain.facts import NowFacts, Watcher, WatcherKind
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.domain.wording import length, listed

# What every fingerprint of these alerts begins with.
OWN = "watcher/"

DAEMON = f"{OWN}daemon"


def silent_watchers(facts: NowFacts, *, now: dt.datetime, thresholds: Thresholds) -> list[Alert]:
    """The alerts about what does not tick.

    Where a daemon is silent, schedules and sensors are silent because of it: one alert, which lists them.
    """
    silent = [watcher for watcher in facts.watchers or () if is_silent(watcher, now=now, thresholds=thresholds)]
    daemons = [watcher for watcher in silent if watcher.kind is WatcherKind.DAEMON]
    others = [watcher for watcher in silent if watcher.kind is not WatcherKind.DAEMON]
    alerts = [] if daemons else [_stopped(watcher, facts, now) for watcher in others]
    if daemons:
        alerts.append(_daemons_stopped(daemons, others, facts, now))
    if facts.schedule and not any(alert.fingerprint == f"{OWN}{facts.schedule}" for alert in alerts):
        alerts.append(_switched_off(facts, now))
    return alerts


def is_silent(watcher: Watcher, *, now: dt.datetime, thresholds: Thresholds) -> bool:
    """Whether something that is switched on should have ticked, and has had time enough to."""
    return watcher.due is not None and now > watcher.due + thresholds.watcher


def _stopped(watcher: Watcher, facts: NowFacts, now: dt.datetime) -> Alert:
    return Alert(
        fingerprint=f"{OWN}{watcher.name}",
        kind=AlertKind.WATCHER_STOPPED,
        severity=Severity.ERROR,
        title=f"The {watcher.kind} {watcher.name} does not tick",
        summary=f"It is switched on and {_last(watcher, now)}.",
        since=watcher.due or now,
        day=now.date(),
        next_step="Look at its last tick in the Dagster UI; restart the code location and the daemon if there is none.",
        links=facts.links,
    )


def _daemons_stopped(daemons: list[Watcher], others: list[Watcher], facts: NowFacts, now: dt.datetime) -> Alert:
    newest = max(daemons, key=lambda watcher: watcher.due or now)
    return Alert(
        fingerprint=DAEMON,
        kind=AlertKind.WATCHER_STOPPED,
        severity=Severity.ERROR,
        title="The Dagster daemon does not answer",
        summary=f"{listed([watcher.name for watcher in daemons])}: {_last(newest, now)}. Nothing is started by itself.",
        since=min((watcher.due if watcher.ticked and watcher.due else now) for watcher in daemons),
        day=now.date(),
        next_step="Restart the daemon (dagster-daemon run) and read its log.",
        links=facts.links,
        follows=tuple(f"{watcher.kind} {watcher.name} does not tick" for watcher in others),
    )


def _switched_off(facts: NowFacts, now: dt.datetime) -> Alert:
    return Alert(
        fingerprint=f"{OWN}{facts.schedule}",
        kind=AlertKind.WATCHER_STOPPED,
        severity=Severity.WARNING,
        title=f"The schedule {facts.schedule} is switched off",
        summary="This is the production environment, and nothing starts the day's run.",
        since=now,
        day=now.date(),
        next_step="Switch it on in the Dagster UI, under Automation.",
        links=facts.links,
    )


def _last(watcher: Watcher, now: dt.datetime) -> str:
    if watcher.ticked is None:
        return "it never ticked"
    return f"its last tick was {length(now - watcher.ticked)} ago"
