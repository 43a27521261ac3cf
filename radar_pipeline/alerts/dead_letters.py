"""Dead letters: messages that a channel would not take. A person reads the file; the ledger is what holds them."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from radar_pipeline.alerts.book import Book
from radar_pipeline.alerts.codec import read_message, read_time, write_time
from radar_pipeline.alerts.ledger import DEAD_LETTERS_CHANGED, NOWHERE, Ledger
from radar_pipeline.alerts.render.words import Presentation, heading
from radar_pipeline.domain.incident import Message

FILE = "dead-letters.jsonl"


@dataclass(frozen=True)
class DeadLetter:
    """One message that was given up.

    Attributes:
        number: By which it is sent again.
        channel: Where it was to go.
        message: What it says.
        tries: How often it was tried.
        given_up_at: When it was given up, UTC.
        problem: Why.
    """

    number: int
    channel: str
    message: Message
    tries: int
    given_up_at: dt.datetime
    problem: str


def dead_letters(ledger: Ledger) -> Iterator[DeadLetter]:
    """All dead letters, oldest first."""
    last = 0
    query = (
        "SELECT d.id, d.target, d.tries, d.changed_at, d.problem, m.alert, m.body FROM deliveries d"
        " JOIN messages m ON m.id = d.message WHERE d.state = 'dead' AND d.id > ? ORDER BY d.id LIMIT 100"
    )
    while rows := ledger.rows(query, last):
        for row in rows:
            last = int(row["id"])
            message = read_message(row["alert"], row["body"])
            given_up = read_time(row["changed_at"])
            yield DeadLetter(last, row["target"], message, int(row["tries"]), given_up, row["problem"])


def resend(ledger: Ledger, book: Book, numbers: Collection[int] | None, now: dt.datetime) -> int:
    """Puts dead letters back into the outbox, and what came after them for the same place. Returns how many letters.

    Args:
        ledger: The ledger, within a transaction.
        book: Where messages go now, for those that had nowhere to go.
        numbers: Which; None for all.
        now: What time it is, UTC.
    """
    query = "SELECT d.id, d.incident, d.message, d.target, m.alert, m.body FROM deliveries d JOIN messages m"
    found = ledger.rows(f"{query} ON m.id = d.message WHERE d.state = 'dead' ORDER BY d.id")
    sent = 0
    again = "UPDATE deliveries SET state = 'waiting', tries = 0, made_at = ?, changed_at = ? WHERE "
    moment = write_time(now)
    for row in found:
        if numbers is not None and int(row["id"]) not in numbers:
            continue
        if row["target"] == NOWHERE:
            targets = book.targets(row["incident"], read_message(row["alert"], row["body"]))
            if not targets:
                continue
            ledger.execute("DELETE FROM deliveries WHERE id = ?", row["id"])
            ledger.add_deliveries(row["incident"], row["message"], targets, now)
        else:
            ledger.execute(again + "id = ?", moment, moment, row["id"])
            # The end of what could not be told was not told either; now it follows.
            later = "state = 'moot' AND incident = ? AND target = ? AND id > ?"
            ledger.execute(again + later, moment, moment, row["incident"], row["target"], row["id"])
        sent += 1
    if sent:
        ledger.set_note(DEAD_LETTERS_CHANGED, "yes")
    return sent


def write_file(ledger: Ledger, folder: Path, presentation: Presentation) -> None:
    """Writes the file anew where dead letters came or went since it was written last."""
    with ledger.transaction():
        if not ledger.note(DEAD_LETTERS_CHANGED):
            return
        unfinished = folder / f"{FILE}.new"
        with unfinished.open("w", encoding="utf-8") as file:
            for letter in dead_letters(ledger):
                file.write(json.dumps(_document(letter, presentation), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / FILE)
        ledger.set_note(DEAD_LETTERS_CHANGED, "")


def _document(letter: DeadLetter, presentation: Presentation) -> dict[str, str | int]:
    message = letter.message
    return {
        "number": letter.number,
        "channel": letter.channel,
        "given_up_at": letter.given_up_at.isoformat(timespec="seconds"),
        "why": letter.problem,
        "tries": letter.tries,
        "message": heading(message, presentation),
        "summary": message.alert.summary,
        "next_step": message.alert.next_step,
        "fingerprint": message.alert.fingerprint,
        "made_at": message.at.isoformat(timespec="seconds"),
    }
