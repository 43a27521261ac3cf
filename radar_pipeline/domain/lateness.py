"""What the state of now is worth telling: a run that takes too long, a day that is late, a queue that stands still.

Nothing here depends on an event: each rule says what is open now, and an alert that no rule asks for any more is over.
A new day is due only where somebody relies on it (``NowFacts.promised``), and an instance that has never landed a day
is late only from the moment on which its schedule was switched on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

from radar_pipeline.domain.alert import Alert, AlertKind, Resolution
from radar_pipeline.domain.facts import NowFacts, RunFacts, RunState, Watched
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.domain.watchers import OWN as WATCHERS
from radar_pipeline.domain.watchers import silent_watchers
from radar_pipeline.domain.watching import long_run
from radar_pipeline.domain.wording import length, listed

# Fingerprints whose alerts are raised and ended here and nowhere else.
_OWN = ("stale", "deadline/", "queue", "duration/")

# How fingerprints begin of what the state of now raises.
OF_NOW = (*_OWN, WATCHERS)


def watch_now(facts: NowFacts, *, now: dt.datetime, thresholds: Thresholds, opened: Mapping[str, Alert]) -> Watched:
    """Decides what the state of now is worth.

    Args:
        facts: The state of now.
        now: What time it is, UTC.
        thresholds: What is too long or too late.
        opened: Alerts that are open, by fingerprint.
    """
    late, listed_under = _inhibited(_late(facts, now, thresholds), opened, now.date())
    wanted = [*late, *_long_runs(facts, now, thresholds), *_queue(facts, now, thresholds)]
    own: tuple[str, ...] = _OWN
    if facts.watchers is not None:
        wanted += silent_watchers(facts, now=now, thresholds=thresholds)
        own = OF_NOW
    asked = {alert.fingerprint for alert in wanted}
    over = [name for name in sorted(opened) if name.startswith(own) and name not in asked]
    fresh = _since(facts, thresholds)
    is_stale = fresh is not None and now - fresh > thresholds.no_sync
    resolved = [Resolution(name, now, how) for name in over if (how := _how_it_ended(name, facts, is_stale=is_stale))]
    # Such an alert holds on and on: it is told once, and again only when it is graver.
    news = [alert for alert in wanted if _severity(opened, alert.fingerprint) < alert.severity]
    return Watched((*news, *listed_under), tuple(resolved))


def _severity(opened: Mapping[str, Alert], fingerprint: str) -> int:
    """How grave an open alert is; 0 where it is not open."""
    return opened[fingerprint].severity if fingerprint in opened else 0


def _since(facts: NowFacts, thresholds: Thresholds) -> dt.datetime | None:
    """Since when the next day has been waited for: a day counts from when it was due, not from when it came."""
    last = dt.datetime.combine(facts.complete, thresholds.deadline, dt.UTC) if facts.complete else None
    return max((each for each in (last, facts.promised_since) if each), default=None)


def _late(facts: NowFacts, now: dt.datetime, thresholds: Thresholds) -> list[Alert]:
    """Alerts about a day that is not there, the graver one first."""
    if not facts.promised:
        return []
    today = now.date()
    due = dt.datetime.combine(today, thresholds.deadline, dt.UTC)
    found = []
    since = _since(facts, thresholds)
    in_hand = [run for run in _of_day(facts.runs, today) if now - (run.started or run.created) <= thresholds.run]
    if since and now - since > thresholds.no_sync and not in_hand:
        found.append(_stale(facts, since, now, thresholds))
    begins = dt.datetime.combine(today, dt.time(), dt.UTC)
    promised_today = facts.promised_since is None or facts.promised_since < begins
    if now >= due and promised_today and since is not None and (facts.complete is None or facts.complete < today):
        found.append(_not_finished(facts, today, due))
    return found


def _stale(facts: NowFacts, since: dt.datetime, now: dt.datetime, thresholds: Thresholds) -> Alert:
    severity = Severity.EMERGENCY if now - since > thresholds.emergency_after else Severity.CRITICAL
    title = f"No complete day since {facts.complete}" if facts.complete else "No day has ever been complete"
    return Alert(
        fingerprint="stale",
        kind=AlertKind.NO_SYNC,
        severity=severity,
        title=title,
        summary=f"Nothing complete has come for {length(now - since)}; dashboards and reports show old data.",
        since=since,
        day=now.date(),
        next_step="Look at the last run and its alert; start the day by hand if nothing runs: radar run",
        links=facts.links,
    )


def _not_finished(facts: NowFacts, today: dt.date, due: dt.datetime) -> Alert:
    running = next(iter(_of_day(facts.runs, today)), None)
    state = f"its run is {running.state}" if running else "no run of it is under way"
    return Alert(
        fingerprint=f"deadline/{today}",
        kind=AlertKind.NOT_FINISHED_IN_TIME,
        severity=Severity.ERROR,
        title=f"{today} was not finished by {due:%H:%M} UTC",
        summary=f"Bronze is due by {due:%H:%M} UTC; {state}.",
        since=due,
        day=today,
        next_step="Follow the run that is under way." if running else "Start it: radar run",
        links=running.links if running else facts.links,
    )


def _inhibited(late: list[Alert], opened: Mapping[str, Alert], today: dt.date) -> tuple[list[Alert], list[Alert]]:
    """Leaves out what follows from a cause that is told already, and lists it there.

    What is open by itself stays so: ending it would say that it is over.

    Returns:
        What is to be told by itself, and the open cause with what is newly listed under it.
    """
    cause = opened.get(f"ingest/{today}")
    follows = cause.follows if cause else ()
    own: list[Alert] = []
    for alert in late:
        if alert.fingerprint in opened:
            own.append(alert)
        elif cause and cause.severity >= max(alert.severity, Severity.ERROR):
            follows = (*follows, alert.title) if alert.title not in follows else follows
        elif own and own[0].severity >= alert.severity:
            own[0] = replace(own[0], follows=(*own[0].follows, alert.title))
        else:
            own.append(alert)
    return own, [replace(cause, follows=follows)] if cause and follows != cause.follows else []


def _long_runs(facts: NowFacts, now: dt.datetime, thresholds: Thresholds) -> list[Alert]:
    running = [run for run in facts.runs if run.state is RunState.UNDER_WAY and run.started]
    spans = [(run, now - (run.started or run.created)) for run in running]
    return [long_run(run, span, thresholds.run, ended=False) for run, span in spans if span > thresholds.run]


def _queue(facts: NowFacts, now: dt.datetime, thresholds: Thresholds) -> list[Alert]:
    waiting = [run for run in facts.runs if run.state is RunState.WAITING and now - run.created > thresholds.queue]
    if not waiting:
        return []
    first = min(waiting, key=lambda run: run.created)
    busy = [f"the run of {run.day or run.job}" for run in facts.runs if run.state is RunState.UNDER_WAY]
    idle = "No run is under way: the daemon or the launcher is not at work."
    return [
        Alert(
            fingerprint="queue",
            kind=AlertKind.RESOURCE_EXHAUSTED,
            severity=Severity.WARNING,
            title=f"A run has waited in the queue since {first.created:%H:%M} UTC",
            summary=f"The run of {first.day or first.job} waits, {len(waiting)} in all; one goes at a time.",
            since=first.created,
            day=first.day,
            cause=f"In its way: {listed(busy)}." if busy else idle,
            next_step="Look at what is under way; end it if it hangs, or wait for it.",
            links=first.links,
        )
    ]


def _how_it_ended(fingerprint: str, facts: NowFacts, *, is_stale: bool) -> str | None:
    """What shows that an alert is over; None where it is not, although no rule asks for it just now."""
    head, _, tail = fingerprint.partition("/")
    if head in {"deadline", "stale"} and not facts.promised:
        return "Nobody relies on a new day any more: the schedule is switched off."
    if head == "deadline":
        return f"{facts.complete} is complete." if facts.complete and facts.complete.isoformat() >= tail else None
    if head == "stale":
        return None if is_stale else f"{facts.complete} is complete." if facts.complete else "A new day is due."
    return {
        "queue": "No run waits too long any more.",
        "duration": "The run has ended.",
        "watcher": "It is at work again.",
    }[head]


def _of_day(runs: Iterable[RunFacts], day: dt.date) -> list[RunFacts]:
    return [run for run in runs if run.ingests and run.day == day]
