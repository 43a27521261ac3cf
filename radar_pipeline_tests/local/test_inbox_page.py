"""The page of the inbox in a real browser: what a person sees and does, and that nothing that arrived can act there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from radar_pipeline_tests.browser import launched, needs_chromium
from radar_pipeline_tests.local.inbox_harness import Running, mail, running

pytestmark = [pytest.mark.browser, needs_chromium]

EVIL = '<img src=x onerror="top.pwned=1"><script>top.pwned=1</script>\'"&amp;'


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("inbox")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as made:
        yield made


@pytest.fixture
def page(browser: Browser, inbox: Running) -> Iterator[Page]:
    inbox.client.forget()
    inbox.client.clear_faults()
    made = browser.new_page(viewport={"width": 1400, "height": 860})
    made.asked, made.problems = [], []
    made.on("request", lambda request: made.asked.append(request.url))
    made.on("pageerror", lambda error: made.problems.append(str(error)))
    made.on("console", lambda line: made.problems.append(line.text) if line.type == "error" else None)
    made.goto(inbox.url)
    yield made
    # The page loads nothing from elsewhere.
    assert [url for url in made.asked if not url.startswith((inbox.url, "data:"))] == []
    made.close()


def test_an_empty_inbox_says_how_to_fill_it(page: Page):
    expect(page.get_by_text("Nothing in #alerts yet")).to_be_visible()
    expect(page.get_by_text("radar alerts test").first).to_be_visible()
    assert page.problems == []


def test_every_channel_is_shown_as_a_person_would_see_it(page: Page, inbox: Running):
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": ":red_circle: MySQL refuses"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*nothing* was `synced`, <https://radar.local/r|see>"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Since*\n02:03"}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Run"}, "url": inbox.url}],
        },
    ]
    posted = inbox.slack().chat_postMessage(channel="#alerts", text="x", blocks=blocks)
    inbox.slack().chat_postMessage(channel=posted["channel"], thread_ts=posted["ts"], text="it is right again")
    inbox.slack().reactions_add(channel=posted["channel"], timestamp=posted["ts"], name="white_check_mark")
    inbox.event(dedup_key="the-key")
    inbox.sns().publish(PhoneNumber="+5511999990000", Message="Radar calls")
    with inbox.mail() as session:
        session.send_message(mail("as text", "<h1>as a letter</h1>", Subject="the subject"))

    expect(page.get_by_role("heading", name="MySQL refuses")).to_be_visible()
    expect(page.locator(".message b", has_text="nothing")).to_be_visible()
    expect(page.locator(".message code", has_text="synced")).to_be_visible()
    expect(page.get_by_role("link", name="see")).to_have_attribute("href", "https://radar.local/r")
    expect(page.get_by_role("link", name="Run")).to_have_attribute("href", f"{inbox.url}/")
    expect(page.locator(".thread").get_by_text("it is right again")).to_be_visible()
    expect(page.locator(".reactions")).to_have_text("1")
    expect(page.locator(".incident")).to_contain_text("the-key")
    page.get_by_role("tab", name="E-mail").click()
    expect(page.locator(".letter")).to_contain_text("the subject")
    expect(page.frame_locator("iframe").get_by_role("heading", name="as a letter")).to_be_visible()
    page.get_by_role("button", name="Show the text").click()
    expect(page.locator(".letter pre")).to_have_text("as text\n")
    page.get_by_role("tab", name="SMS").click()
    expect(page.locator(".phone")).to_contain_text("Radar calls")
    assert page.problems == []


def test_a_click_acknowledges_and_resolves_and_pagerduty_reads_it_back(page: Page, inbox: Running):
    def statuses() -> list[str]:
        found = inbox.pagerduty("GET", "incidents", params={"incident_key": "clicked"}).json()["incidents"]
        return [each["status"] for each in found]

    inbox.event(dedup_key="clicked")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".incident .status")).to_have_text("acknowledged")
    assert statuses() == ["acknowledged"]
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".incident .status")).to_have_text("resolved")
    assert statuses() == ["resolved"]


def test_nothing_that_arrived_can_act_on_the_page(page: Page, inbox: Running):
    slack = inbox.slack()
    section = {
        "type": "section",
        "text": {"type": "mrkdwn", "text": f"*{EVIL}* <javascript:top.pwned=1|press> `{EVIL}`"},
    }
    button = {"type": "button", "text": {"type": "plain_text", "text": "press"}, "url": "javascript:top.pwned=1"}
    attachment = {"color": "red;background:url(x)", "text": EVIL, "title": EVIL, "title_link": "javascript:top.pwned=1"}
    blocks = [section, {"type": "actions", "elements": [button]}, {"type": "markdown", "text": EVIL}]
    slack.chat_postMessage(channel="#alerts", text=EVIL, username=EVIL)
    slack.chat_postMessage(channel="#alerts", text="x", blocks=blocks, attachments=[attachment])
    payload = {"summary": EVIL, "source": EVIL, "severity": "critical", "custom_details": {EVIL: [EVIL, {EVIL: EVIL}]}}
    inbox.event(dedup_key=EVIL, payload=payload, links=[{"href": "javascript:top.pwned=1", "text": "press"}])
    inbox.sns().publish(PhoneNumber="+5511999990000", Message=EVIL)
    with inbox.mail() as session:
        evil = f"{EVIL}<a href='{inbox.url}'>out</a><form action='{inbox.url}/api/faults' method='post'></form>"
        session.send_message(mail(EVIL, evil, Subject=EVIL))

    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".incident h3")).to_have_text(EVIL)
    for name in ("E-mail", "SMS", "PagerDuty", "E-mail"):
        page.get_by_role("tab", name=name).click()
    expect(page.frame_locator("iframe").get_by_text("out")).to_be_visible()
    assert page.evaluate("window.pwned") is None
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator("main img[src='x']").count() == page.locator("main script").count() == 0
    policies = {path: requests.get(f"{inbox.url}{path}", timeout=5).headers for path in ("/", "/page/inbox.js")}
    assert all("default-src 'none'" in headers["content-security-policy"] for headers in policies.values())


def test_what_arrives_while_somebody_reads_does_not_move_the_page(page: Page, inbox: Running):
    slack = inbox.slack()
    for number in range(30):
        slack.chat_postMessage(channel="#alerts", text=f"message {number}\nwith a second line")
    with inbox.mail() as session:
        session.send_message(mail("first", "<p>first</p>", Subject="first"))
        session.send_message(mail("second", "<p>second</p>", Subject="second"))
    page.get_by_role("tab", name="E-mail").click()
    page.get_by_role("button", name="first").click()
    expect(page.locator(".message")).to_have_count(30)
    expect(page.locator(".letter h3")).to_have_text("first")
    page.evaluate(
        "document.querySelector('iframe').isTheSame = true; document.getElementById('slack-messages').scrollTop = 200"
    )

    slack.chat_postMessage(channel="#alerts", text="newest")
    with inbox.mail() as session:
        session.send_message(mail("third", Subject="third"))

    expect(page.locator(".message")).to_have_count(31)
    expect(page.locator(".row")).to_have_count(3)
    assert page.evaluate("document.getElementById('slack-messages').scrollTop") == 200
    assert page.evaluate("document.querySelector('iframe').isTheSame")
    expect(page.locator(".letter h3")).to_have_text("first")


def test_a_permalink_leads_to_its_message(page: Page, inbox: Running):
    slack = inbox.slack()
    posted = slack.chat_postMessage(channel="#data-engineering", text="the one")
    for number in range(20):
        slack.chat_postMessage(channel="#data-engineering", text=f"later {number}\nand longer")
    slack.chat_postMessage(channel="#alerts", text="elsewhere")
    page.goto(slack.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])["permalink"])
    page.reload()
    expect(page.get_by_text("the one")).to_be_in_viewport()


def test_a_channel_that_fails_on_purpose_is_named_and_the_inbox_is_emptied_on_request(page: Page, inbox: Running):
    inbox.client.switch_on("slack", "down")
    inbox.event()
    expect(page.locator("#faults")).to_contain_text("slack-down")
    expect(page.locator(".incident")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Empty the inbox").click()
    expect(page.get_by_text("No incident")).to_be_visible()
    assert inbox.client.messages() == []
