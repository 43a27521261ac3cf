"""An alert as an e-mail: subject, plain text and simple HTML that says the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

from radar_pipeline.alerts.render.words import (
    FULL,
    Presentation,
    clip,
    event,
    facts,
    heading,
    is_web,
    links,
    one_line,
    ordered_tables,
    table_lines,
)
from radar_pipeline.domain.alert import AffectedTable
from radar_pipeline.domain.incident import Message, Step

T = TypeVar("T")

_SUBJECT, _TABLES, _FOLLOWS, _NUMBERS, _LINKS, _LINE = 180, 100, 50, 50, 20, 500


@dataclass(frozen=True)
class Mail:
    """An e-mail's contents."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class _Part:
    """A paragraph, or a list under a title."""

    title: str = ""
    text: str = ""
    items: tuple[str, ...] = ()


def mail(message: Message, presentation: Presentation) -> Mail:
    """The e-mail for a message."""
    title = heading(message, presentation)
    parts = [part for part in _parts(message, presentation) if part.text.strip() or part.items]
    text = "\n\n".join([title, *(_plain(part) for part in parts)]) + "\n"
    html = "\n".join([f"<h2>{escape(title)}</h2>", *(_html(part) for part in parts)])
    return Mail(
        clip(f"Radar: {one_line(title)}", _SUBJECT), text, f"<!DOCTYPE html>\n<html><body>\n{html}\n</body></html>\n"
    )


def _parts(message: Message, presentation: Presentation) -> list[_Part]:
    alert = message.alert
    known = _Part(text="\n".join(f"{label}: {value}" for label, value in facts(message)))
    happened = _Part(text=event(message) if message.step is not Step.RAISED else "")
    where = tuple(f"{one_line(link.label)}: {one_line(link.url)}" for link in links(alert, presentation)[:_LINKS])
    if message.step not in FULL:
        return [happened, _Part(text=alert.summary), _Part("Look at", items=where), _sign(message)]
    return [
        happened,
        _Part(text=alert.summary),
        known,
        _Part("Tables", items=_tables(ordered_tables(alert))),
        _Part("Numbers", items=_bounded(tuple(alert.numbers.items()), _NUMBERS, ": ".join)),
        _Part("Likely cause", alert.cause),
        _Part("It also explains", items=_bounded(alert.follows, _FOLLOWS, str)),
        _Part("Next step", alert.next_step),
        _Part("Look at", items=where),
        _sign(message),
    ]


def _sign(message: Message) -> _Part:
    name = message.alert.fingerprint
    if message.step in {Step.RESOLVED, Step.TOLD}:
        return _Part(text=name)
    return _Part(text=f"{name}: take it with `radar alerts ack {name}`.")


def _bounded(things: Sequence[T], at_most: int, line: Callable[[T], str]) -> tuple[str, ...]:
    kept = tuple(clip(one_line(line(each)), _LINE) for each in things[:at_most])
    left = len(things) - len(kept)
    return (*kept, f"and {left:,} more") if left else kept


def _tables(tables: Sequence[AffectedTable]) -> tuple[str, ...]:
    lines = _bounded(table_lines(tables[:_TABLES]), _TABLES, str)
    left = len(tables) - _TABLES
    return (*lines, f"and {left:,} more") if left > 0 else lines


def _plain(part: _Part) -> str:
    lines = [f"{part.title}:"] if part.title else []
    lines += [part.text] if part.text.strip() else []
    return "\n".join(lines + [f"- {item}" for item in part.items])


def _html(part: _Part) -> str:
    found = f"<h3>{escape(part.title)}</h3>" if part.title else ""
    if part.text.strip():
        found += "<p>" + "<br>".join(escape(line) for line in part.text.splitlines()) + "</p>"
    if part.items:
        found += "<ul>" + "".join(f"<li>{_item(item)}</li>" for item in part.items) + "</ul>"
    return found


def _item(item: str) -> str:
    label, colon, url = item.partition(": ")
    if colon and is_web(url):
        return f'<a href="{escape(url)}">{escape(label)}</a>'
    return escape(item)
