"""Which tables a query names and which of their days it may read, as far as its text shows; pure, and never too few.

Athena skips archived objects without a word, so whoever asks must be told before. A query that keeps to readable days
must not be warned about the others, or nobody reads the warning. Only what is plain is understood: one SELECT from one
table, whose conditions on the day are literals joined by AND. Whatever else it is may read every day.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from radar_pipeline.domain.catalogue.model import Mark
from radar_pipeline.domain.layout import PARTITION_COLUMN

# Read together: a remark may hold a quote, and a text two dashes.
_NO_SQL = re.compile(r"""(--[^\n]*|/\*.*?\*/)|('(?:[^']|'')*')|"(?:[^"]|"")*"|`[^`]*`""", re.DOTALL)
_NAMES = re.compile(r'"(?:[^"]|"")*"|`[^`]*`|\w+')
# Never a table's name unless quoted. Source: Athena user guide, "Escape reserved keywords in SQL SELECT statements".
_RESERVED = re.compile(
    r"alter|and|as|between|by|case|cast|constraint|create|cross|cube|current_date|current_time|"
    r"current_timestamp|current_user|deallocate|delete|describe|distinct|drop|else|end|escape|except|execute|"
    r"exists|extract|false|first|for|from|full|group|grouping|having|in|inner|insert|intersect|into|is|join|"
    r"last|left|like|localtime|localtimestamp|natural|normalize|not|null|on|or|order|outer|prepare|recursive|"
    r"right|rollup|select|table|then|true|unnest|union|using|values|when|where|with",
    re.IGNORECASE,
)
_DAY = r"(?:date\s*)?'(\d{4}-\d{2}-\d{2})'"
_COLUMN = rf'(?<![\w"])(?:\w+\.)?"?{PARTITION_COLUMN}"?'
_COMPARED = re.compile(rf"{_COLUMN}\s*(=|>=|>|<=|<)\s*{_DAY}", re.IGNORECASE)
_BETWEEN = re.compile(rf"{_COLUMN}\s+between\s+{_DAY}\s+and\s+{_DAY}", re.IGNORECASE)
_IN = re.compile(rf"{_COLUMN}\s+in\s*\(((?:\s*{_DAY}\s*,?)+)\)", re.IGNORECASE)
_INVOLVED = re.compile(r"\b(?:or|not|is|false|case|if|with|union|intersect|except)\b|<>|!=|->", re.IGNORECASE)
_WHERE = re.compile(
    r"\bwhere\b(.*?)(?:\b(?:group|having|window|order|limit|offset|fetch)\b|$)", re.IGNORECASE | re.DOTALL
)
_ONE_TABLE = re.compile(
    r"\bfrom\s+[\w.\"`]+(?:\s+(?:as\s+)?(?!where\b)\w+)?\s*(?:\b(?:where|group|having|order|limit)\b|;|$)",
    re.IGNORECASE,
)

_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {"=": operator.eq, ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
)


@dataclass(frozen=True)
class Skipped:
    """Archived days of one table that a query would not see.

    Attributes:
        table: Name in the catalogue.
        source: Name in the registry, by which it is restored.
        days: The days, oldest first.
        restored: Days of which restored copies can be read at the moment, with until when.
    """

    table: str
    source: str
    days: tuple[dt.date, ...]
    restored: Mapping[dt.date, dt.datetime]

    @property
    def words(self) -> str:
        """The same for a person."""
        parts = []
        if self.days:
            span = f"{self.days[0]}" if len(self.days) == 1 else f"{self.days[0]} to {self.days[-1]}"
            noun = "day is" if len(self.days) == 1 else "days are"
            parts.append(
                f"{self.table}: {len(self.days):,} {noun} archived ({span}), and Athena skips them without a word; "
                f"radar restore {self.source} --from {self.days[0]} --to {self.days[-1]} brings them back"
            )
        if self.restored:
            first = min(self.restored.values())
            noun = "day" if len(self.restored) == 1 else "days"
            parts.append(
                f"{self.table}: {len(self.restored):,} archived {noun} can be read until {first:%Y-%m-%d %H:%M} UTC"
            )
        return "\n".join(parts)


