"""The inbox as the official clients of its channels meet it: Slack's SDK, boto3, smtplib, and HTTP for PagerDuty."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path

import psutil
import pytest
import requests
from botocore.exceptions import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import DividerBlock, HeaderBlock, SectionBlock

from radar_pipeline_tests.local.inbox_harness import CREDENTIALS, Running, mail

pytestmark = pytest.mark.integration


def refused(call, *args, **kwargs) -> tuple[str, list[str]]:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return caught.value.response["error"], caught.value.response.get("response_metadata", {}).get("messages", [])


# Slack.


def test_slacks_sdk_posts_answers_in_the_thread_marks_changes_and_reads_it_back(inbox: Running):
    slack = inbox.slack()
    assert slack.auth_test()["user"] == "radar"
    blocks = [HeaderBlock(text="Radar failed"), DividerBlock(), SectionBlock(text="*store* is missing")]
    metadata = {"event_type": "radar_alert", "event_payload": {"fingerprint": "ingest/2026-11-24"}}
    posted = slack.chat_postMessage(channel="#alerts", text="Radar failed", blocks=blocks, metadata=metadata)
    channel, ts = posted["channel"], posted["ts"]
    slack.chat_postMessage(channel=channel, text="it is right again", thread_ts=ts)
    slack.reactions_add(channel=channel, name="white_check_mark", timestamp=ts)
    slack.chat_update(channel=channel, ts=ts, text="Radar recovered", blocks=blocks[:1], metadata=metadata)

    (message,) = slack.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert message["text"] == "Radar recovered"
    assert [block["type"] for block in message["blocks"]] == ["header"]
    assert message["metadata"] == metadata
    assert message["edited"]["user"] == "U0RADARBOT"
    assert [(each["name"], each["count"]) for each in message["reactions"]] == [("white_check_mark", 1)]
    assert message["reply_count"] == 1
    assert "metadata" not in slack.conversations_history(channel=channel)["messages"][0]
    thread = slack.conversations_replies(channel=channel, ts=ts)["messages"]
    assert [each["text"] for each in thread] == ["Radar recovered", "it is right again"]
    assert thread[1]["thread_ts"] == ts
    assert slack.chat_getPermalink(channel=channel, message_ts=ts)["permalink"].startswith(inbox.url)


def test_the_history_is_read_in_pages_and_from_a_moment_on(inbox: Running):
    slack = inbox.slack()
    channel = slack.chat_postMessage(channel="alerts", text="0")["channel"]
    times = [slack.chat_postMessage(channel=channel, text=str(number))["ts"] for number in range(1, 6)]
    assert len(set(times)) == 5
    pages = [page["messages"] for page in slack.conversations_history(channel=channel, limit=4)]
    assert [[each["text"] for each in page] for page in pages] == [["5", "4", "3", "2"], ["1", "0"]]
    later = slack.conversations_history(channel=channel, oldest=times[2])["messages"]
    assert [each["text"] for each in later] == ["5", "4"]
    later = slack.conversations_history(channel=channel, oldest=times[2], latest=times[3], inclusive=True)["messages"]
    assert [each["text"] for each in later] == ["4", "3"]


def test_a_form_is_understood_as_json_is(inbox: Running):
    fields = {"channel": "#alerts", "text": "hello", "blocks": '[{"type": "divider"}]', "token": "xoxb-the-token"}
    answer = requests.post(f"{inbox.url}/slack/api/chat.postMessage", data=fields, timeout=5).json()
    assert answer["ok"]
    assert answer["message"]["blocks"][0]["type"] == "divider"


def test_channels_are_listed_made_and_only_posting_knows_them_by_name(inbox: Running):
    slack = inbox.slack()
    assert {"alerts", "data-engineering"} <= {each["name"] for each in slack.conversations_list()["channels"]}
    made = slack.conversations_create(name="bi")["channel"]
    assert slack.chat_postMessage(channel="#bi", text="x")["channel"] == made["id"]
    assert refused(slack.conversations_create, name="bi") == ("name_taken", [])
    assert refused(slack.conversations_history, channel="#bi") == ("channel_not_found", [])
    assert refused(slack.chat_postMessage, channel="#nowhere", text="x") == ("channel_not_found", [])


@pytest.mark.parametrize(
    ("changed", "error", "pointer"),
    [
        ({"text": ""}, "no_text", None),
        ({"text": "x" * 40_001}, "msg_too_long", None),
        ({"channel": ""}, "invalid_arguments", "missing required field: channel"),
        ({"thread_ts": "yesterday"}, "invalid_arguments", "not a timestamp: yesterday"),
        ({"thread_ts": "1e999"}, "invalid_arguments", "not a timestamp: 1e999"),
        ({"thread_ts": "1.000001"}, "thread_not_found", None),
        ({"blocks": "[{"}, "invalid_blocks_format", None),
        (
            {"blocks": [{"type": "divider"}] * 51},
            "invalid_blocks",
            "no more than 50 items allowed [json-pointer:/blocks]",
        ),
        ({"blocks": [{"type": "diver"}]}, "invalid_blocks", "unsupported type: diver [json-pointer:/blocks/0/type]"),
        (
            {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
            "invalid_blocks",
            "must be one of the following: plain_text [json-pointer:/blocks/0/text/type]",
        ),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]},
            "invalid_blocks",
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}]},
            "invalid_blocks",
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]},
            "invalid_blocks",
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {
                "blocks": [
                    {
                        "type": "actions",
                        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}],
                    }
                ]
            },
            "invalid_blocks",
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format", None),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_slack_refuses_what_slack_refuses(inbox: Running, changed: dict, error: str, pointer: str | None):
    message = {"channel": "#alerts", "text": "x", **changed}
    code, said = refused(inbox.slack().api_call, "chat.postMessage", json=message)
    assert code == error
    assert pointer is None or said == [f"[ERROR] {pointer}"]
    assert inbox.client.messages("slack") == []


def test_a_message_at_every_limit_of_slack_is_taken(inbox: Running):
    button = {"type": "button", "text": {"type": "plain_text", "text": "x" * 75}, "url": "https://radar.local/x"}
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
        {"type": "actions", "elements": [button] * 25},
        *[{"type": "divider"}] * 45,
    ]
    assert inbox.slack().chat_postMessage(channel="#alerts", text="x" * 40_000, blocks=blocks)["ok"]


def test_slack_wants_its_token_and_knows_its_methods(inbox: Running):
    assert refused(inbox.slack("xoxb-another").auth_test) == ("invalid_auth", [])
    assert refused(inbox.slack("").auth_test) == ("not_authed", [])
    assert refused(inbox.slack().api_call, "chat.dance") == ("unknown_method", [])
    slack = inbox.slack()
    posted = slack.chat_postMessage(channel="#alerts", text="x")
    marked = {"channel": posted["channel"], "timestamp": posted["ts"], "name": "eyes"}
    slack.reactions_add(**marked)
    assert refused(slack.reactions_add, **marked) == ("already_reacted", [])
    assert refused(slack.reactions_add, **{**marked, "timestamp": "1.000001"}) == ("message_not_found", [])


# PagerDuty.


def test_an_incident_opens_once_counts_repeats_is_acknowledged_and_ends(inbox: Running):
    def listed(*statuses: str) -> list[tuple[str, str]]:
        params = {"incident_key": "ingest/2026-11-24", "statuses[]": statuses or None}
        found = inbox.pagerduty("GET", "incidents", params=params).json()["incidents"]
        return [(each["status"], each["title"]) for each in found]

    assert inbox.event(dedup_key="ingest/2026-11-24")["dedup_key"] == "ingest/2026-11-24"
    inbox.event(dedup_key="ingest/2026-11-24")
    assert listed() == listed("triggered", "acknowledged") == [("triggered", "it broke")]

    (incident,) = inbox.client.incidents()
    change = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    changed = inbox.pagerduty("PUT", f"incidents/{incident['id']}", json=change).json()["incident"]
    assert changed["acknowledgements"][0]["acknowledger"]["summary"] == "ana@radar.local"
    assert listed("triggered") == []
    assert listed("acknowledged") == [("acknowledged", "it broke")]

    inbox.event("resolve", dedup_key="ingest/2026-11-24", payload=None)
    inbox.event("acknowledge", dedup_key="ingest/2026-11-24", payload=None)
    assert listed() == [("resolved", "it broke")]
    inbox.event(dedup_key="ingest/2026-11-24")
    assert [status for status, _ in listed()] == ["triggered", "resolved"]
    assert [each["event_action"] for each in inbox.client.messages("pagerduty")] == [
        *("trigger", "trigger", "resolve", "acknowledge", "trigger"),
    ]


def test_an_event_without_a_key_gets_one_and_one_for_nobody_changes_nothing(inbox: Running):
    assert len(inbox.event()["dedup_key"]) == 32
    assert inbox.event("resolve", dedup_key="nobody", payload=None)["status"] == "success"
    assert [each["status"] for each in inbox.client.incidents()] == ["triggered"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"routing_key": ""}, "'routing_key' is missing or blank"),
        ({"routing_key": "x" * 31}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ({"routing_key": "x" * 32}, "Invalid routing key"),
        ({"event_action": "shout"}, "'event_action' is invalid (must be one of: trigger, acknowledge, resolve)"),
        ({"payload": None}, "'payload' is missing or blank"),
        ({"payload": {"source": "x", "severity": "info"}}, "'payload.summary' is missing or blank"),
        (
            {"payload": {"summary": "x", "source": "x", "severity": "fatal"}},
            "'payload.severity' is invalid (must be one of the following: critical, error, warning, info)",
        ),
        (
            {"payload": {"summary": "x" * 1025, "source": "x", "severity": "info"}},
            "'payload.summary' is too long (maximum is 1024 characters)",
        ),
        ({"event_action": "resolve"}, "'dedup_key' is missing or blank"),
        ({"dedup_key": "x" * 256}, "'dedup_key' is too long (maximum is 255 characters)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pagerduty_refuses_what_pagerduty_refuses(inbox: Running, changed: dict, problem: str):
    answer = inbox.event(**{"action": changed.pop("event_action", "trigger"), "status": 400, **changed})
    assert (answer["status"], answer["errors"]) == ("invalid event", [problem])
    assert inbox.client.incidents() == []


def test_pagerduty_wants_its_token_and_a_name_for_what_is_changed(inbox: Running):
    inbox.event()
    (incident,) = inbox.client.incidents()
    path, change = f"incidents/{incident['id']}", {"incident": {"status": "acknowledged"}}
    assert inbox.pagerduty("GET", "incidents", token="another").status_code == 401
    assert inbox.pagerduty("PUT", path, token="another", json=change).status_code == 401
    assert inbox.pagerduty("PUT", path, json=change, headers={"From": ""}).status_code == 400
    assert inbox.pagerduty("PUT", path, json={"incident": {"status": "triggered"}}).status_code == 400
    assert inbox.pagerduty("GET", "incidents/QNOBODY").status_code == 404
    assert inbox.client.incidents()[0]["status"] == "triggered"


# Mail.


def test_mail_comes_over_tls_that_the_stacks_authority_vouches_for(inbox: Running):
    with inbox.mail() as session:
        session.send_message(
            mail("São Paulo está bem", "<b>São Paulo</b>", Subject="Émile"), to_addrs=["a@b.c", "d@e.f"]
        )
    (arrived,) = inbox.client.messages("smtp")
    assert (arrived["subject"], arrived["text"]) == ("Émile", "São Paulo está bem\n")
    assert arrived["html"] == "<b>São Paulo</b>\n"
    assert (arrived["from"], arrived["to"], arrived["tls"]) == ("radar@radar.local", ["a@b.c", "d@e.f"], True)


def test_mail_is_refused_without_tls_without_trust_and_without_the_password(inbox: Running):
    with smtplib.SMTP("127.0.0.1", inbox.server.smtp_port, timeout=5) as plain:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            plain.login("radar-alerts", "the-password")
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            plain.send_message(mail())
    with smtplib.SMTP("127.0.0.1", inbox.server.smtp_port, timeout=5) as stranger:
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.starttls(context=ssl.create_default_context())
        stranger.close()
    with inbox.mail(login=None) as session:
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            session.send_message(mail())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            session.login("radar-alerts", "another")
    assert inbox.client.messages() == []


# SNS.


def test_boto3_sends_a_text_message_and_a_notification_unchanged(inbox: Running):
    sns = inbox.sns()
    answer = sns.publish(PhoneNumber="+5511999990000", Message="Radar: São Paulo & <store>")
    topic = "arn:aws:sns:us-east-2:123456789012:alerts"
    sns.publish(TopicArn=topic, Message="x", Subject="Radar")
    first, second = inbox.client.messages("sns")
    assert (first["to"], first["text"]) == ("+5511999990000", "Radar: São Paulo & <store>")
    assert first["message_id"] == answer["MessageId"]
    assert (second["to"], second["subject"]) == (topic, "Radar")


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"PhoneNumber": "11999990000"}, "InvalidParameter", "11999990000 is not valid to publish to"),
        ({"PhoneNumber": "+0511999990000"}, "InvalidParameter", "is not valid to publish to"),
        ({"PhoneNumber": "+5511999990000", "Message": ""}, "InvalidParameter", "Empty message"),
        ({"PhoneNumber": "+5511999990000", "Message": "x" * 1601}, "InvalidParameter", "at most 1600 characters"),
        ({}, "InvalidParameter", "Exactly one of"),
        ({"TopicArn": "alerts"}, "InvalidParameter", "alerts is no ARN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sns_refuses_what_sns_refuses(inbox: Running, fields: dict, code: str, said: str):
    with pytest.raises(ClientError, match=said) as caught:
        inbox.sns().publish(**{"Message": "x", **fields})
    assert caught.value.response["Error"]["Code"] == code
    assert inbox.client.messages() == []


def test_sns_wants_a_request_signed_with_the_stacks_key_and_knows_one_action(inbox: Running):
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        inbox.sns("ANOTHER").publish(PhoneNumber="+5511999990000", Message="x")
    with pytest.raises(ClientError, match="InvalidAction"):
        inbox.sns().list_topics()
    unsigned = requests.post(f"{inbox.url}/sns/", data={"Action": "Publish"}, timeout=5)
    assert (unsigned.status_code, "MissingAuthenticationToken" in unsigned.text) == (403, True)


# The whole.


def test_everything_that_arrived_is_there_after_a_kill_and_after_a_stop(inbox: Running):
    posted = inbox.slack().chat_postMessage(channel="#alerts", text="kept")
    inbox.event(dedup_key="kept")
    inbox.sns().publish(PhoneNumber="+5511999990000", Message="kept")
    with inbox.mail() as session:
        session.send_message(mail("kept"))
    before = inbox.client.messages(), inbox.client.incidents()
    assert len(before[0]) == 4
    for kill in (True, False):
        inbox.restart(kill=kill)
        assert (inbox.client.messages(), inbox.client.incidents()) == before
    inbox.slack().chat_postMessage(channel=posted["channel"], text="in the thread", thread_ts=posted["ts"])
    inbox.event("resolve", dedup_key="kept", payload=None)
    assert [each["status"] for each in inbox.client.incidents()] == ["resolved"]
    inbox.client.forget()
    assert (inbox.client.messages(), inbox.client.incidents()) == ([], [])


def test_it_listens_on_loopback_only_and_keeps_what_clients_must_show_to_itself(inbox: Running):
    process = psutil.Process(inbox.pid)
    listening = [each.laddr for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
    assert {each.ip for each in listening} == {"127.0.0.1"}
    assert {each.port for each in listening} == {inbox.server.port, inbox.server.smtp_port}
    shown = " ".join(process.cmdline()) + repr(inbox.server) + inbox.log()
    known = set(vars(CREDENTIALS).values()) - {CREDENTIALS.smtp_user, CREDENTIALS.aws_access_key_id}
    assert not [secret for secret in known if secret in shown]


def test_a_page_of_another_site_can_neither_read_it_nor_change_it(inbox: Running):
    def status(**headers: str) -> int:
        return requests.delete(f"{inbox.url}/api/messages", headers=headers, timeout=5).status_code

    port = inbox.server.port
    assert status() == status(Origin=inbox.url) == status(Host=f"localhost:{port}") == 200
    assert status(Origin="https://elsewhere.example") == 403
    assert status(Origin="null") == 403
    assert status(Origin=f"http://127.0.0.1:{port + 1}") == 403
    assert status(Host=f"radar.elsewhere.example:{port}") == 403


def test_a_thousand_messages_arrive_in_seconds(inbox: Running, tmp_path: Path):
    slack = inbox.slack()
    channel = slack.chat_postMessage(channel="#alerts", text="first")["channel"]
    for number in range(1000):
        slack.chat_postMessage(channel=channel, text=str(number))
    assert len(inbox.client.messages("slack")) == 1001
