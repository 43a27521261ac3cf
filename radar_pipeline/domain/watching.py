"""What the end of a run is worth telling: one alert for one cause, and the end of what was told before.

All that happens on one day goes into one alert, ``ingest/<day>``: a day has one state, however many runs it took. Each
rule looks at what is recorded now and not at what happened in between, so that reading the same events again, or after
an hour, leads to the same alert.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Resolution
from radar_pipeline.domain.alert_kinds import JOB_KINDS, KINDS, OF_ONE_TABLE, WORDS
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, diagnose
from radar_pipeline.domain.facts import DayFacts, RunFacts, RunState, TableFacts, Watched
from radar_pipeline.domain.failure import TREATMENTS
from radar_pipeline.domain.judgement import Check
from radar_pipeline.domain.retrying import RetryVerdict, judge_retry
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.domain.wording import changes, length, listed, plural

_SINGLE_KINDS = {
    Check.VOLUME_WITHIN_BAND: AlertKind.VOLUME_ANOMALY,
    Check.SCHEMA_MATCHES_CONTRACT: AlertKind.SCHEMA_CHANGED,
}
_NEXT_STEPS = {
    AlertKind.VOLUME_ANOMALY: "Compare with the source; if it is right: radar accept TABLE --date {day} --reason ...",
    AlertKind.SCHEMA_CHANGED: "radar tables diff shows the change; if it is right: radar tables pull --write",
    AlertKind.PARTIAL_SUCCESS: "Read the reasons, remove the cause and run the day again before midnight UTC.",
}


def watch_day(
    facts: DayFacts,
    *,
    now: dt.datetime,
    thresholds: Thresholds,
    opened: Mapping[str, Alert],
    retries: bool = True,
    told: str | None = None,
) -> Watched:
    """Decides what a day's newest events are worth.

    Args:
        facts: The day.
        now: What time it is, UTC.
        thresholds: What is too long, and the budget of a day.
        opened: Alerts that are open, by fingerprint.
        retries: Whether somebody is there to run a failed day again.
        told: The result with which the day was told to be complete before; None where it was not.
    """
    last = facts.last
    by_duration = _watch_duration(facts, thresholds, opened)
    failed = last is not None and last.state is not RunState.SUCCEEDED
    # What a check found after the failed run ended counts: somebody may have put things right by hand.
    settled = last is None or not failed or (facts.judged is not None and facts.judged > (last.ended or last.created))
    if facts.is_accepted and settled:
        return by_duration + _complete(facts, now, opened, told)
    if last is not None and failed:
        if facts.day < now.date() and last.id not in facts.ended and f"ingest/{facts.day}" not in opened:
            # It was told, and its alert ended with a later day: checks of it are no news.
            return by_duration
        verdict = judge_retry(facts.day, facts.runs, now=now, thresholds=thresholds, retries=retries)
        return by_duration + Watched((_failed(facts, last, verdict),))
    lacking = _lacking(facts)
    if not lacking:
        return by_duration
    return by_duration + Watched((_partial(facts, lacking, now),))


def watch_job(run: RunFacts, *, opened: Mapping[str, Alert]) -> Watched:
    """Decides what the end of any other run is worth: a failure is told, a success ends it."""
    fingerprint, at = f"job/{run.subject}", run.ended or run.created
    if run.state is RunState.FAILED:
        found = run.failure.diagnosis if run.failure else None
        is_apart = run.subject in JOB_KINDS
        usual = KINDS.get(found.cause, AlertKind.SYNC_FAILED) if found else AlertKind.SYNC_FAILED
        rest = "; bronze itself is not touched by it." if is_apart else " and is not run again by itself."
        alert = Alert(
            fingerprint=fingerprint,
            kind=JOB_KINDS.get(run.subject, usual),
            severity=TREATMENTS[found.failure_class].severity if found else Severity.ERROR,
            title=f"{run.subject} failed" + (f": {WORDS[found.cause]}" if found and found.cause in WORDS else ""),
            summary=f"A run of {run.subject} failed at {at:%H:%M} UTC{rest}",
            since=at,
            day=run.day,
            cause=found.summary if found else "",
            next_step=found.next_step if found else "Read the run's log in the Dagster UI.",
            links=run.links,
        )
        return Watched((alert,))
    if run.state is RunState.SUCCEEDED and fingerprint in opened:
        return Watched(resolved=(Resolution(fingerprint, at, f"A later run of {run.subject} succeeded."),))
    return Watched()


def _failed(facts: DayFacts, last: RunFacts, verdict: RetryVerdict) -> Alert:
    if last.state is RunState.TERMINATED:
        return Alert(
            fingerprint=f"ingest/{facts.day}",
            kind=AlertKind.SYNC_FAILED,
            severity=Severity.WARNING,
            title=f"{facts.day}: the run was terminated",
            summary="Somebody ended it before its time; it is not run again by itself.",
            since=last.ended or last.created,
            day=facts.day,
            next_step="Run the day again before midnight UTC if its data is wanted: radar run",
            links=(*last.links, *facts.links),
            attempt=verdict.attempt,
        )
    found = last.failure.diagnosis if last.failure else None
    cause = found.cause if found else Cause.UNKNOWN
    lacking = _lacking(facts, last.failure.missing if last.failure else ())
    severity = TREATMENTS[found.failure_class].severity if found else Severity.ERROR
    if any(_is_grave(table) for table in lacking):
        severity = max(severity, Severity.CRITICAL)
    words = f": {WORDS[cause]}" if cause in WORDS else ""
    follows = (f"{plural(len(lacking), 'table is', 'tables are')} not as they should be",) if lacking else ()
    return Alert(
        fingerprint=f"ingest/{facts.day}",
        kind=KINDS.get(cause, AlertKind.SYNC_FAILED),
        severity=Severity.WARNING if verdict.again else severity,
        title=f"{facts.day}: the run failed{words}",
        summary=_what_is_there(facts, lacking),
        since=last.ended or last.created,
        day=facts.day,
        tables=tuple(_affected(table) for table in lacking),
        cause=found.summary if found else "",
        next_step=found.next_step if found else "Read the run's log in the Dagster UI.",
        links=(*last.links, *facts.links),
        attempt=verdict.attempt,
        follows=() if cause in OF_ONE_TABLE else follows,
    )


def _partial(facts: DayFacts, lacking: tuple[TableFacts, ...], now: dt.datetime) -> Alert:
    last = facts.last
    checks = {problem.check for table in lacking for problem in table.problems}
    kind = _SINGLE_KINDS.get(next(iter(checks)), AlertKind.PARTIAL_SUCCESS) if len(checks) == 1 else None
    kind = kind or AlertKind.PARTIAL_SUCCESS
    what = {
        AlertKind.VOLUME_ANOMALY: "an unbelievable number of rows",
        AlertKind.SCHEMA_CHANGED: "other columns than the registry states",
    }.get(kind)
    names = listed([table.name for table in lacking])
    title = f"{names} came with {what}" if what else f"partial success, without {names}"
    found = _likely(lacking) if kind is AlertKind.PARTIAL_SUCCESS else None
    return Alert(
        fingerprint=f"ingest/{facts.day}",
        kind=kind,
        severity=Severity.CRITICAL if any(_is_grave(table) for table in lacking) else Severity.WARNING,
        title=f"{facts.day}: {title}",
        summary=_what_is_there(facts, lacking),
        since=(last.ended if last else None) or facts.judged or now,
        day=facts.day,
        tables=tuple(_affected(table) for table in lacking),
        cause=found.summary if found else "",
        next_step=found.next_step if found else _NEXT_STEPS[kind].format(day=facts.day),
        links=(*(last.links if last else ()), *facts.links),
    )


def _likely(lacking: tuple[TableFacts, ...]) -> Diagnosis | None:
    """What the reasons of the first table that lacks something point to; None where they name no cause."""
    found = diagnose("; ".join(problem.reason for problem in lacking[0].problems))
    return found if found.cause is not Cause.UNKNOWN else None


def _complete(facts: DayFacts, now: dt.datetime, opened: Mapping[str, Alert], told: str | None) -> Watched:
    last = facts.last
    # Not before what it ends: a check that somebody executed by hand came after the run that failed.
    at = max((each for each in (last.ended if last else None, facts.judged) if each), default=now)
    how = f"Every table of {facts.day} is there and accepted."
    resolved = tuple(Resolution(name, at, how) for name in sorted(opened) if _is_of_a_run_until(name, facts.day))
    numbers = facts.numbers
    # A past day that is proven again is no news.
    if numbers is None or last is None or last.ended is None or last.ended.date() != facts.day:
        return Watched(resolved=resolved)
    if numbers.result == told:
        return Watched(resolved=resolved)
    alert = Alert(
        fingerprint=f"complete/{facts.day}",
        kind=AlertKind.DAY_COMPLETE,
        severity=Severity.INFO,
        title=f"{facts.day}: complete, {plural(numbers.tables, 'table', 'tables')}",
        summary=how,
        since=at,
        day=facts.day,
        links=(*last.links, *facts.links),
        numbers=changes(numbers, facts.yesterday),
    )
    return Watched((alert,), resolved, {facts.day: numbers.result})


def _watch_duration(facts: DayFacts, thresholds: Thresholds, opened: Mapping[str, Alert]) -> Watched:
    """What is told of runs that ended and took too long: their length, in the open alert where there is one."""
    raised, resolved = [], []
    for run in facts.runs:
        if run.id not in facts.ended or not run.ended:
            continue
        took = dt.timedelta(seconds=run.seconds)
        if (name := f"duration/{run.id}") in opened:
            resolved.append(Resolution(name, run.ended, f"The run ended after {length(took)}."))
        elif took > thresholds.run:
            raised.append(long_run(run, took, thresholds.run, ended=True))
    return Watched(tuple(raised), tuple(resolved))


def long_run(run: RunFacts, took: dt.timedelta, most: dt.timedelta, *, ended: bool) -> Alert:
    """The alert about a run that takes, or took, too long."""
    day = f"of {run.day}" if run.day else f"of {run.job}"
    verb = "took" if ended else "has been under way for"
    return Alert(
        fingerprint=f"duration/{run.id}",
        kind=AlertKind.RUN_TOO_LONG,
        severity=Severity.WARNING,
        title=f"The run {day} {verb} {length(took)}",
        summary=f"More than {length(most)} is too long for a day's run"
        + ("; it has ended." if ended else "; it is left alone, and its end is told."),
        since=run.started or run.created,
        day=run.day,
        next_step="Look at the Airbyte job's progress, the load on MySQL and the worker's memory and CPU.",
        links=run.links,
    )


def _lacking(facts: DayFacts, missing: tuple[str, ...] = ()) -> tuple[TableFacts, ...]:
    """Tables that are not there or not accepted, critical ones first."""
    found = [table for table in facts.tables if table.problems or table.landed is False or table.name in missing]
    return tuple(sorted(found, key=lambda table: (not table.critical, table.name)))


def _is_grave(table: TableFacts) -> bool:
    """Whether a table makes an alert CRITICAL: it is critical, and it is missing or a check of it is an error."""
    if not table.critical:
        return False
    return not table.problems or table.landed is False or any(problem.is_error for problem in table.problems)


def _what_is_there(facts: DayFacts, lacking: tuple[TableFacts, ...]) -> str:
    total = len(facts.tables)
    if all(table.landed is None for table in facts.tables):
        return f"The run ended before any of the {total} tables was judged: nothing is known to be there."
    there, accepted = sum(bool(table.landed) for table in facts.tables), sum(table.accepted for table in facts.tables)
    names = f" Not as they should be: {listed([table.name for table in lacking])}." if lacking else ""
    return f"{there} of {total} tables are there, {accepted} accepted.{names}"


def _affected(table: TableFacts) -> AffectedTable:
    reason = "; ".join(problem.reason for problem in table.problems) or "its data is not there"
    return AffectedTable(
        table.name,
        table.critical,
        reason,
        table.rows_found,
        table.rows_expected,
        table.owner,
        table.area,
        table.url,
    )


def _is_of_a_run_until(fingerprint: str, day: dt.date) -> bool:
    head, _, tail = fingerprint.partition("/")
    return head == "ingest" and tail <= day.isoformat()
