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
    """A message that was given up.

    Attributes:
        channel: Where it was to go.
        fingerprint: Of the alert.
        title: What it says, in one line.
        at: Since when it is dead, UTC.
        problem: Why the channel did not take it.
        number: By which it can be sent again.
        tries: How often it was tried.
        message: All of it.
    """

    channel: str
    fingerprint: str
    title: str
    at: dt.datetime
    problem: str
    number: int
    tries: int
    message: Message


def dead_letters(ledger: Ledger, presentation: Presentation) -> Iterator[DeadLetter]:
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
            yield DeadLetter(
                channel=str(row["target"]),
                fingerprint=message.alert.fingerprint,
                title=heading(message, presentation),
                at=read_time(row["changed_at"]),
                problem=str(row["problem"]),
                number=last,
                tries=int(row["tries"]),
                message=message,
            )


def revive(ledger: Ledger, book: Book, numbers: Collection[int] | None, now: dt.datetime) -> tuple[int, ...]:
    """Puts dead letters back into the outbox, and what came after them for the same place.

    Args:
        ledger: The ledger, within a transaction.
        book: Where messages go now, for those that had nowhere to go.
        numbers: Which; None for all.
        now: What time it is, UTC.

    Returns:
        The letters that wait again.
    """
    query = "SELECT d.id, d.incident, d.message, d.medium, d.target, m.alert, m.body FROM deliveries d"
    found = ledger.rows(f"{query} JOIN messages m ON m.id = d.message WHERE d.state = 'dead' ORDER BY d.id")
    again = "UPDATE deliveries SET state = 'waiting', tries = 0, made_at = ?, changed_at = ? WHERE "
    moment = write_time(now)
    revived = []
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
            # Somebody asks for it now: the pause of a channel that did not answer is over.
            ledger.execute("UPDATE health SET pause_until = NULL WHERE place = ?", row["medium"])
        revived.append(int(row["id"]))
    if revived:
        ledger.set_note(DEAD_LETTERS_CHANGED, "yes")
    return tuple(revived)


def bury(ledger: Ledger, numbers: Collection[int], now: dt.datetime) -> None:
    """Makes dead letters again of those that were not taken after all."""
    for number in numbers:
        statement = (
            "UPDATE deliveries SET state = 'dead', changed_at = ? WHERE id = ? AND state IN ('waiting', 'unsure')"
        )
        ledger.execute(statement, write_time(now), number)
    if numbers:
        ledger.set_note(DEAD_LETTERS_CHANGED, "yes")


def write_file(ledger: Ledger, folder: Path, presentation: Presentation) -> None:
    """Writes the file anew where dead letters came or went since it was written last."""
    with ledger.transaction():
        if not ledger.note(DEAD_LETTERS_CHANGED):
            return
        unfinished = folder / f"{FILE}.new"
        with unfinished.open("w", encoding="utf-8") as file:
            for letter in dead_letters(ledger, presentation):
                file.write(json.dumps(_document(letter), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / FILE)
        ledger.set_note(DEAD_LETTERS_CHANGED, "")


def _document(letter: DeadLetter) -> dict[str, str | int]:
    alert = letter.message.alert
    return {
        "number": letter.number,
        "channel": letter.channel,
        "given_up_at": letter.at.isoformat(timespec="seconds"),
        "why": letter.problem,
        "tries": letter.tries,
        "message": letter.title,
        "summary": alert.summary,
        "next_step": alert.next_step,
        "fingerprint": letter.fingerprint,
        "made_at": letter.message.at.isoformat(timespec="seconds"),
    }
