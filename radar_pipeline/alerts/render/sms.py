"""An alert as one text message: 160 characters of the GSM alphabet, so that it is one part and every phone shows it."""

from __future__ import annotations

import unicodedata

from radar_pipeline.alerts.render.words import Presentation, event, heading, is_web, one_line, ordered_tables
from radar_pipeline.domain.incident import Message, Step

LIMIT = 160

# The default alphabet of GSM 03.38 (its extension, whose characters count twice, is not used).
GSM = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# What looks alike: brackets, dashes and quotation marks of a keyboard and of typography.
_INSTEAD = str.maketrans(
    "[]{}|\\~`\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u00b7", "()()//-'--''\"\"--", "^\u200b\ufeff"
) | {ord("\u2026"): "...", ord("\u20ac"): "EUR"}
_URL_AT_MOST = 75
# More than enough for one text message.
_READ_AT_MOST = 1_000
_LOOK = "See: radar alerts list"


def sms(message: Message, presentation: Presentation) -> str:
    """What happened and where to look."""
    alert = message.alert
    text = f"RADAR {heading(message, presentation)}"
    if message.step in {Step.RESOLVED, Step.ACKNOWLEDGED}:
        return _cut(f"{gsm(text)}. {gsm(event(message))}", LIMIT)
    tables = ordered_tables(alert)
    if tables:
        others = f" and {len(tables) - 1:,} more" if len(tables) > 1 else ""
        text += f". {one_line(tables[0].name)}{others}"
    url = next((link.url for link in alert.links if is_web(link.url)), "")
    usable = url and len(url) <= _URL_AT_MOST and set(url) <= GSM
    look = f"See {url}" if usable else _LOOK
    return f"{_cut(gsm(text), LIMIT - len(look) - 2)}. {look}"


def gsm(text: str) -> str:
    """A text in the GSM alphabet: accents it lacks are left out, other characters become ``?``."""
    return "".join(_letter(letter) for letter in one_line(text[:_READ_AT_MOST]).translate(_INSTEAD))


def _letter(letter: str) -> str:
    if letter in GSM:
        return letter
    bare = "".join(each for each in unicodedata.normalize("NFKD", letter) if each in GSM)
    return bare or ("" if unicodedata.combining(letter) else "?")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3].rstrip()}..."
