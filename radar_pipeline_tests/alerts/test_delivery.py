"""Recording and delivering, against real servers: every step of an incident on every channel."""

import json
from pathlib import Path

from radar_pipeline.alerts.config import load_alerts_config
from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.severity import Severity
from radar_pipeline_tests.alerts.samples import INGEST, NOW, alert, later, opened, recovery
from radar_pipeline_tests.alerts.servers import NUMBER, RECIPIENT, World, config


def test_an_error_goes_to_the_alert_channel_and_to_e_mail_once_however_often_it_is_raised(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert()], [], now=NOW, positions={"runs": "17"})
        report = centre.deliver(now=NOW)
        assert report.delivered == {"slack #alerts": 1, "email": 1}
        assert (report.waiting, report.dead, report.problems) == ({}, {}, {})
        centre.record([alert()] * 5, [], now=later(minutes=10))
        assert centre.deliver(now=later(minutes=10)).delivered == {}
        assert centre.position("runs") == "17"
        assert centre.open_fingerprints() == {INGEST}
        assert centre.records(since=NOW)[0].repeats == 5
    assert [each["channel"] for each in world.messages] == ["C1"]
    assert len(world.mails) == 1
    assert world.mails[0]["To"] == RECIPIENT
    assert not world.events
    assert not world.texts


