"""An alert as Slack blocks.

Limits: 50 blocks, 3,000 characters in a text, 150 in a header, 2,000 in a field, 10 fields in a section
(docs.slack.dev/reference/block-kit/blocks). A little is left free, since Slack does not say how it counts characters
outside the basic plane.
"""

from __future__ import annotations

from typing import Any

from radar_pipeline.alerts.render.words import (
    FULL,
    Presentation,
    clip,
    event,
    facts,
    fitted,
    heading,
    is_web,
    one_line,
    ordered_tables,
    runbook,
    table_lines,
)
from radar_pipeline.domain.alert import Alert, Link
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.severity import Severity

_HEADER, _TEXT, _FIELD, _FALLBACK = 140, 2_900, 900, 3_500
_TABLES_AT_MOST, _FOLLOWS_AT_MOST, _LINKS_AT_MOST = 20, 10, 12
_FIELDS_IN_A_SECTION, _NUMBER_SECTIONS = 10, 3
_URL = 1_000

_MARKS = {
    Severity.INFO: "🟢",
    Severity.WARNING: "🟡",
    Severity.ERROR: "🟠",
    Severity.CRITICAL: "🔴",
    Severity.EMERGENCY: "🚨",
}

Blocks = list[dict[str, Any]]


def blocks(message: Message, presentation: Presentation, *, ended: bool = False) -> Blocks:
    """The message that stands in the channel: the alert in full.

    Args:
        message: What to tell.
        presentation: Where it comes from.
        ended: Whether it marks an incident that is over.
    """
    alert = message.alert
    if message.step is Step.TOLD:
        return _quiet(message, presentation)
    mark = "✅" if ended else _MARKS[alert.severity]
    found: Blocks = [_header(f"{mark} {heading(message, presentation)}")]
    told = [event(message)] if message.step is not Step.RAISED else []
    found += _section("\n".join(escape(text) for text in (*told, alert.summary) if text.strip()))
    found += _fields([(label, value) for label, value in facts(message)])
    found += _titled("Tables", _tables(alert))
    found += _fields(list(alert.numbers.items()))
    found += _titled("Likely cause", escape(alert.cause))
    found += _titled("It also explains", _follows(alert))
    if not ended:
        found += _titled("Next step", escape(alert.next_step))
    found += _titled("Look at", _links(alert, presentation))
    found.append(_context(_footer(message, ended=ended)))
    return found


def reply(message: Message, presentation: Presentation) -> Blocks:
    """The answer in the thread of the message that stands in the channel."""
    found = _section(f"*{escape(clip(heading(message, presentation), 600))}*\n{escape(clip(event(message), 1_800))}")
    if message.step in FULL:
        found += _section(escape(message.alert.summary))
        found += _titled("Likely cause", escape(message.alert.cause))
        found += _titled("Next step", escape(message.alert.next_step))
    return found


def fallback(message: Message, presentation: Presentation) -> str:
    """The message as plain text: what notifications show, and what is sent where Slack refuses the blocks."""
    parts = [heading(message, presentation), event(message)]
    if message.step in FULL:
        parts += [message.alert.summary, message.alert.next_step]
    return _escaped("\n".join(part for part in parts if part.strip()), _FALLBACK)


def escape(text: str) -> str:
    """What Slack reads as mark-up, as itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quiet(message: Message, presentation: Presentation) -> Blocks:
    alert = message.alert
    mark = _MARKS[alert.severity]
    found = _section(f"{mark} *{_escaped(heading(message, presentation), 400)}*\n{_escaped(alert.summary, 2_000)}")
    found += _fields(list(alert.numbers.items()))
    found += _titled("Look at", _links(alert, presentation))
    return found


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": clip(text, _HEADER), "emoji": True}}


def _section(text: str) -> Blocks:
    """A section of text that is escaped already; none where there is nothing to say."""
    if not text.strip():
        return []
    return [{"type": "section", "text": {"type": "mrkdwn", "text": _whole(text, _TEXT)}}]


def _titled(title: str, text: str) -> Blocks:
    return _section(f"*{title}*\n{text}") if text.strip() else []


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _whole(text, _TEXT)}]}


def _fields(pairs: list[tuple[str, str]]) -> Blocks:
    texts = [
        {"type": "mrkdwn", "text": f"*{_escaped(one_line(label), 200)}*\n{_escaped(one_line(value), _FIELD) or '-'}"}
        for label, value in pairs[: _FIELDS_IN_A_SECTION * _NUMBER_SECTIONS]
    ]
    groups = [texts[at : at + _FIELDS_IN_A_SECTION] for at in range(0, len(texts), _FIELDS_IN_A_SECTION)]
    return [{"type": "section", "fields": group} for group in groups]


def _tables(alert: Alert) -> str:
    tables = ordered_tables(alert)
    lines = []
    shown = tables[:_TABLES_AT_MOST]
    for table, said in zip(shown, table_lines(shown), strict=True):
        line = _escaped(said, 400)
        name = _escaped(one_line(table.name), 200)
        if is_web(table.url) and line.startswith(name):
            line = f"{_link(Link(one_line(table.name), table.url))}{line.removeprefix(name)}"
        lines.append(f"• {line}")
    kept, _ = fitted(lines, at_most=_TABLES_AT_MOST, characters=_TEXT - 100)
    left = len(tables) - len(kept)
    if left:
        kept.append(f"and {left:,} more")
    return "\n".join(kept)


def _follows(alert: Alert) -> str:
    lines = [f"• {_escaped(one_line(each), 250)}" for each in alert.follows]
    kept, left = fitted(lines, at_most=_FOLLOWS_AT_MOST, characters=_TEXT - 100)
    return "\n".join([*kept, f"and {left:,} more"] if left else kept)


def _links(alert: Alert, presentation: Presentation) -> str:
    found = [_link(link) for link in alert.links[:_LINKS_AT_MOST]]
    page = runbook(alert, presentation)
    if page:
        found.append(_link(page))
    kept, _ = fitted(found, at_most=len(found), characters=_TEXT - 100, size=lambda text: len(text) + 2)
    return " · ".join(kept)


def _link(link: Link) -> str:
    label = _escaped(one_line(link.label), 150) or "link"
    if not is_web(link.url) or len(link.url) > _URL:
        return f"{label}: {_escaped(one_line(link.url), 200)}"
    return f"<{escape(link.url).replace('|', '%7C')}|{label.replace('|', '/')}>"


def _footer(message: Message, *, ended: bool) -> str:
    name = _escaped(message.alert.fingerprint, 300)
    return f"`{name}`" if ended else f"`{name}` · take it with `radar alerts ack {name}`"


def _escaped(text: str, limit: int) -> str:
    """A text escaped, and cut so that the result fits and no entity is cut in two."""
    whole = escape(text)
    if len(whole) <= limit:
        return whole
    return _whole(escape(text[:limit]), limit)


def _whole(text: str, limit: int) -> str:
    """Escaped text cut to a limit, not within an entity or a link."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    for begin, end in (("&", ";"), ("<", ">")):
        at = cut.rfind(begin)
        if at >= 0 and cut.find(end, at) < 0:
            cut = cut[:at]
    return f"{cut.rstrip()}…"
