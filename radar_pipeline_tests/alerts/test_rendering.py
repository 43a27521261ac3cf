"""How messages read: within every limit, whatever an alert holds, and never with what must not show."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radar_pipeline.alerts.channels.config import ChannelsConfig
from radar_pipeline.alerts.render import mail, pagerduty, slack, sms
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.domain.severity import Severity
from radar_pipeline_tests.alerts.hidden import CREDENTIALS, PERSONAL
from radar_pipeline_tests.alerts.samples import NOW, alert, opened

PLAIN = Presentation()
LONG = st.one_of(st.text(max_size=60), st.text(alphabet="&<>x*|é🟢 ", min_size=300, max_size=400).map(lambda t: t * 10))
TABLE = st.builds(
    AffectedTable,
    name=LONG,
    critical=st.booleans(),
    reason=LONG,
    rows_found=st.none() | st.integers(0, 10**15),
    rows_expected=st.none() | st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    url=st.sampled_from(["", "http://ui/a|b>c", "http://ui/t", "javascript:alert(1)"]),
)
ALERTS = st.builds(
    Alert,
    fingerprint=st.text(min_size=1, max_size=400),
    kind=st.sampled_from(AlertKind),
    severity=st.sampled_from(Severity),
    title=LONG,
    summary=LONG,
    since=st.just(NOW),
    day=st.none() | st.just(dt.date(2026, 11, 24)),
    tables=st.lists(TABLE, max_size=4).flatmap(lambda few: st.sampled_from([tuple(few), tuple(few) * 300])),
    cause=LONG,
    next_step=LONG,
    links=st.lists(
        st.builds(Link, LONG, st.sampled_from(["http://x/" + "y" * 5000, "http://x/?a=1&b=<2>", "nothing"]))
    ).map(lambda few: tuple(few) * 5),
    attempt=LONG,
    follows=st.lists(LONG, max_size=4).map(lambda few: tuple(few) * 30),
    numbers=st.dictionaries(LONG, LONG, max_size=60),
)
MESSAGES = st.builds(
    Message, st.sampled_from(Step), ALERTS, st.just(NOW), st.integers(1, 9), st.just(NOW), st.integers(1, 10**6), LONG
)


def texts_of(block: dict[str, Any]) -> list[tuple[str, int]]:
    """Every text of a block with its limit."""
    if block["type"] == "header":
        return [(block["text"]["text"], 150)]
    found = [(each["text"], 2000) for each in block.get("fields", ())]
    found += [(each["text"], 3000) for each in block.get("elements", ())]
    return found + ([(block["text"]["text"], 3000)] if "text" in block else [])


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(MESSAGES, st.booleans())
def test_slack_messages_are_within_slacks_limits_and_no_text_is_read_as_markup(message: Message, ended: bool):
    for blocks in (slack.blocks(message, PLAIN, ended=ended), slack.reply(message, PLAIN)):
        assert 1 <= len(blocks) <= 50
        for block in blocks:
            assert len(block.get("fields", ())) <= 10
            for text, limit in texts_of(block):
                assert 1 <= len(text) <= limit
                assert text.strip()
                if block["type"] != "header":
                    bare = text
                    for entity in ("&amp;", "&lt;", "&gt;"):
                        bare = bare.replace(entity, "")
                    assert "&" not in bare
                    # What is left of angle brackets are links, whole ones.
                    assert bare.count("<") == bare.count("<http") == bare.count(">")
    assert 1 <= len(slack.fallback(message, PLAIN)) <= 4000


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(MESSAGES)
def test_events_mails_and_texts_are_within_their_limits(message: Message):
    event = pagerduty.pagerduty_event(message, PLAIN)
    assert len(json.dumps(event)) < 512_000
    assert 1 <= len(event["dedup_key"]) <= 255
    if "payload" in event:
        assert 1 <= len(event["payload"]["summary"]) <= 1024
    written = mail.mail(message, PLAIN)
    assert len(written.subject) <= 200
    assert "\n" not in written.subject
    assert "<script" not in written.html
    short = sms.sms(message, PLAIN)
    assert 1 <= len(short) <= 160
    assert set(short) <= sms.GSM - {"\n"}


def test_a_thousand_tables_are_named_critical_ones_first_and_counted():
    many = tuple(AffectedTable(f"t{number}", number == 999, "missing", 0, (1, 2)) for number in range(1000))
    message = Message(Step.RAISED, alert(tables=many), NOW, 1, NOW)
    shown = json.dumps(slack.blocks(message, PLAIN), ensure_ascii=False)
    assert "• t999 (critical): no rows, 1 to 2 expected; missing" in shown
    assert "and 980 more" in shown
    assert "1,000, 1 critical" in shown
    assert "and 900 more" in mail.mail(message, PLAIN).text
    assert pagerduty.pagerduty_event(message, PLAIN)["payload"]["custom_details"]["tables_not_listed"] == 975
    assert "t999 and 999 more" in sms.sms(message, PLAIN)


def test_a_reason_that_many_tables_share_is_said_once():
    reason = "the worker ran out of memory after 41 tables"
    many = tuple(AffectedTable(name, False, reason) for name in ("store", "menu", "lives"))
    message = Message(Step.RAISED, alert(tables=(*many, AffectedTable("banner", False, "odd"))), NOW, 1, NOW)
    shown = json.dumps(slack.blocks(message, PLAIN))
    event = json.dumps(pagerduty.pagerduty_event(message, PLAIN))
    for text in (shown, event, mail.mail(message, PLAIN).text):
        assert text.count(reason) == 1
        for line in ("menu: as store", "lives: as store", "banner: odd"):
            assert line in text


def test_a_message_says_what_where_since_when_why_and_what_to_do():
    message = Message(Step.RAISED, alert(), NOW, 1, NOW)
    there = Presentation("staging", "https://wiki/runbooks/")
    for text in (json.dumps(slack.blocks(message, there), ensure_ascii=False), mail.mail(message, there).text):
        for part in (
            "[staging] ERROR: The sync of 2026-11-24 failed",
            "2026-11-24 02:10 UTC",
            "12 rows, 1,000 to 1,200 expected",
            "MySQL refused the connection.",
            "Ask the DBA.",
            "http://127.0.0.1:3000/runs/6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad",
            "https://wiki/runbooks/sync-failed.md",
            "85 tables are not landed",
            "attempt 3 of 3",
            "radar alerts ack ingest/2026-11-24",
        ):
            assert part in text
    assert "docs/runbooks/sync-failed.md" in mail.mail(message, PLAIN).text
    assert sms.sms(message, there) == (
        "RADAR (staging) ERROR: The sync of 2026-11-24 failed. store and 1 more. See "
        "http://127.0.0.1:3000/runs/6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad"
    )


def whole_message(text: str) -> Message:
    """A message that holds a text in every place that there is."""
    full = Alert(
        "ingest/2026-11-24", AlertKind.SYNC_FAILED, Severity.CRITICAL, text, text, NOW,
        tables=(AffectedTable(text, True, text, 1, (2, 3), text, text, f"http://ui/?x={text}"),),
        cause=text, next_step=text, links=(Link(text, f"http://ui/?x={text}"),), attempt=text, follows=(text,),
        numbers={text: text},
    )  # fmt: skip
    return Message(Step.RAISED, full, NOW, 1, NOW)


RENDERERS: tuple[Callable[[Message], Any], ...] = (
    lambda message: slack.blocks(message, PLAIN),
    lambda message: slack.reply(message, PLAIN),
    lambda message: slack.fallback(message, PLAIN),
    lambda message: pagerduty.pagerduty_event(message, PLAIN),
    lambda message: [mail.mail(message, PLAIN).text, mail.mail(message, PLAIN).html, mail.mail(message, PLAIN).subject],
    lambda message: sms.sms(message, PLAIN),
)


@given(st.one_of(PERSONAL, CREDENTIALS), st.sampled_from(["known-secret-1", "p&ss<w>rd!"]), st.sampled_from(Step))
def test_nothing_that_must_not_show_comes_through_any_renderer(hidden: tuple[str, str], known: str, step: Step):
    text, secret = hidden
    redactor = Redactor(("known-secret-1", "p&ss<w>rd!"))
    message = whole_message(f"it said {text} and {known} ")
    clean = Message(step, redactor.alert(message.alert), NOW, 1, NOW, note=redactor.text(f"by {text}"))
    for render in RENDERERS:
        shown = json.dumps(render(clean), ensure_ascii=False)
        for each in (secret, known):
            assert each not in shown
            assert slack.escape(each) not in shown
            assert sms.gsm(each) not in shown or len(each) < 6


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(hidden=st.lists(st.one_of(PERSONAL, CREDENTIALS), min_size=12, max_size=12))
def test_nothing_that_must_not_show_is_in_the_ledger_or_the_dead_letters(
    tmp_path_factory: Any, hidden: list[tuple[str, str]]
):
    folder: Path = tmp_path_factory.mktemp("ledger")
    with opened(folder, ChannelsConfig()) as centre:
        for text, _ in hidden:
            message = whole_message(f"{text} known-secret")
            centre.record([message.alert], [], now=NOW)
        centre.acknowledge("ingest/2026-11-24", by=hidden[0][0], now=NOW)
        centre.silence("sync_failed", until=NOW, by=hidden[1][0], why=f"known-secret {hidden[2][0]}", now=NOW)
        centre.deliver(now=NOW)
    stored = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"dead-letters.jsonl" in b" ".join(path.name.encode() for path in folder.iterdir())
    assert b"known-secret" not in stored
    for _, secret in hidden:
        assert secret.encode() not in stored
        assert json.dumps(secret)[1:-1].encode() not in stored
