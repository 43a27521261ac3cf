"""What retention is worth telling, and when it is over."""

from __future__ import annotations

import datetime as dt

import pytest

from radar_pipeline.domain.alert import Alert, AlertKind
from radar_pipeline.domain.facts import Watched
from radar_pipeline.domain.retention_rules import ChangedRule, RulesDiff
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.watching_retention import watch_retention, watch_rules

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
MISSING = RulesDiff(missing=("radar-tiers",), moving=False)
DELETING = RulesDiff(deleting=('rule "tidy" deletes bronze data after 365 days',))


def rules(
    diff: RulesDiff | None, problem: str | None = None, *, is_set_up: bool = True, opened: Watched | None = None
) -> Watched:
    return watch_rules(diff, problem, bucket="bronze", is_set_up=is_set_up, now=NOW, opened=by_name(opened))


def by_name(told: Watched | None) -> dict[str, Alert]:
    return {alert.fingerprint: alert for alert in told.raised} if told else {}


def test_drift_is_a_warning_that_names_each_difference_and_ends_with_it() -> None:
    diff = RulesDiff(missing=("radar-tiers",), changed=(ChangedRule("radar-versions", ("Status: none is set",)),))
    told = rules(diff)
    (alert,) = told.raised
    assert (alert.fingerprint, alert.kind, alert.severity) == (
        "lifecycle/bronze",
        AlertKind.LIFECYCLE_DRIFT,
        Severity.WARNING,
    )
    assert "rule radar-tiers is not set" in alert.summary
    assert "radar-versions is set differently: Status: none is set" in alert.summary
    (ended,) = rules(RulesDiff(), opened=told).resolved
    assert ended.fingerprint == alert.fingerprint
    assert rules(RulesDiff()) == Watched()


def test_rules_that_nobody_relies_on_yet_are_no_drift_unless_one_deletes() -> None:
    assert rules(MISSING, is_set_up=False) == Watched()
    (alert,) = rules(DELETING, is_set_up=False).raised
    assert alert.severity is Severity.CRITICAL
    assert "delete data that the policy keeps" in alert.title


def test_rules_that_cannot_be_read_raise_nothing_and_end_nothing() -> None:
    assert rules(None, "AccessDenied", opened=rules(MISSING)) == Watched()


@pytest.mark.parametrize("opened", [False, True])
def test_a_run_that_is_well_ends_what_is_open_and_nothing_else(opened: bool) -> None:
    before = watch_retention(bucket="bronze", stops=("too much",), failures=(), now=NOW, opened={})
    known = by_name(before) if opened else {}
    told = watch_retention(bucket="bronze", stops=(), failures=(), now=NOW, opened=known)
    assert not told.raised
    assert [each.fingerprint for each in told.resolved] == (["retention/bronze"] if opened else [])


def test_a_stop_says_that_nothing_was_deleted_and_a_failure_names_its_key() -> None:
    failures = tuple(f"key-{number}: AccessDenied" for number in range(5))
    (stopped,) = watch_retention(bucket="bronze", stops=("6 of 9 objects",), failures=(), now=NOW, opened={}).raised
    (failed,) = watch_retention(bucket="bronze", stops=(), failures=failures, now=NOW, opened={}).raised
    assert (stopped.severity, failed.severity) == (Severity.ERROR, Severity.ERROR)
    assert stopped.summary == "Nothing was deleted. 6 of 9 objects."
    assert "--allow-deletions" in stopped.next_step
    assert failed.summary == ("key-0: AccessDenied; key-1: AccessDenied; key-2: AccessDenied and 2 more.")
    assert "--allow-deletions" not in failed.next_step
