"""What the end of a run is worth: one alert for one cause, told as gravely as it is, and ended when it is over."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.alert import Alert, AlertKind
from radar_pipeline.domain.diagnosis import Cause
from radar_pipeline.domain.facts import DayFacts, DayNumbers, Problem, RunState, TableFacts, Watched
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.judgement import Check
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.domain.watching import watch_day, watch_job
from radar_pipeline_tests.domain.day_samples import (
    DAY,
    GOOD,
    NUMBERS,
    UNKNOWN,
    at,
    day,
    doubted,
    failure,
    missing,
    run,
    table,
)

THRESHOLDS = Thresholds()
REFUSED = failure(Cause.MYSQL_REFUSED, FailureClass.SOURCE)
PASSING = failure(Cause.AIRBYTE_UNREACHABLE, FailureClass.TRANSIENT)


def watch(facts: DayFacts, *opened: Alert, now: dt.datetime | None = None, **named: object) -> Watched:
    return watch_day(
        facts,
        now=now or at(3, 30),
        thresholds=THRESHOLDS,
        opened={alert.fingerprint: alert for alert in opened},
        **named,  # type: ignore[arg-type]
    )


def only(watched: Watched) -> Alert:
    (alert,) = watched.raised
    return alert


def an_open(fingerprint: str, severity: Severity = Severity.ERROR) -> Alert:
    return Alert(fingerprint, AlertKind.SYNC_FAILED, severity, "t", "s", at(2))


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (Cause.MYSQL_REFUSED, AlertKind.CONNECTION_TIMEOUT),
        (Cause.MYSQL_TIMEOUT, AlertKind.CONNECTION_TIMEOUT),
        (Cause.AIRBYTE_UNREACHABLE, AlertKind.CONNECTION_TIMEOUT),
        (Cause.OUT_OF_MEMORY, AlertKind.RESOURCE_EXHAUSTED),
        (Cause.WORKER_LOST, AlertKind.RESOURCE_EXHAUSTED),
        (Cause.SCHEMA_MISMATCH, AlertKind.SCHEMA_CHANGED),
        (Cause.S3_DENIED, AlertKind.SYNC_FAILED),
        (Cause.UNKNOWN, AlertKind.SYNC_FAILED),
    ],
)
def test_the_cause_of_a_failed_run_says_what_kind_of_alert_it_is(cause: Cause, kind: AlertKind) -> None:
    failed = run(state=RunState.FAILED, failure=failure(cause, FailureClass.PERMANENT))
    alert = only(watch(day((failed,), UNKNOWN)))
    assert (alert.kind, alert.severity, alert.fingerprint) == (kind, Severity.ERROR, f"ingest/{DAY}")
    assert (alert.cause, alert.next_step) == (f"the cause is {cause}", "do something about it")


def test_a_root_cause_is_one_alert_that_lists_what_follows_from_it() -> None:
    failed = run(state=RunState.FAILED, failure=failure(Cause.OUT_OF_MEMORY, FailureClass.PLATFORM, ("menu",)))
    tables = tuple(missing(f"table_{number:04}") for number in range(1000))
    alert = only(watch(day((failed,), tables)))
    assert "ran out of memory" in alert.title
    assert alert.follows == ("1,000 tables are not as they should be",)
    assert len(alert.tables) == 1000
    assert len(alert.summary) < 200


def test_a_run_that_failed_before_any_table_is_not_called_the_failure_of_its_critical_tables() -> None:
    alert = only(watch(day((run(state=RunState.FAILED, failure=REFUSED),), UNKNOWN)))
    assert alert.severity is Severity.ERROR
    assert alert.tables == ()
    assert "before any of the 3 tables was judged" in alert.summary


def test_a_failed_run_without_a_critical_table_is_critical_and_names_it_first() -> None:
    failed = run(state=RunState.FAILED, failure=failure(Cause.TABLE_FAILED, FailureClass.SOURCE, ("store",)))
    alert = only(watch(day((failed,), (table("login"), missing("menu"), missing("store", critical=True)))))
    assert alert.severity is Severity.CRITICAL
    assert [each.name for each in alert.tables] == ["store", "menu"]
    assert alert.follows == ()


def test_a_failure_that_is_tried_again_is_a_warning_that_says_which_attempt_it_was() -> None:
    alert = only(watch(day((run(state=RunState.FAILED, failure=PASSING),), UNKNOWN), now=at(2, 11)))
    assert alert.severity is Severity.WARNING
    assert alert.attempt == "attempt 1 of 3, the next at 02:15 UTC"


def test_the_last_failure_is_told_as_gravely_as_it_is() -> None:
    runs = tuple(run(number, RunState.FAILED, failure=PASSING) for number in (3, 2, 1))
    alert = only(watch(day(runs, UNKNOWN)))
    assert alert.severity is Severity.ERROR
    assert alert.attempt == "attempt 3 of 3, it was the last"


def test_no_next_attempt_is_promised_where_nobody_makes_it() -> None:
    alert = only(watch(day((run(state=RunState.FAILED, failure=PASSING),), UNKNOWN), now=at(2, 11), retries=False))
    assert alert.severity is Severity.ERROR
    assert "the retry sensor is not at work" in alert.attempt


def test_a_run_that_a_person_terminated_is_said_and_no_more() -> None:
    alert = only(watch(day((run(state=RunState.TERMINATED),), UNKNOWN)))
    assert alert.severity is Severity.WARNING
    assert "terminated" in alert.title


@pytest.mark.parametrize(
    ("tables", "kind", "severity"),
    [
        ((missing("menu"),), AlertKind.PARTIAL_SUCCESS, Severity.WARNING),
        ((doubted("menu", Check.VOLUME_WITHIN_BAND),), AlertKind.VOLUME_ANOMALY, Severity.WARNING),
        ((doubted("menu", Check.SCHEMA_MATCHES_CONTRACT),), AlertKind.SCHEMA_CHANGED, Severity.WARNING),
        ((doubted("menu", Check.ROW_COUNTS_AGREE),), AlertKind.PARTIAL_SUCCESS, Severity.WARNING),
        (
            (doubted("menu", Check.VOLUME_WITHIN_BAND), doubted("login", Check.SCHEMA_MATCHES_CONTRACT)),
            AlertKind.PARTIAL_SUCCESS,
            Severity.WARNING,
        ),
        ((doubted("store", Check.VOLUME_WITHIN_BAND, critical=True),), AlertKind.VOLUME_ANOMALY, Severity.CRITICAL),
    ],
)
def test_a_success_that_lacks_something_says_what(
    tables: tuple[TableFacts, ...], kind: AlertKind, severity: Severity
) -> None:
    alert = only(watch(day((run(),), (*tables, table("well")))))
    assert (alert.kind, alert.severity) == (kind, severity)
    assert {each.name for each in alert.tables} == {each.name for each in tables}
    assert all(each.reason for each in alert.tables)


def test_a_partial_success_says_the_likely_cause_where_its_reasons_name_one() -> None:
    words = "menu: SELECT command denied to user 'bi-cognitivo-read'@'10.0.0.7' for table 'menu'"
    lacking = replace(missing("menu"), problems=(Problem(Check.LANDED, words, is_error=False),))
    alert = only(watch(day((run(),), (GOOD[0], lacking, GOOD[2]))))
    assert alert.cause
    assert alert.next_step
    odd = replace(missing("menu"), problems=(Problem(Check.LANDED, "it is odd", is_error=False),))
    assert not only(watch(day((run(),), (GOOD[0], odd, GOOD[2])))).cause


def test_rows_found_and_expected_stand_beside_a_doubted_table() -> None:
    (affected,) = only(watch(day((run(),), (doubted("menu", Check.VOLUME_WITHIN_BAND),)))).tables
    assert (affected.rows_found, affected.rows_expected) == (50, (90, 110))


def test_a_good_day_ends_what_was_open_of_it_and_of_the_days_before() -> None:
    opened = [an_open(f"ingest/{DAY - dt.timedelta(days=back)}") for back in (0, 1, 5, -1)]
    opened += [an_open("duration/run-1"), an_open("job/other"), an_open("stale")]
    # Another run may still be under way, of another day or job.
    opened += [an_open("duration/another-run")]
    watched = watch(day((run(),)), *opened)
    assert {each.fingerprint for each in watched.resolved} == {
        "ingest/2026-11-24",
        "ingest/2026-11-23",
        "ingest/2026-11-19",
        "duration/run-1",
    }
    assert only(watched).kind is AlertKind.DAY_COMPLETE


def test_a_good_day_is_one_quiet_message_with_its_numbers_against_the_day_before() -> None:
    yesterday = DayNumbers(tables=3, rows=200, bytes=3_000_000, seconds=1200.0, airbyte_job=6)
    alert = only(watch(day((run(),), yesterday=yesterday)))
    assert alert.severity is Severity.INFO
    assert dict(alert.numbers) == {
        "tables": "3 (as the day before)",
        "rows": "300 (+50.0% against the day before)",
        "size": "3.0 MB (as the day before)",
        "duration": "10 min (the day before: 20 min)",
        "Airbyte job": "7",
    }


def test_a_second_run_that_changes_nothing_says_nothing() -> None:
    first = watch(day((run(),)))
    assert watch(day((run(2), run(1))), told=first.results[DAY]).raised == ()
    changed = day((run(2), run(1)), numbers=replace(NUMBERS, rows=301))
    assert only(watch(changed, told=first.results[DAY])).kind is AlertKind.DAY_COMPLETE


def test_a_past_day_that_is_proven_again_is_no_news() -> None:
    late = run(created=at(9, days=3), started=at(9, days=3), ended=at(9, 1, days=3))
    watched = watch(day((late,)), an_open(f"ingest/{DAY}"), now=at(9, 2, days=3))
    assert watched.raised == ()
    assert [each.fingerprint for each in watched.resolved] == [f"ingest/{DAY}"]


def test_what_a_person_put_right_after_the_failed_run_ends_its_alert() -> None:
    failed = run(state=RunState.FAILED, failure=REFUSED)
    watched = watch(day((failed,), GOOD, judged=at(2, 40)), an_open(f"ingest/{DAY}"))
    (resolution,) = watched.resolved
    assert resolution.at == at(2, 40)


def test_checks_from_before_the_failure_do_not_end_it() -> None:
    failed = run(state=RunState.FAILED, failure=REFUSED)
    watched = watch(day((failed,), GOOD, judged=at(2, 5)), an_open(f"ingest/{DAY}"))
    assert watched.resolved == ()
    assert only(watched).severity is Severity.ERROR


def test_a_run_that_took_too_long_is_told_with_its_length_where_nobody_told_it_before() -> None:
    slow = run(ended=at(3, 45))
    watched = watch(day((slow,), (missing("menu"),)))
    assert {alert.kind for alert in watched.raised} == {AlertKind.RUN_TOO_LONG, AlertKind.PARTIAL_SUCCESS}
    assert "took 1 h 45 min" in watched.raised[0].title


def test_a_run_that_was_told_to_take_long_ends_with_its_length() -> None:
    watched = watch(day((run(ended=at(3, 45)),)), an_open("duration/run-1"))
    (resolution,) = watched.resolved
    assert "1 h 45 min" in resolution.how
    assert {alert.kind for alert in watched.raised} == {AlertKind.DAY_COMPLETE}


def test_a_job_of_another_kind_is_told_when_it_fails_and_ends_when_it_succeeds() -> None:
    failed = run(state=RunState.FAILED, is_bronze=False, ingests=False)
    alert = only(watch_job(failed, opened={}))
    assert (alert.kind, alert.severity) == (AlertKind.SYNC_FAILED, Severity.ERROR)
    (resolution,) = watch_job(run(2, is_bronze=False), opened={alert.fingerprint: alert}).resolved
    assert resolution.fingerprint == alert.fingerprint
    assert watch_job(run(2, is_bronze=False), opened={}) == Watched()


TABLES = st.builds(
    lambda name, critical, kind: {0: table, 1: missing, 2: lambda n, critical: doubted(n, *Check, critical=critical)}[
        kind
    ](name, critical=critical),
    st.text("abcdef", min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 2),
)
STATES = st.sampled_from(list(RunState))
CAUSES = st.builds(failure, st.sampled_from(list(Cause)), st.sampled_from(list(FailureClass)))


@given(
    st.lists(TABLES, max_size=12, unique_by=lambda each: each.name),
    st.lists(st.tuples(STATES, CAUSES), max_size=5),
    st.booleans(),
)
def test_a_day_is_never_more_than_one_alert_and_a_bad_one_is_never_silent(
    tables: list[TableFacts], states: list[tuple[RunState, object]], retries: bool
) -> None:
    runs = tuple(
        run(number, state, failure=cause if state is RunState.FAILED else None)
        for number, (state, cause) in enumerate(states, start=1)
    )
    facts = day(tuple(reversed(runs)), tuple(tables))
    watched = watch(facts, retries=retries)
    assert len(watched.raised) <= 1
    last = facts.last
    failed = last is not None and last.state is not RunState.SUCCEEDED
    if failed or (last and any(each.problems for each in tables)):
        alert = only(watched)
        assert alert.severity >= Severity.WARNING
        assert watched.resolved == ()
        assert [each.critical for each in alert.tables] == sorted(
            (each.critical for each in alert.tables), reverse=True
        )
    if failed and last and last.state is RunState.FAILED and not only(watched).attempt.endswith("UTC"):
        in_hand = any(not each.state.is_final for each in runs)
        assert in_hand or only(watched).severity >= Severity.ERROR
