"""Days, runs and tables for tests of what they are worth."""

from __future__ import annotations

import datetime as dt
from typing import Any

from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.facts import DayFacts, DayNumbers, Problem, RunFacts, RunState, TableFacts
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.judgement import Check

DAY = dt.date(2026, 11, 24)
TWO = dt.datetime(2026, 11, 24, 2, tzinfo=dt.UTC)


def at(hour: int, minute: int = 0, *, days: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, 24, hour, minute, tzinfo=dt.UTC) + dt.timedelta(days=days)


def failure(cause: Cause, kind: FailureClass, missing: tuple[str, ...] = ()) -> RunFailure:
    return RunFailure(Diagnosis(cause, kind, f"the cause is {cause}", "do something about it"), missing)


def run(number: int = 1, state: RunState = RunState.SUCCEEDED, **changes: Any) -> RunFacts:
    """The n-th run of the day, which began at 02:00 plus 20 minutes for each run before it and took ten minutes."""
    begins = TWO + dt.timedelta(minutes=20 * (number - 1))
    ended = begins + dt.timedelta(minutes=10) if state.is_final else None
    started = None if state is RunState.WAITING else begins
    values: dict[str, Any] = {"created": begins, "started": started, "ended": ended, "day": DAY, **changes}
    return RunFacts(f"run-{number}", "ingest_bronze_job", state, **values)


def table(name: str, *, critical: bool = False) -> TableFacts:
    return TableFacts(name, critical, landed=True, accepted=True, rows_found=100, rows_expected=(90, 110))


def missing(name: str, *, critical: bool = False) -> TableFacts:
    problem = Problem(Check.LANDED, "nothing lies in the bucket", critical)
    return TableFacts(name, critical, landed=False, problems=(problem,))


def doubted(name: str, *checks: Check, critical: bool = False) -> TableFacts:
    problems = tuple(Problem(check, f"{check} does not hold", critical) for check in checks)
    return TableFacts(name, critical, landed=True, problems=problems, rows_found=50, rows_expected=(90, 110))


def unknown(name: str, *, critical: bool = False) -> TableFacts:
    return TableFacts(name, critical)


GOOD = (table("store", critical=True), table("menu"), table("login"))
UNKNOWN = (unknown("store", critical=True), unknown("menu"), unknown("login"))
NUMBERS = DayNumbers(tables=3, rows=300, bytes=3_000_000, seconds=600.0, airbyte_job=7)


def day(runs: tuple[RunFacts, ...], tables: tuple[TableFacts, ...] = GOOD, **changes: Any) -> DayFacts:
    numbers = NUMBERS if all(each.accepted for each in tables) else None
    values: dict[str, Any] = {"numbers": numbers, "ended": frozenset(each.id for each in runs), **changes}
    return DayFacts(DAY, runs, tables, **values)
