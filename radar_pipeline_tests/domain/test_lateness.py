"""What the state of now is worth: told once, as gravely as it is, under its cause where that is known, and ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.alert import Alert, AlertKind
from radar_pipeline.domain.facts import NowFacts, RunState, Watched, Watcher, WatcherKind
from radar_pipeline.domain.lateness import watch_now
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline_tests.domain.day_samples import DAY, at, run

YESTERDAY = DAY - dt.timedelta(days=1)
PROMISED = NowFacts(complete=YESTERDAY, promised=True, promised_since=at(0, days=-30))
RUNNING = run(state=RunState.UNDER_WAY)


def watch(facts: NowFacts, now: dt.datetime, *opened: Alert) -> Watched:
    known = {alert.fingerprint: alert for alert in opened}
    return watch_now(facts, now=now, thresholds=Thresholds(), opened=known)


def told(watched: Watched) -> dict[str, Severity]:
    return {alert.fingerprint: alert.severity for alert in watched.raised}


def an_open(fingerprint: str, severity: Severity = Severity.ERROR) -> Alert:
    return Alert(fingerprint, AlertKind.SYNC_FAILED, severity, "t", "s", at(2))


def test_a_day_that_is_under_way_is_not_late_before_it_is_due() -> None:
    assert watch(replace(PROMISED, runs=(RUNNING,)), at(2, 59)) == Watched()


def test_a_day_that_is_under_way_when_it_is_due_is_late_and_no_more() -> None:
    watched = watch(replace(PROMISED, runs=(RUNNING,)), at(3, 1))
    assert told(watched) == {f"deadline/{DAY}": Severity.ERROR}
    assert "its run is under way" in watched.raised[0].summary


def test_a_day_for_which_nothing_runs_is_a_missing_day_that_lists_the_missed_deadline() -> None:
    watched = watch(PROMISED, at(3, 1))
    assert told(watched) == {"stale": Severity.CRITICAL}
    assert watched.raised[0].follows == (f"{DAY} was not finished by 03:00 UTC",)


def test_a_second_day_without_data_is_an_emergency() -> None:
    facts = replace(PROMISED, complete=YESTERDAY - dt.timedelta(days=1))
    assert told(watch(facts, at(2, 59))) == {"stale": Severity.CRITICAL}
    assert told(watch(facts, at(3, 1), an_open("stale", Severity.CRITICAL)))["stale"] is Severity.EMERGENCY


def test_what_is_told_already_is_not_told_at_every_look() -> None:
    first = watch(PROMISED, at(3, 1))
    assert watch(PROMISED, at(3, 2), *first.raised) == Watched()


def test_a_missed_deadline_is_listed_under_the_failed_run_that_explains_it() -> None:
    failed = an_open(f"ingest/{DAY}", Severity.CRITICAL)
    (alert,) = watch(PROMISED, at(3, 1), failed).raised
    assert alert.fingerprint == f"ingest/{DAY}"
    assert alert.follows == (f"No complete day since {YESTERDAY}", f"{DAY} was not finished by 03:00 UTC")
    assert watch(PROMISED, at(3, 2), alert) == Watched()


def test_a_warning_that_a_run_is_tried_again_explains_no_missed_deadline() -> None:
    facts = replace(PROMISED, runs=(run(2, RunState.WAITING, created=at(2, 58)),))
    assert told(watch(facts, at(3, 1), an_open(f"ingest/{DAY}", Severity.WARNING))) == {
        f"deadline/{DAY}": Severity.ERROR
    }


def test_a_failed_day_becomes_critical_when_no_day_is_complete_for_too_long() -> None:
    watched = watch(PROMISED, at(3, 1), an_open(f"ingest/{DAY}", Severity.ERROR))
    assert told(watched) == {"stale": Severity.CRITICAL, f"ingest/{DAY}": Severity.ERROR}


@pytest.mark.parametrize(
    "facts",
    [
        NowFacts(),
        NowFacts(promised=True),
        NowFacts(promised=True, promised_since=at(1)),
        NowFacts(complete=YESTERDAY - dt.timedelta(days=9)),
        NowFacts(complete=YESTERDAY - dt.timedelta(days=9), promised=True, promised_since=at(2, 30)),
    ],
    ids=["nobody relies on it", "never ran", "just switched on", "a laptop", "switched on again"],
)
def test_nothing_is_late_where_nothing_is_due(facts: NowFacts) -> None:
    assert watch(facts, at(5)) == Watched()


def test_an_instance_that_never_landed_a_day_is_late_from_when_it_was_switched_on() -> None:
    facts = NowFacts(promised=True, promised_since=at(1, days=-1))
    watched = watch(facts, at(3, 1))
    assert told(watched) == {"stale": Severity.CRITICAL}
    assert watched.raised[0].title == "No day has ever been complete"


def test_a_complete_day_ends_what_was_late() -> None:
    opened = [an_open(name) for name in ("stale", f"deadline/{DAY}", f"deadline/{YESTERDAY}", f"ingest/{DAY}")]
    watched = watch(replace(PROMISED, complete=DAY), at(3, 30), *opened)
    assert watched.raised == ()
    assert {each.fingerprint for each in watched.resolved} == {"stale", f"deadline/{DAY}", f"deadline/{YESTERDAY}"}


def test_a_late_day_stays_late_while_a_new_run_of_it_is_under_way() -> None:
    facts = replace(PROMISED, complete=YESTERDAY - dt.timedelta(days=2), runs=(RUNNING,))
    watched = watch(facts, at(2, 5), an_open("stale", Severity.EMERGENCY), an_open(f"deadline/{YESTERDAY}"))
    assert watched == Watched()


def test_a_run_that_takes_too_long_is_told_once_while_it_runs() -> None:
    facts = NowFacts(runs=(RUNNING,))
    assert watch(facts, at(3, 30)) == Watched()
    (alert,) = watch(facts, at(3, 31)).raised
    assert (alert.kind, alert.severity) == (AlertKind.RUN_TOO_LONG, Severity.WARNING)
    assert watch(facts, at(3, 32), alert) == Watched()
    (resolution,) = watch(NowFacts(), at(3, 40), alert).resolved
    assert resolution.fingerprint == alert.fingerprint


def test_a_run_that_waits_too_long_is_told_with_what_is_in_its_way() -> None:
    waiting = run(2, RunState.WAITING)
    facts = NowFacts(runs=(RUNNING, waiting))
    assert watch(facts, at(2, 35)) == Watched()
    (alert,) = watch(facts, at(2, 36)).raised
    assert (alert.kind, alert.severity) == (AlertKind.RESOURCE_EXHAUSTED, Severity.WARNING)
    assert alert.cause == f"In its way: the run of {DAY}."
    assert [each.fingerprint for each in watch(NowFacts(), at(3), alert).resolved] == ["queue"]


def daemon(name: str, ticked: dt.datetime) -> Watcher:
    return Watcher(name, WatcherKind.DAEMON, ticked + dt.timedelta(seconds=30), ticked)


SENSOR = Watcher("alert_sensor", WatcherKind.SENSOR, at(1, 0), at(0, 59))


def test_a_sensor_that_does_not_tick_is_told() -> None:
    facts = NowFacts(watchers=(SENSOR, daemon("SENSOR", at(1, 9))))
    assert watch(facts, at(1, 10)) == Watched()
    watched = watch(facts, at(1, 10, days=0) + dt.timedelta(seconds=1))
    assert told(watched) == {"watcher/alert_sensor": Severity.ERROR}
    assert "its last tick was 11 min 1 s ago" in watched.raised[0].summary
    alive = NowFacts(watchers=(replace(SENSOR, due=at(1, 12)),))
    assert [each.fingerprint for each in watch(alive, at(1, 12), *watched.raised).resolved] == ["watcher/alert_sensor"]


def test_a_dead_daemon_is_one_alert_however_much_it_silences() -> None:
    facts = NowFacts(watchers=(SENSOR, daemon("SENSOR", at(0, 50)), daemon("SCHEDULER", at(0, 50))))
    (alert,) = watch(facts, at(2)).raised
    assert alert.fingerprint == "watcher/daemon"
    assert alert.follows == ("sensor alert_sensor does not tick",)


def test_what_is_switched_off_is_not_missed() -> None:
    assert watch(NowFacts(watchers=(replace(SENSOR, due=None),)), at(9)) == Watched()


def test_a_daily_schedule_that_is_off_in_production_is_a_warning() -> None:
    watched = watch(NowFacts(schedule="ingest_bronze_job_schedule"), at(9))
    assert told(watched) == {"watcher/ingest_bronze_job_schedule": Severity.WARNING}


def test_where_this_is_no_moment_to_judge_the_watchers_their_alerts_stay_as_they_are() -> None:
    assert watch(NowFacts(watchers=None), at(9), an_open("watcher/daemon")) == Watched()


@given(
    st.builds(
        NowFacts,
        complete=st.none() | st.integers(-5, 0).map(lambda back: DAY + dt.timedelta(days=back)),
        promised=st.booleans(),
        promised_since=st.none() | st.integers(-200, 5).map(lambda hours: at(0) + dt.timedelta(hours=hours)),
        runs=st.lists(st.sampled_from([RUNNING, run(2, RunState.WAITING)]), max_size=2, unique=True).map(tuple),
        watchers=st.sampled_from([None, (), (SENSOR,), (SENSOR, daemon("SENSOR", at(0)))]),
    ),
    st.integers(0, 24 * 60 - 1),
)
def test_the_same_state_is_news_once_whatever_it_is(facts: NowFacts, minute: int) -> None:
    now = at(0) + dt.timedelta(minutes=minute)
    first = watch(facts, now)
    assert first.resolved == ()
    assert len({alert.fingerprint for alert in first.raised}) == len(first.raised)
    assert watch(facts, now, *first.raised) == Watched()
