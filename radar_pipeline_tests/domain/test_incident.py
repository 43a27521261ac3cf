"""The life of an incident: properties over any history, and the cases that matter one by one."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.alert import Alert, AlertKind, Resolution
from radar_pipeline.domain.incident import (
    CAUSES_TOLD_AT_MOST,
    Incident,
    Message,
    Silence,
    Step,
    acknowledge,
    escalate,
    raise_alert,
    resolve,
)
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds

NOW = dt.datetime(2026, 11, 24, 2, tzinfo=dt.UTC)
THRESHOLDS = Thresholds()


def alert(severity: Severity, cause: str = "", since: dt.datetime = NOW) -> Alert:
    return Alert("ingest/2026-11-24", AlertKind.SYNC_FAILED, severity, "It failed", "", since, cause=cause)


ACTIONS = st.tuples(
    st.sampled_from(["raise", "raise", "raise", "resolve", "acknowledge", "escalate"]),
    st.sampled_from([each for each in Severity if each is not Severity.INFO]),
    st.sampled_from(["", "disk", "network"]),
    st.integers(min_value=0, max_value=40),
    st.booleans(),
)
HISTORIES = st.lists(ACTIONS, max_size=40)


def play(history: list[tuple[str, Severity, str, int, bool]]) -> list[tuple[Incident, Message | None, str, bool]]:
    """Plays a history; each entry is the incident after an action, what was told, the action, and whether silenced."""
    seen: list[tuple[Incident, Message | None, str, bool]] = []
    incident: Incident | None = None
    now = NOW
    for action, severity, cause, minutes, silenced in history:
        now += dt.timedelta(minutes=minutes)
        message = None
        if action == "raise":
            found = alert(severity, cause, now)
            incident, message = raise_alert(incident, found, now=now, thresholds=THRESHOLDS, silenced=silenced)
        elif incident is None:
            continue
        elif action == "resolve":
            incident, message = resolve(incident, Resolution("ingest/2026-11-24", now, "fine"), now=now)
        elif action == "acknowledge":
            incident, message = acknowledge(incident, "Ana", now=now)
        else:
            incident, message = escalate(incident, now=now, thresholds=THRESHOLDS, silenced=silenced)
        seen.append((incident, message, action, silenced))
    return seen


@given(HISTORIES)
def test_messages_of_an_incident_are_numbered_without_a_gap(history):
    by_incident: dict[int, list[int]] = {}
    number = 0
    for incident, message, action, _ in play(history):
        number += action == "raise" and incident.raised == 1
        if message:
            by_incident.setdefault(number, []).append(message.sequence)
    for numbers in by_incident.values():
        assert numbers == list(range(1, len(numbers) + 1))


@given(HISTORIES)
def test_an_end_is_told_exactly_where_something_was_told(history):
    told = False
    for incident, message, action, _ in play(history):
        if action == "raise" and incident.raised == 1:
            told = False
        if message and message.step is Step.RESOLVED:
            assert told
            assert not incident.is_open
        told = told or message is not None
        if action == "resolve" and message is None and incident.sequence:
            assert incident.ended_at is not None


@given(HISTORIES)
def test_severity_never_falls_within_an_incident_and_the_count_is_right(history):
    before: Incident | None = None
    for incident, _, action, _ in play(history):
        if before is not None and incident.opened_at == before.opened_at and incident.raised > 1:
            assert incident.alert.severity >= before.alert.severity
            assert incident.raised - before.raised == (action == "raise")
        before = incident


@given(HISTORIES)
def test_nothing_is_told_of_raises_and_escalations_in_silence(history):
    for _, message, action, silenced in play(history):
        if silenced and action in {"raise", "escalate"}:
            assert message is None


@given(HISTORIES)
def test_a_plain_repeat_is_told_only_after_its_time_and_never_once_somebody_took_it(history):
    last: Message | None = None
    for incident, message, _, _ in play(history):
        if message and message.step is Step.REPEATED:
            assert last is not None
            assert incident.acknowledged_at is None
            assert message.at - last.at >= THRESHOLDS.repeat
        if message and message.step in {Step.RAISED, Step.UPDATED, Step.REPEATED, Step.ESCALATED}:
            last = message


@given(HISTORIES)
def test_only_a_critical_incident_that_was_told_and_not_taken_becomes_an_emergency(history):
    before: Incident | None = None
    for incident, message, _, _ in play(history):
        if message and message.step is Step.ESCALATED:
            assert before is not None
            assert before.is_open
            assert before.alert.severity is Severity.CRITICAL
            assert before.acknowledged_at is None
            assert before.urgent_since is not None
            assert message.at - before.urgent_since >= THRESHOLDS.acknowledge
            assert incident.alert.severity is Severity.EMERGENCY
        before = incident


@given(HISTORIES)
def test_what_is_open_after_a_silence_has_been_told_as_gravely_as_it_is(history):
    told = None
    for incident, message, action, silenced in play(history):
        if action == "raise" and incident.raised == 1:
            told = None
        if message and message.step not in {Step.RESOLVED, Step.ACKNOWLEDGED}:
            told = message.alert.severity
        if action == "escalate" and not silenced and incident.is_open and incident.acknowledged_at is None:
            assert told is incident.alert.severity


def test_what_began_in_silence_and_is_never_raised_again_is_told_after_it():
    """So it is with all that goes on and on: a daemon that is silent, a day that is late."""
    incident, message = raise_alert(None, alert(Severity.CRITICAL), now=NOW, thresholds=THRESHOLDS, silenced=True)
    assert message is None
    assert escalate(incident, now=NOW, thresholds=THRESHOLDS, silenced=True) == (incident, None)
    after = NOW + dt.timedelta(hours=1)
    incident, message = escalate(incident, now=after, thresholds=THRESHOLDS)
    assert message is not None
    assert message.step is Step.RAISED
    _, message = escalate(incident, now=after + THRESHOLDS.acknowledge, thresholds=THRESHOLDS)
    assert message is not None
    assert message.step is Step.ESCALATED


def test_what_got_worse_in_silence_is_told_after_it():
    incident, _ = raise_alert(None, alert(Severity.WARNING), now=NOW, thresholds=THRESHOLDS)
    incident, message = raise_alert(incident, alert(Severity.CRITICAL), now=NOW, thresholds=THRESHOLDS, silenced=True)
    assert message is None
    _, message = escalate(incident, now=NOW, thresholds=THRESHOLDS)
    assert message is not None
    assert (message.step, message.alert.severity) == (Step.UPDATED, Severity.CRITICAL)


def test_causes_whose_words_never_repeat_stop_being_told():
    incident, steps = None, []
    for number in range(3 * CAUSES_TOLD_AT_MOST):
        incident, message = raise_alert(
            incident, alert(Severity.ERROR, f"cause {number}"), now=NOW, thresholds=THRESHOLDS
        )
        steps += [message.step] if message else []
    assert len(steps) == CAUSES_TOLD_AT_MOST


def test_an_incident_that_gets_worse_is_nobodys_again():
    incident, _ = raise_alert(None, alert(Severity.ERROR), now=NOW, thresholds=THRESHOLDS)
    incident, _ = acknowledge(incident, "Ana", now=NOW)
    incident, message = raise_alert(incident, alert(Severity.CRITICAL), now=NOW, thresholds=THRESHOLDS)
    assert message is not None
    assert message.step is Step.UPDATED
    assert incident.acknowledged_at is None
    _, escalated = escalate(incident, now=NOW + THRESHOLDS.acknowledge, thresholds=THRESHOLDS)
    assert escalated is not None


def test_since_when_is_the_first_time_and_a_recovery_before_the_last_raise_is_no_end():
    incident, _ = raise_alert(None, alert(Severity.ERROR), now=NOW, thresholds=THRESHOLDS)
    later = NOW + dt.timedelta(hours=1)
    incident, _ = raise_alert(incident, alert(Severity.ERROR, since=later), now=later, thresholds=THRESHOLDS)
    assert incident.alert.since == NOW
    early = Resolution("ingest/2026-11-24", NOW + dt.timedelta(minutes=30), "fine")
    assert resolve(incident, early, now=later) == (incident, None)
    ended, message = resolve(incident, replace(early, at=later), now=later)
    assert not ended.is_open
    assert message is not None


def test_information_is_told_once_and_again_only_where_it_says_something_else():
    done = Alert("day/1", AlertKind.DAY_COMPLETE, Severity.INFO, "Complete", "", NOW, numbers={"rows": "10"})
    incident, message = raise_alert(None, done, now=NOW, thresholds=THRESHOLDS)
    assert message is not None
    assert message.step is Step.TOLD
    assert not incident.is_open
    again, message = raise_alert(incident, done, now=NOW, thresholds=THRESHOLDS)
    assert (again.raised, message) == (2, None)
    other, message = raise_alert(again, replace(done, numbers={"rows": "11"}), now=NOW, thresholds=THRESHOLDS)
    assert (other.raised, message is not None) == (1, True)


@pytest.mark.parametrize(
    ("what", "covered"),
    [
        ("ingest/2026-11-24", True),
        ("ingest/", True),
        ("sync_failed", True),
        ("ingest", False),
        ("ingest/2026-11-2", False),
        ("volume_anomaly", False),
    ],
)
def test_a_silence_covers_a_fingerprint_a_beginning_or_a_kind(what: str, covered: bool):
    silence = Silence(what, NOW + dt.timedelta(hours=1), "Ana", "")
    assert silence.covers(alert(Severity.ERROR), NOW) is covered
    assert not silence.covers(alert(Severity.ERROR), NOW + dt.timedelta(hours=1))