def tables_named(sql: str, known: Collection[str]) -> tuple[str, ...]:
    """Tables of the catalogue whose names stand in a query, outside of remarks and texts, in the order of ``known``."""
    words = {name.strip('"`').lower() for name in _NAMES.findall(_plain(sql)) if not _RESERVED.fullmatch(name)}
    return tuple(name for name in known if name.lower() in words)


def days_read(sql: str, days: Iterable[dt.date], *, tables: int) -> tuple[dt.date, ...]:
    """Those of some days that a query may read.

    Args:
        sql: The query.
        days: Days of a table that it names.
        tables: How many tables it names.
    """
    days = sorted(days)
    text = _plain(sql)
    is_plain = tables == 1 and len(re.findall(r"\bselect\b", text, re.IGNORECASE)) == 1 and _ONE_TABLE.search(text)
    if not is_plain or _INVOLVED.search(text):
        return tuple(days)
    where = _WHERE.search(text)
    conditions = _conditions(where.group(1)) if where else []
    return tuple(day for day in days if all(holds(day) for holds in conditions))


def _plain(sql: str) -> str:
    """A query without its remarks, and with no text in it but days: what stands in either is no SQL."""

    def kept(found: re.Match[str]) -> str:
        remark, text = found.groups()
        if remark:
            return " "
        return "''" if text and not re.fullmatch(r"'\d{4}-\d{2}-\d{2}'", text) else found.group()

    return _NO_SQL.sub(kept, sql)


def _conditions(where: str) -> list[Callable[[dt.date], bool]]:
    """Conditions on the day that must all hold: each stands by itself between ANDs, and in no parentheses."""
    found: list[Callable[[dt.date], bool]] = []

    def noted(condition: Callable[[dt.date], bool]) -> str:
        found.append(condition)
        return f" #{len(found) - 1} "

    text = _BETWEEN.sub(lambda match: noted(_within(match[1], match[2])), where)
    text = _IN.sub(lambda match: noted(_among(set(re.findall(r"\d{4}-\d{2}-\d{2}", match[1])))), text)
    text = _COMPARED.sub(lambda match: noted(_compared(match[1], match[2])), text)
    held, depth = [], 0
    for part in re.split(r"\band\b", text, flags=re.IGNORECASE):
        alone = re.fullmatch(r"\s*#(\d+)\s*;?\s*", part)
        if alone and depth == 0:
            held.append(found[int(alone[1])])
        depth += part.count("(") - part.count(")")
    return held


def _within(first: str, last: str) -> Callable[[dt.date], bool]:
    return lambda day: first <= day.isoformat() <= last


def _among(given: Collection[str]) -> Callable[[dt.date], bool]:
    return lambda day: day.isoformat() in given


def _compared(sign: str, given: str) -> Callable[[dt.date], bool]:
    # Days as texts sort as days do, and a text that is no day of the calendar compares as Athena compares it.
    return lambda day: _COMPARISONS[sign](day.isoformat(), given)


def skipped(
    sql: str,
    marks: Mapping[str, Mapping[dt.date, Mark]],
    *,
    now: dt.datetime,
    sources: Mapping[str, str] = MappingProxyType({}),
    views: Collection[str] = (),
) -> tuple[Skipped, ...]:
    """What a query would silently not see, of the tables that it names; through a view it may read every day of all.

    Args:
        sql: The query.
        marks: Marks by table, as the catalogue names it, and day; where a view is named, of all tables.
        now: What time it is, UTC.
        sources: Names in the registry, where they differ from those in the catalogue.
        views: The views of the catalogue.
    """
    is_hidden = bool(tables_named(sql, views))
    named = tuple(marks) if is_hidden else tables_named(sql, list(marks))
    found = []
    for table in named:
        archived = {day: mark for day, mark in marks[table].items() if mark.tier.is_archived}
        touched = sorted(archived) if is_hidden else days_read(sql, archived, tables=len(named))
        restored = {
            day: until
            for day in touched
            if archived[day].is_readable(now) and (until := archived[day].readable_until) is not None
        }
        days = tuple(day for day in touched if day not in restored)
        if days or restored:
            found.append(Skipped(table, sources.get(table, table), days, restored))
    return tuple(found)
