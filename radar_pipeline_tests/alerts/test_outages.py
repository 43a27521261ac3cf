"""Channels that are down, slow or refuse, and come back: nothing is lost, the others are not held up and are told."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from radar_pipeline.alerts.channels.config import ChannelsConfig
from radar_pipeline.domain.severity import Severity
from radar_pipeline.local.ports import free_port
from radar_pipeline_tests.alerts.samples import INGEST, NOW, alert, later, opened, recovery
from radar_pipeline_tests.alerts.servers import World, config

PLACES = {"slack": "slack #alerts", "pagerduty": "pagerduty", "email": "email", "sms": "sms …4321"}


def fingerprints(world: World, medium: str) -> list[str]:
    """Alerts of the test that a medium was told of; those about channels left out."""
    found = {
        "slack": [each["metadata"]["event_payload"]["fingerprint"] for each in world.roots()],
        "pagerduty": [each["dedup_key"] for each in world.events],
        "email": [each.get_body(("plain",)).get_content().splitlines()[-1].split(":")[0] for each in world.mails],
        "sms": [INGEST for _ in world.texts],
    }[medium]
    return [each for each in found if not each.startswith("channel/")]


@pytest.mark.parametrize("fault", ["error", "limit"])
@pytest.mark.parametrize("medium", ["slack", "pagerduty", "email", "sms"])
def test_a_channel_that_is_down_for_an_hour_gets_everything_when_it_is_back(
    tmp_path: Path, world: World, medium: str, fault: str
):
    with opened(tmp_path, config(world)) as centre:
        world.faults[medium] = fault
        centre.record([alert(Severity.EMERGENCY), alert(Severity.ERROR, "another/one")], [], now=NOW)
        others = centre.deliver(now=NOW)
        assert PLACES[medium] not in others.delivered
        assert len(others.delivered) == 3
        assert others.problems
        for minute in range(1, 60):
            centre.deliver(now=later(minutes=minute))
        world.faults.clear()
        waited = centre.deliver(now=later(minutes=63)).waiting
        assert waited == {}
        assert f"channel/{medium}" not in centre.open_fingerprints()
        assert not centre.dead_letters()
        mine = [each.deliveries.get(PLACES[medium]) for each in centre.records(since=NOW)]
        assert set(mine) == {"delivered", None}
    told = {"slack": ["another/one", INGEST], "email": ["another/one"], "pagerduty": [INGEST], "sms": [INGEST]}
    assert sorted(fingerprints(world, medium)) == told[medium]


def test_another_channel_is_told_after_a_while_once_and_when_it_is_over(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack", "email")) as centre:
        world.faults["slack"] = "error"
        centre.record([alert(Severity.WARNING)], [], now=NOW)
        for minute in (0, 5, 10, 14):
            centre.deliver(now=later(minutes=minute))
        assert not world.mails
        for minute in (20, 26, 32, 38, 44):
            centre.deliver(now=later(minutes=minute))
        (mail,) = world.mails
        assert mail["Subject"] == "Radar: ERROR: Alerts do not reach Slack"
        assert "HTTP 500" in mail.get_body(("plain",)).get_content()
        world.faults.clear()
        centre.deliver(now=later(minutes=55))
        centre.deliver(now=later(minutes=56))
        assert [str(each["Subject"]).split(":")[1] for each in world.mails] == [" ERROR", " RESOLVED"]
        assert "channel/slack" not in centre.open_fingerprints()
    assert len(world.roots()) == 1


def test_a_channel_that_never_comes_back_ends_in_dead_letters_that_can_be_sent_again(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack", "email")) as centre:
        world.faults["slack"] = "error"
        centre.record([alert()], [], now=NOW)
        for hour in range(24):
            report = centre.deliver(now=later(hours=hour))
            assert report.dead == {}
        centre.record([], [recovery()], now=later(hours=23))
        assert centre.deliver(now=later(hours=25)).dead == {"slack #alerts": 1}
        (line,) = (tmp_path / "dead-letters.jsonl").read_text().splitlines()
        letter = json.loads(line)
        assert letter["channel"] == "slack #alerts"
        assert letter["message"] == "ERROR: The sync of 2026-11-24 failed"
        assert "HTTP 500" in letter["why"]
        # Its end waits too, and is moot: nobody there heard of the beginning.
        world.faults.clear()
        centre.deliver(now=later(hours=26))
        assert not world.messages
        (dead,) = centre.dead_letters()
        world.faults["slack"] = "error"
        assert "slack #alerts" not in centre.resend(now=later(hours=27)).delivered
        assert len((tmp_path / "dead-letters.jsonl").read_text().splitlines()) == len(centre.dead_letters()) == 1
        world.faults.clear()
        assert centre.resend(numbers=[dead.number + 99], now=later(hours=28)).delivered == {}
        assert centre.resend(numbers=[dead.number], now=later(hours=28)).delivered == {"slack #alerts": 2, "email": 1}
        assert (tmp_path / "dead-letters.jsonl").read_text() == ""
    assert [str(each["Subject"]) for each in world.mails][-1] == "Radar: RESOLVED: Alerts do not reach Slack"
    assert "RESOLVED" in world.roots()[0]["blocks"][0]["text"]["text"]


def test_a_refusal_is_a_dead_letter_at_once_and_another_channel_says_what_to_do(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack", "email")) as centre:
        world.refusals["#data-engineering"] = "not_in_channel"
        centre.record([alert(Severity.WARNING)], [], now=NOW)
        report = centre.deliver(now=NOW)
        assert report.dead == {"slack #data-engineering": 1}
        assert report.delivered == {"slack #alerts": 1, "email": 1}
        assert "invite it" in report.problems["slack #data-engineering"]
        assert "invite it" in world.mails[0].get_body(("plain",)).get_content()
        world.refusals.clear()
        assert centre.resend(now=later(minutes=9)).delivered["slack #data-engineering"] == 1
        assert centre.open_fingerprints() == {INGEST}
    assert len(world.mails) == 2


def test_where_every_channel_is_down_nothing_goes_round_in_circles(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack", "email")) as centre:
        world.faults.update(slack="error", email="error")
        centre.record([alert()], [], now=NOW)
        for minute in range(0, 26 * 60, 10):
            centre.deliver(now=later(minutes=minute))
        letters = centre.dead_letters()
        assert [each.channel for each in letters if each.fingerprint == INGEST] == ["slack #alerts", "email"]
        assert centre.open_fingerprints() == {INGEST, "channel/slack", "channel/email"}


@pytest.mark.parametrize("medium", ["slack", "pagerduty", "email", "sms"])
def test_a_channel_that_hangs_holds_up_neither_the_others_nor_the_tick(tmp_path: Path, world: World, medium: str):
    slow = config(world, timeout=1.0)
    with opened(tmp_path, slow) as centre:
        world.faults[medium] = "hang"
        centre.record([alert(Severity.EMERGENCY), alert(fingerprint="another/one")], [], now=NOW)
        begin = time.monotonic()
        report = centre.deliver(now=NOW, seconds=10)
        assert time.monotonic() - begin < 8
        assert set(report.delivered) == set(PLACES.values()) - {PLACES[medium]}
        assert set(report.waiting) == {PLACES[medium]}
        world.faults.clear()
        assert set(centre.deliver(now=later(minutes=1)).delivered) == {PLACES[medium]}


@pytest.mark.parametrize("medium", ["slack", "pagerduty", "email"])
def test_a_lost_answer_is_not_heard_twice(tmp_path: Path, world: World, medium: str):
    with opened(tmp_path, config(world, medium)) as centre:
        world.faults[medium] = "lost"
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
        assert centre.deliver(now=NOW).delivered == {}
        world.faults.clear()
        assert len(centre.deliver(now=later(minutes=1)).delivered) == 1
    assert len(world.messages) + len({each["dedup_key"] for each in world.events}) + len(set(world.mail_ids())) == 1


def test_nothing_listens_and_later_it_does(tmp_path: Path, world: World):
    away = f"http://127.0.0.1:{free_port()}"
    channels = config(replace(world, url=away, smtp_port=free_port()))
    with opened(tmp_path, channels) as centre:
        centre.record([alert(Severity.EMERGENCY), alert(fingerprint="a/b")], [], now=NOW)
        report = centre.deliver(now=NOW)
        assert report.delivered == {}
        assert sum(report.waiting.values()) == 5
        assert set(report.problems) == {"slack", "pagerduty", "email", "sms"}
    with opened(tmp_path, config(world)) as centre:
        assert sum(centre.deliver(now=later(minutes=1)).delivered.values()) == 5


def test_a_message_that_a_channel_chokes_on_does_not_hold_up_the_next(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "pagerduty")) as centre:
        world.faults["pagerduty"] = "error"
        centre.record([alert(Severity.CRITICAL, "first")], [], now=NOW)
        centre.deliver(now=NOW)
        centre.record([alert(Severity.CRITICAL, "second")], [], now=later(minutes=1))
        world.faults.clear()
        centre.deliver(now=later(minutes=1))
    assert [each["dedup_key"] for each in world.events] == ["second", "first"]


def test_retry_after_is_kept_and_the_rest_goes_on_after_it(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack")) as centre:
        world.faults["slack"] = "limit"
        centre.record([alert()], [], now=NOW)
        centre.deliver(now=NOW)
        calls = len(world.calls)
        world.faults.clear()
        assert centre.deliver(now=later(seconds=1)).delivered == {}
        assert len(world.calls) == calls
        assert centre.deliver(now=later(seconds=8)).delivered == {"slack #alerts": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong-password"}, "RADAR_SMTP_USER"),
        ({"ca_file": None}, "RADAR_SMTP_CA_FILE"),
        ({"recipients": ()}, "RADAR_ALERT_EMAIL_TO"),
        ({"ca_file": Path(__file__)}, "RADAR_SMTP_CA_FILE"),
    ],
)
def test_what_is_wrong_with_e_mail_is_named(tmp_path: Path, world: World, change: dict, words: str):
    channels = config(world, "email")
    assert channels.email is not None
    wrong = ChannelsConfig(email=replace(channels.email, **change))
    with opened(tmp_path, wrong) as centre:
        centre.record([alert()], [], now=NOW)
        report = centre.deliver(now=NOW)
        assert report.dead == {"email": 1}
        assert words in report.problems["email"]
        assert "wrong-password" not in report.problems["email"]


def test_what_is_wrong_with_pagerduty_and_sms_is_named(tmp_path: Path, world: World):
    channels = config(world, "pagerduty", "sms")
    assert channels.pagerduty is not None
    world.refusals["sms"] = "AuthorizationError"
    with opened(
        tmp_path, replace(channels, pagerduty=replace(channels.pagerduty, routing_key="no-such-key"))
    ) as centre:
        centre.record([alert(Severity.EMERGENCY)], [], now=NOW)
        problems = centre.deliver(now=NOW).problems
        assert "RADAR_PAGERDUTY_ROUTING_KEY" in problems["pagerduty"]
        assert "sns:Publish" in problems["sms …4321"]