def test_a_critical_alert_pages_escalates_to_emergency_and_ends_everywhere(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        assert centre.deliver(now=NOW).delivered == {"pagerduty": 1, "slack #alerts": 1}
        assert centre.deliver(now=later(minutes=14)).delivered == {}
        assert centre.deliver(now=later(minutes=15)).delivered == {"sms …4321": 1, "pagerduty": 1, "slack #alerts": 1}
        centre.record([], [recovery("ingest/")], now=later(hours=1))
        assert centre.deliver(now=later(hours=1)).delivered == {"sms …4321": 1, "pagerduty": 1, "slack #alerts": 1}
        assert centre.open_fingerprints() == frozenset()
    assert [each["event_action"] for each in world.events] == ["trigger", "trigger", "resolve"]
    assert {each["dedup_key"] for each in world.events} == {INGEST}
    (message,) = world.roots()
    assert message["blocks"][0]["text"]["text"] == "✅ RESOLVED: The sync of 2026-11-24 failed"
    assert [each["reply_broadcast"] for each in world.replies()] == [True, False]
    assert world.reactions == [(message["ts"], "white_check_mark")]
    assert [each["PhoneNumber"] for each in world.texts] == [NUMBER, NUMBER]
    assert "EMERGENCY" in world.texts[0]["Message"]
    assert "RESOLVED" in world.texts[1]["Message"]


def test_what_somebody_took_in_pagerduty_is_not_escalated_and_slack_says_who(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        centre.deliver(now=NOW)
        world.taken[INGEST] = {"status": "acknowledged", "acknowledgements": [{"acknowledger": {"summary": "Ana"}}]}
        assert centre.deliver(now=later(minutes=20)).delivered == {"slack #alerts": 1, "pagerduty": 1}
        assert centre.deliver(now=later(hours=3)).delivered == {}
    assert "Acknowledged by Ana in PagerDuty" in world.replies()[0]["text"]
    assert [each["event_action"] for each in world.events] == ["trigger", "acknowledge"]


def test_a_silent_rest_api_of_pagerduty_does_not_keep_an_emergency_back(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        centre.deliver(now=NOW)
        world.faults["pagerduty-api"] = "error"
        report = centre.deliver(now=later(minutes=15))
        assert report.delivered["sms …4321"] == 1
        assert "HTTP 500" in report.problems["pagerduty acknowledgements"]


def test_radar_alerts_ack_takes_an_incident_in_pagerduty_too(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        centre.deliver(now=NOW)
        assert centre.acknowledge(INGEST, by="Bia", now=later(minutes=5))
        assert not centre.acknowledge(INGEST, by="Caio", now=later(minutes=6))
        assert not centre.acknowledge("another", by="Caio", now=later(minutes=6))
        centre.deliver(now=later(minutes=30))
    assert [each["event_action"] for each in world.events] == ["trigger", "acknowledge"]
    assert not world.texts


def test_a_worse_alert_and_a_new_cause_update_the_one_message(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert()], [], now=NOW)
        centre.deliver(now=NOW)
        centre.record([alert(cause="The disk is full.")], [], now=later(minutes=1))
        centre.deliver(now=later(minutes=1))
        centre.record([alert(Severity.CRITICAL, cause="The disk is full.")], [], now=later(minutes=2))
        centre.deliver(now=later(minutes=2))
    (message,) = world.roots()
    assert message["blocks"][0]["text"]["text"].startswith("🔴 CRITICAL")
    assert len(world.replies()) == 2
    assert [each["event_action"] for each in world.events] == ["trigger"]
    assert [str(each["Subject"]).split(":")[1].strip() for each in world.mails] == ["ERROR", "ERROR", "CRITICAL"]
    assert {str(each["In-Reply-To"]) for each in world.mails[1:]} == {world.mail_ids()[0]}
    assert len(set(world.mail_ids())) == 3


def test_a_raise_after_the_end_opens_anew(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert()], [], now=NOW)
        centre.record([], [recovery(at=later(minutes=5))], now=later(minutes=5))
        centre.record([alert(since=later(minutes=9))], [], now=later(minutes=10))
        centre.deliver(now=later(minutes=10))
        newest, oldest = centre.records(since=NOW)
        assert newest.ended is None
        assert oldest.ended is not None
    assert len(world.roots()) == 2
    assert len(set(world.mail_ids())) == len(world.mails) == 3


def test_failure_and_recovery_read_in_one_go_end_as_they_ended(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert()], [recovery(at=later(minutes=20))], now=later(hours=9))
        assert centre.open_fingerprints() == frozenset()
        centre.record([alert(since=later(minutes=40))], [recovery(at=later(minutes=20))], now=later(hours=10))
        assert centre.open_fingerprints() == {INGEST}


def test_the_day_complete_is_one_quiet_message_and_never_open(tmp_path: Path, world: World):
    done = alert(
        Severity.INFO,
        "day_complete/2026-11-24",
        kind=AlertKind.DAY_COMPLETE,
        title="2026-11-24 is complete",
        tables=(),
        numbers={"tables": "85 of 85", "rows": "1,234,567 (+0.4 % against yesterday)"},
    )
    with opened(tmp_path, config(world)) as centre:
        for minute in range(3):
            centre.record([done], [], now=later(minutes=minute))
            centre.deliver(now=later(minutes=minute))
        centre.record([], [recovery(done.fingerprint)], now=later(hours=2))
        centre.deliver(now=later(hours=2))
        assert centre.open_fingerprints() == frozenset()
    (message,) = world.messages
    assert message["channel"] == "C2"
    assert "85 of 85" in json.dumps(message["blocks"])
    assert not world.mails


def test_a_silence_counts_and_tells_nothing_until_it_is_over(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.silence("sync_failed", until=later(hours=1), by="Ana", why="known", now=NOW)
        assert [each.what for each in centre.silences(now=NOW)] == ["sync_failed"]
        centre.record([alert()], [], now=NOW)
        assert centre.records(since=NOW, now=NOW)[0].silenced_until == later(hours=1)
        assert centre.deliver(now=NOW).delivered == {}
        centre.record([alert()], [], now=later(hours=2))
        assert centre.deliver(now=later(hours=2)).delivered == {"slack #alerts": 1, "email": 1}
        assert centre.records(since=NOW)[0].repeats == 1
        centre.silence("sync_failed", until=later(days=1), by="Ana", why="", now=later(hours=2))
        centre.silence("sync_failed", until=NOW, by="Ana", why="", now=later(hours=2))
        assert centre.silences(now=later(hours=2)) == ()


def test_what_ended_in_silence_ends_in_silence(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.silence("ingest/", until=later(hours=9), by="Ana", why="", now=NOW)
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        centre.record([], [recovery()], now=later(hours=1))
        centre.deliver(now=later(hours=1))
    assert not world.calls


def test_a_severity_without_its_channel_goes_to_another_and_that_is_said_once(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack")) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        report = centre.deliver(now=NOW)
        assert report.delivered == {"slack #alerts": 1}
        assert report.problems == {
            "routes": "CRITICAL is to go to pagerduty, which is not configured: it goes to slack #alerts"
        }
        centre.record([alert(Severity.CRITICAL, "another")], [], now=NOW)
        assert centre.deliver(now=NOW).problems == {}
        assert len(centre.gaps()) == 3
    with opened(tmp_path / "mail", config(world, "email")) as centre:
        centre.record([alert(Severity.WARNING)], [], now=NOW)
        assert centre.deliver(now=NOW).delivered == {"email": 1}


def test_with_no_channel_at_all_alerts_are_dead_letters_that_can_be_sent_later(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "none")) as centre:
        centre.record([alert()], [], now=NOW)
        report = centre.deliver(now=NOW)
        assert report.delivered == {}
        assert "dead letters" in report.problems["routes"]
        (letter,) = centre.dead_letters()
        assert letter.channel == "nowhere"
        assert centre.resend(now=NOW).delivered == {}
        assert len(centre.dead_letters()) == 1
    with opened(tmp_path, config(world)) as centre:
        assert centre.resend(now=later(hours=1)).delivered == {"slack #alerts": 1, "email": 1}
        assert not centre.dead_letters()


def test_owners_and_areas_of_affected_tables_hear_too(tmp_path: Path, world: World):
    routes = tmp_path / "alerts.yaml"
    routes.write_text(
        "owners:\n  team:product-catalog: {from: ERROR, to: 'slack #products'}\n"
        "areas:\n  stores: {from: CRITICAL, to: email stores@farma.example}\n"
    )
    with opened(tmp_path, config(world), config=load_alerts_config(routes)) as centre:
        centre.record([alert()], [], now=NOW)
        assert set(centre.deliver(now=NOW).delivered) == {"slack #alerts", "email", "slack #products"}
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        assert "email stores@farma.example" in centre.deliver(now=NOW).delivered


def test_a_test_message_goes_through_each_channel_and_leaves_no_trace(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        world.refusals["rcpt"] = "550 nobody here"
        results = {each.channel: each for each in centre.test(now=NOW)}
        assert set(results) == {"slack #data-engineering", "slack #alerts", "pagerduty", "email", "sms …4321"}
        assert results["slack #alerts"].words == "found there"
        assert [each.channel for each in results.values() if not each.arrived] == ["email"]
        assert "RADAR_ALERT_EMAIL_TO" in results["email"].words
        assert centre.records(since=NOW) == ()
    assert [each["event_action"] for each in world.events] == ["trigger", "resolve"]


def test_incidents_are_forgotten_after_their_time(tmp_path: Path, world: World):
    with opened(tmp_path, config(world)) as centre:
        centre.record([alert(), alert(fingerprint="open/one")], [], now=NOW)
        centre.record([], [recovery()], now=later(hours=1))
        centre.deliver(now=later(hours=1))
        centre.deliver(now=later(days=399))
        assert len(centre.records(since=NOW)) == 2
        centre.deliver(now=later(days=402))
        (left,) = centre.records(since=NOW)
        assert left.alert.fingerprint == "open/one"
        assert left.deliveries


def test_a_message_that_somebody_deleted_in_slack_is_told_anew(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack")) as centre:
        centre.record([alert()], [], now=NOW)
        centre.deliver(now=NOW)
        world.messages.clear()
        world.refusals["thread"] = "thread_not_found"
        centre.record([alert(cause="Another.")], [], now=NOW)
        assert centre.deliver(now=NOW).delivered == {"slack #alerts": 1}
    (message,) = world.roots()
    assert "Another." in json.dumps(message["blocks"])


def test_blocks_that_slack_refuses_are_sent_as_plain_text(tmp_path: Path, world: World):
    world.refusals["blocks"] = "invalid_blocks"
    with opened(tmp_path, config(world, "slack")) as centre:
        centre.record([alert()], [], now=NOW)
        assert centre.deliver(now=NOW).delivered == {"slack #alerts": 1}
    assert world.messages[0]["text"].startswith("ERROR: The sync of 2026-11-24 failed")
