"""Takes secrets and personal data out of texts before anything stores or sends them.

Two kinds of knowledge: values that are known to be secret, and the look of what must not be told (addresses, CPF and
CNPJ, telephone and card numbers, passwords, tokens, URLs that carry credentials). Numbers are only taken where their
check digits or their form say what they are: row counts, dates, times and ids of jobs and runs stay.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from json import dumps
from types import MappingProxyType
from urllib.parse import quote, quote_plus

from radar_pipeline.domain.alert import AffectedTable, Alert, Link, Resolution

HIDDEN = "***"

# Longer texts are cut, once they are clean: nobody reads more, and no channel takes it.
TEXT_AT_MOST = 8_000
# Of a text longer than this the rest is not even looked at.
_READ_AT_MOST = 100_000

# Shorter texts are remembered with what they came to.
_REMEMBERED = 300

# A known secret shorter than this would take letters out of every word; no system here takes such a password.
_SECRET_AT_LEAST = 4

_UNITS = r"(?!\s*(?:rows?|bytes?|lines?|records?|linhas?|registros?|[KMGT]?i?B|ms|s|us|ns)\b)"
# A number that stands alone: not a part of a word, a path, a decimal, a time or a range.
_ALONE, _END = r"(?<![\w/#+-])(?<!\d[.,:])", r"(?!\w|[.,:/-]\d)" + _UNITS
_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|senha|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|routing[_-]?key"
    r"|client[_-]?secret|authorization|credentials?|x-amz-(?:signature|credential|security-token)|signature"
)
# After "granted no token:" comes a sentence, not a token.
_PROSE = r" (?-i:check|see|set|use|ask|correct|it|its|the|this|that|an?|not?|is|was|are|both|get|try|make|which|what) "
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"(?<=://)[^/\s]+@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic|token token=)\s*[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            rf"(?i)((?:{_NAMES})[\w-]*[\"']?\s{{0,3}}(?:=|:(?!//|{_PROSE}))\s{{0,3}})"
            r"(?!(?:YES|NO)\b)(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'&]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(\bidentified by\s+(?:password\s+)?)'[^']*'?"), rf"\1'{HIDDEN}'"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"\b(?:xox[a-z]-|xapp-|gh[pousr]_|github_pat_|glpat-|sk_live_|rk_live_)[\w-]{6,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), HIDDEN),
    # CPF and CNPJ as they are written, the CNPJ with letters of 2026 included.
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)"), HIDDEN),
    (re.compile(r"(?<![0-9A-Z])[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}(?!\d)"), HIDDEN),
    # Telephones: with a country, with the area in parentheses, with a hyphen, and mobile ones as bare digits.
    (re.compile(r"(?<![\w/#+-])\+\d{1,3}[ .-]?\(?\d{2,4}\)?(?:[ .-]?\d{3,5}){1,3}(?!\d|[.,]\d)" + _UNITS), HIDDEN),
    (re.compile(r"\(0?\d{2}\)\s?9?[ .-]?\d{4}[ .-]?\d{4}(?!\d)"), HIDDEN),
    (re.compile(_ALONE + r"(?:55[ -]?)?[1-9]\d[ -]9?\d{4}-\d{4}" + _END), HIDDEN),
    (re.compile(_ALONE + r"(?:55)?[1-9]{2}9\d{8}" + _END), HIDDEN),
)
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_DIGITS = re.compile(_ALONE + r"\d(?:[ -]?\d){10,18}" + _END)
# Control characters have no place in a message; lone surrogates cannot be stored or sent.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Redactor:
    """Cleans texts.

    Attributes:
        secrets: Values that must never show, in any of the forms that programs write them in.
        allowed: E-mail addresses that may be named: recipients and owners.
    """

    secrets: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    _hidden: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hidden", _forms(self.secrets))
        object.__setattr__(self, "allowed", frozenset(each.lower() for each in self.allowed))

    def __repr__(self) -> str:
        """Without what it hides."""
        return f"Redactor({len(self.secrets)} secrets)"

    def text(self, text: str) -> str:
        """A text without secrets and personal data, at most ``TEXT_AT_MOST`` characters of it."""
        if len(text) > _REMEMBERED:
            return _clean(text, self._hidden, self.allowed)
        return _clean_short(text, self._hidden, self.allowed)

    def name(self, text: str) -> str:
        """A name that the platform made (a fingerprint): only known secrets are taken, so that it stays unique."""
        return _without(self._hidden, _UNPRINTABLE.sub(" ", text))

    def alert(self, alert: Alert) -> Alert:
        """An alert without secrets and personal data."""
        clean = self.text
        return replace(
            alert,
            fingerprint=self.name(alert.fingerprint),
            title=clean(alert.title),
            summary=clean(alert.summary),
            tables=tuple(self._table(table, clean) for table in alert.tables),
            cause=clean(alert.cause),
            next_step=clean(alert.next_step),
            links=tuple(Link(clean(link.label), clean(link.url)) for link in alert.links),
            attempt=clean(alert.attempt),
            follows=tuple(clean(each) for each in alert.follows),
            numbers=MappingProxyType({clean(label): clean(value) for label, value in alert.numbers.items()}),
        )

    def resolution(self, resolution: Resolution) -> Resolution:
        """A resolution likewise."""
        return replace(resolution, fingerprint=self.name(resolution.fingerprint), how=self.text(resolution.how))

    def _table(self, table: AffectedTable, clean: Callable[[str], str]) -> AffectedTable:
        return replace(
            table,
            name=clean(table.name),
            reason=clean(table.reason),
            owner=clean(table.owner),
            area=clean(table.area),
            url=clean(table.url),
        )


def _clean(text: str, hidden: tuple[str, ...], allowed: frozenset[str]) -> str:
    text = _without(hidden, _UNPRINTABLE.sub(" ", text[:_READ_AT_MOST]))
    for pattern, instead in _SHAPES:
        text = pattern.sub(instead, text)
    text = _ADDRESS.sub(lambda found: found[0] if found[0].lower() in allowed else HIDDEN, text)
    text = _DIGITS.sub(_number, text)
    return text if len(text) <= TEXT_AT_MOST else f"{text[: TEXT_AT_MOST - 1]}…"


# An alert names a thousand tables with the same few reasons, and is raised again and again.
_clean_short = lru_cache(maxsize=8_192)(_clean)


def _without(hidden: tuple[str, ...], text: str) -> str:
    for secret in hidden:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def _forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Secrets in every form that an error may show them in, longest first so that none hides a part of another."""
    forms = set()
    for secret in secrets:
        if len(secret.strip()) < _SECRET_AT_LEAST:
            continue
        encoded = base64.b64encode(secret.encode("utf-8", "replace")).decode()
        forms |= {secret, secret.strip(), quote(secret, safe=""), quote_plus(secret), escape(secret), encoded}
        forms |= {dumps(secret)[1:-1], repr(secret)[1:-1]}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    plain = len(digits) == len(found[0])
    taken = _is_card(digits) or (plain and (_is_cpf(digits) or (_is_cnpj(digits) and not _is_time(digits))))
    return HIDDEN if taken else found[0]


def _is_card(digits: str) -> bool:
    begins = (
        (re.match(r"4|5[1-5]|2[2-7]|6", digits) and len(digits) in {16, 19})
        or (re.match(r"3[47]", digits) and len(digits) == 15)
        or (re.match(r"3[068]", digits) and len(digits) == 14)
    )
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return bool(begins) and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_cpf(digits: str) -> bool:
    return len(digits) == 11 and len(set(digits)) > 1 and _checked(digits, range(11, 1, -1))


def _is_cnpj(digits: str) -> bool:
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return len(digits) == 14 and len(set(digits)) > 1 and _checked(digits, weights)


def _checked(digits: str, weights: Iterable[int]) -> bool:
    """Whether the last two digits are the check digits (modulo 11) of those before them."""
    weights = list(weights)
    for length in (len(digits) - 2, len(digits) - 1):
        used = weights[len(weights) - length :]
        rest = sum(int(digit) * weight for digit, weight in zip(digits[:length], used, strict=True)) % 11
        if int(digits[length]) != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _is_time(digits: str) -> bool:
    """Whether 14 digits are a time as in ``20261124021000``."""
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC).year in range(1990, 2100)
    except ValueError:
        return False
