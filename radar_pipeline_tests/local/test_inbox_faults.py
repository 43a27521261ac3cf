"""Channels that fail on demand: what a client meets, and what has arrived all the same."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.inbox.faults import CATALOGUE, CHANNELS, Faults, Mode
from radar_pipeline_tests.local.inbox_harness import Running, mail, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("inbox")) as inbox:
        yield inbox


@pytest.fixture
def inbox(shared: Running) -> Iterator[Running]:
    shared.client.clear_faults()
    shared.client.forget()
    yield shared
    shared.client.clear_faults()
    # Whatever failed was meant to: nothing of it is an error of the inbox itself.
    assert "Traceback" not in shared.log()


def by_slack(inbox: Running) -> None:
    inbox.slack().chat_postMessage(channel="#alerts", text="x")


def by_pagerduty(inbox: Running) -> None:
    body = {"payload": {"summary": "x", "source": "x", "severity": "info"}, "event_action": "trigger"}
    key = inbox.server.credentials.pagerduty_routing_key
    url = f"{inbox.url}/pagerduty/v2/enqueue"
    requests.post(url, json={**body, "routing_key": key}, timeout=5).raise_for_status()


def by_smtp(inbox: Running) -> None:
    with inbox.mail() as session:
        session.send_message(mail())


def by_sns(inbox: Running) -> None:
    inbox.sns().publish(PhoneNumber="+5511999990000", Message="x")


SENDERS: dict[str, Callable[[Running], None]] = {
    "slack": by_slack,
    "pagerduty": by_pagerduty,
    "smtp": by_smtp,
    "sns": by_sns,
}
FAILURES = (OSError, SlackApiError, requests.RequestException, smtplib.SMTPException, ClientError, BotoCoreError)


@pytest.mark.integration
@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.HANG])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_fails_as_often_as_was_asked_and_then_works(inbox: Running, channel: str, mode: Mode):
    inbox.client.switch_on(channel, mode, times=2)
    for _ in range(2):
        with pytest.raises(FAILURES):
            SENDERS[channel](inbox)
    assert inbox.client.faults() == []
    SENDERS[channel](inbox)
    # What was accepted before the connection was cut has arrived, although nobody was told so.
    assert len(inbox.client.messages(channel)) == (3 if mode is Mode.ACCEPT_THEN_DROP else 1)


@pytest.mark.integration
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_that_hangs_answers_nothing_until_the_client_gives_up(inbox: Running, channel: str):
    def ask() -> None:
        if channel == "smtp":
            smtplib.SMTP("127.0.0.1", inbox.server.smtp_port, timeout=0.5)
        path = {"slack": "slack/api/auth.test", "pagerduty": "pagerduty/v2/enqueue", "sns": "sns/"}[channel]
        requests.post(f"{inbox.url}/{path}", timeout=0.5)

    inbox.client.switch_on(channel, "hang", times=1)
    begin = time.monotonic()
    with pytest.raises((smtplib.SMTPServerDisconnected, requests.ReadTimeout)):
        ask()
    assert time.monotonic() - begin >= 0.5
    SENDERS[channel](inbox)


@pytest.mark.integration
def test_a_fault_of_one_channel_leaves_the_others_alone_and_ends_by_itself(inbox: Running):
    inbox.client.switch_on("slack", "down", seconds=0.5)
    with pytest.raises(FAILURES):
        by_slack(inbox)
    for channel in ("pagerduty", "smtp", "sns"):
        SENDERS[channel](inbox)
    (fault,) = inbox.client.faults()
    assert (fault["name"], fault["times"]) == ("slack-down", None)
    assert 0 < fault["seconds"] <= 0.5
    time.sleep(0.5)
    by_slack(inbox)


@pytest.mark.integration
def test_rate_limits_say_when_to_come_again(inbox: Running):
    inbox.client.switch_on("slack", "rate-limit", times=1, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        by_slack(inbox)
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    inbox.client.switch_on("pagerduty", "rate-limit", times=1, retry_after=7)
    answer = inbox.pagerduty("GET", "incidents")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    inbox.client.switch_on("smtp", "rate-limit", times=1, retry_after=7)
    with pytest.raises(smtplib.SMTPSenderRefused, match="again in 7 seconds") as refused:
        by_smtp(inbox)
    assert refused.value.smtp_code == 450


@pytest.mark.integration
def test_what_only_asks_is_not_what_is_accepted_and_dropped(inbox: Running):
    for channel in ("slack", "pagerduty"):
        inbox.client.switch_on(channel, "accept-then-drop", times=1)
    slack = inbox.slack()
    assert slack.auth_test()["ok"]
    assert slack.conversations_list()["ok"]
    assert inbox.pagerduty("GET", "incidents").status_code == 200
    assert len(inbox.client.faults()) == 2


@pytest.mark.integration
def test_faults_end_with_the_inbox_and_one_that_is_away_has_none(inbox: Running):
    inbox.client.switch_on("smtp", "down")
    inbox.restart(kill=True)
    assert inbox.client.faults() == []
    with pytest.raises(LocalStackError, match="channel is one of slack, pagerduty, smtp, sns"):
        inbox.client.switch_on("fax", "down")


@pytest.mark.parametrize(
    "document",
    [
        {"channel": "fax", "mode": "down"},
        {"channel": "slack", "mode": "sulk"},
        {"channel": "slack", "mode": "down", "times": 0},
        {"channel": "slack", "mode": "down", "times": 1.5},
        {"channel": "slack", "mode": "down", "seconds": -1},
        {"channel": "slack", "mode": "down", "seconds": True},
        {"channel": "slack", "mode": "down", "seconds": "abc"},
        {"channel": "slack", "mode": "down", "seconds": float("inf")},
        {"channel": "slack", "mode": "down", "seconds": float("nan")},
        {"channel": "slack", "mode": "down", "table": "store"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(document: dict):
    faults = Faults()
    with pytest.raises(ValueError, match="; "):
        faults.switch_on(document)
    assert faults.active() == ()


@given(st.integers(1, 5), st.lists(st.sampled_from(CHANNELS), max_size=20))
def test_a_fault_spoils_exactly_as_many_requests_of_its_channel_as_it_was_given(times: int, requested: list[str]):
    faults = Faults()
    faults.switch_on({"channel": "slack", "mode": "down", "times": times})
    spoiled = [channel for channel in requested if faults.take(channel)]
    assert spoiled == ["slack"] * min(times, requested.count("slack"))


def test_every_channel_can_fail_in_every_way_by_a_name():
    assert {(each.channel, each.mode) for each in CATALOGUE.values()} == {(c, m) for c in CHANNELS for m in Mode}
    assert {"slack-down", "pagerduty-down", "smtp-down", "sns-down", "slack-rate-limited"} <= set(CATALOGUE)
