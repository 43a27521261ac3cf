"""The outbox: what waits for which channel, what is being sent, what came back, and how the channels are.

A delivery is ``waiting``, ``sending``, ``unsure`` (it was being sent when the process died or the answer was lost),
``delivered``, ``dead`` (given up; a person may send it again) or ``moot`` (the end of something that was never told).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from radar_pipeline.alerts.channels.base import Before, Receipt
from radar_pipeline.alerts.codec import read_message, read_time, write_time
from radar_pipeline.alerts.ledger import DEAD_LETTERS_CHANGED, Ledger, receipt_of
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.routing import Medium, Target

_LOCK_FILE = "deliver.lock"

# Steps that mean nothing to a place that was not told of the incident.
_CONTINUATIONS = (Step.ACKNOWLEDGED.value, Step.RESOLVED.value)

# Pauses of a channel that does not answer: they double, from the first to the last, in seconds.
_FIRST_PAUSE, _LAST_PAUSE = 5.0, 120.0

# A message that its channel alone does not take is given up after the same time, if it was really tried.
_TRIES_AT_LEAST = 20


@dataclass(frozen=True)
class Job:
    """One delivery that is being made.

    Attributes:
        number: Its id.
        target: Where to.
        message: What.
        before: What the place got before.
        unsure: Whether it may have been sent already.
    """

    number: int
    target: Target
    message: Message
    before: Before
    unsure: bool


@dataclass(frozen=True)
class Health:
    """A channel that does not work.

    Attributes:
        place: The medium, or the one target that refuses.
        since: Since when, UTC.
        problem: Why, in one sentence.
        waiting: Messages that wait for it.
    """

    place: str
    since: dt.datetime
    problem: str
    waiting: int


@contextmanager
def only_one(folder: Path) -> Iterator[bool]:
    """Whether this is the only one that delivers. The lock goes with the process, however that ends."""
    with (folder / _LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


class Outbox:
    """Deliveries in the ledger. Only the process that holds the delivery lock takes from it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def recover(self, now: dt.datetime) -> None:
        """After a process that died: what it was sending may have gone out."""
        if self._ledger.row("SELECT 1 FROM deliveries WHERE state = 'sending'"):
            statement = "UPDATE deliveries SET state = 'unsure', changed_at = ? WHERE state = 'sending'"
            self._ledger.execute(statement, write_time(now))

    def ready(self, now: dt.datetime) -> tuple[Medium, ...]:
        """Media that have something to send and are not paused."""
        query = (
            "SELECT DISTINCT medium FROM deliveries LEFT JOIN health ON place = medium"
            " WHERE state IN ('waiting', 'unsure') AND (pause_until IS NULL OR pause_until <= ?)"
        )
        return tuple(Medium(row["medium"]) for row in self._ledger.rows(query, write_time(now)))

    def pause_left(self, medium: Medium, now: dt.datetime) -> float:
        """Seconds until a medium may be tried again; 0 where it may now."""
        found = self._ledger.row("SELECT pause_until FROM health WHERE place = ?", medium.value)
        if found is None or found["pause_until"] is None:
            return 0.0
        return max((read_time(found["pause_until"]) - now).total_seconds(), 0.0)

    def take(self, medium: Medium, now: dt.datetime) -> Job | None:
        """Takes the next delivery of a medium and marks it as being sent; None where there is none.

        Messages of an incident go to a place in their order. Of the others, one that failed waits for those that did
        not, so that a message that a channel chokes on holds up nobody.
        """
        with self._ledger.transaction():
            while (row := self._next(medium)) is not None:
                target = Target.parse(row["target"])
                before = self._before(row, target)
                if row["step"] in _CONTINUATIONS and before.original is None:
                    self._set(int(row["id"]), "moot", now)
                    continue
                statement = "UPDATE deliveries SET state = 'sending', tries = tries + 1, changed_at = ? WHERE id = ?"
                self._ledger.execute(statement, write_time(now), row["id"])
                message = read_message(row["alert"], row["body"])
                return Job(int(row["id"]), target, message, before, unsure=row["state"] == "unsure")
        return None

    def delivered(self, job: Job, receipt: Receipt, now: dt.datetime) -> tuple[str, ...]:
        """A channel took a message. Returns the places that were thought out of reach and are not."""
        statement = "UPDATE deliveries SET state = 'delivered', receipt = ?, problem = ?, changed_at = ? WHERE id = ?"
        values = json.dumps(dict(receipt)), receipt.get("refused", ""), write_time(now), job.number
        self._ledger.execute(statement, *values)
        places = (job.target.medium.value, str(job.target))
        found = self._ledger.rows("SELECT place FROM health WHERE place IN (?, ?)", *places)
        back = tuple(str(row["place"]) for row in found)
        if back:
            self._ledger.execute("DELETE FROM health WHERE place IN (?, ?)", *places)
        return back

    def postpone(self, job: Job, problem: str, now: dt.datetime, *, unsure: bool, retry_after: float | None) -> Health:
        """A channel does not answer now: all that waits for it waits longer. Returns how the channel is."""
        place = job.target.medium.value
        self._set(job.number, "unsure" if unsure or job.unsure else "waiting", now, problem)
        found = self._ledger.row("SELECT since, failures FROM health WHERE place = ?", place)
        since = str(found["since"]) if found else write_time(now)
        failures = (int(found["failures"]) if found else 0) + (retry_after is None)
        pause = min(_FIRST_PAUSE * 2 ** max(failures - 1, 0), _LAST_PAUSE) if retry_after is None else retry_after
        until = write_time(now + dt.timedelta(seconds=pause))
        values = (place, since, failures, until, problem)
        self._ledger.execute("INSERT OR REPLACE INTO health VALUES (?, ?, ?, ?, ?)", *values)
        waiting = self._ledger.row(
            "SELECT count(*) AS n FROM deliveries WHERE state IN ('waiting', 'unsure') AND medium = ?", place
        )
        return Health(place, read_time(since), problem, int(waiting["n"]) if waiting else 0)

    def give_up(self, medium: Medium, health: Health, now: dt.datetime, patience: dt.timedelta) -> Counter[str]:
        """Makes dead letters of what waited too long. Returns how many, by target."""
        oldest = write_time(now - patience)
        whole = health.since <= now - patience
        where = (
            "medium = ? AND state IN ('waiting', 'unsure') AND made_at <= ?"
            f" AND tries >= {0 if whole else _TRIES_AT_LEAST}"
        )
        dead = Counter(
            str(row["target"])
            for row in self._ledger.rows(f"SELECT target FROM deliveries WHERE {where}", medium.value, oldest)  # noqa: S608
        )
        if dead:
            statement = f"UPDATE deliveries SET state = 'dead', changed_at = ?, problem = ? WHERE {where}"  # noqa: S608
            self._ledger.execute(statement, write_time(now), health.problem, medium.value, oldest)
            self._ledger.set_note(DEAD_LETTERS_CHANGED, "yes")
        return dead

    def refuse(self, job: Job, problem: str, now: dt.datetime) -> Health:
        """A channel will never take a message: it is a dead letter. Returns how the target is."""
        self._set(job.number, "dead", now, problem)
        self._ledger.set_note(DEAD_LETTERS_CHANGED, "yes")
        place = str(job.target)
        found = self._ledger.row("SELECT since, failures FROM health WHERE place = ?", place)
        since = str(found["since"]) if found else write_time(now)
        failures = (int(found["failures"]) if found else 0) + 1
        values = (place, since, failures, problem)
        self._ledger.execute("INSERT OR REPLACE INTO health VALUES (?, ?, ?, NULL, ?)", *values)
        return Health(place, read_time(since), problem, 0)

    def waiting(self) -> dict[str, int]:
        """How many messages wait, by target."""
        query = "SELECT target, count(*) AS n FROM deliveries WHERE state IN ('waiting', 'unsure') GROUP BY target"
        return {str(row["target"]): int(row["n"]) for row in self._ledger.rows(query)}

    def troubles(self) -> dict[str, str]:
        """Why places that are out of reach are, by place."""
        return {
            str(row["place"]): str(row["problem"]) for row in self._ledger.rows("SELECT place, problem FROM health")
        }

    def _next(self, medium: Medium) -> sqlite3.Row | None:
        return self._ledger.row(
            "SELECT d.id, d.incident, d.target, d.state, m.step, m.alert, m.body"
            " FROM deliveries d JOIN messages m ON m.id = d.message"
            " WHERE d.state IN ('waiting', 'unsure') AND d.medium = ? AND NOT EXISTS ("
            "  SELECT 1 FROM deliveries e WHERE e.incident = d.incident AND e.target = d.target AND e.id < d.id"
            "  AND e.state IN ('waiting', 'unsure', 'sending'))"
            " ORDER BY d.tries, d.id LIMIT 1",
            medium.value,
        )

    def _before(self, row: sqlite3.Row, target: Target) -> Before:
        original = self._ledger.row(
            "SELECT receipt FROM deliveries WHERE incident = ? AND target = ? AND id < ? AND state = 'delivered'"
            " ORDER BY id LIMIT 1",
            *(row["incident"], str(target), row["id"]),
        )
        latest = self._ledger.row(
            "SELECT receipt FROM deliveries WHERE target = ? AND state = 'delivered' ORDER BY id DESC LIMIT 1",
            str(target),
        )
        return Before(
            receipt_of(original["receipt"]) if original else None, receipt_of(latest["receipt"]) if latest else None
        )

    def _set(self, number: int, state: str, now: dt.datetime, problem: str = "") -> None:
        statement = "UPDATE deliveries SET state = ?, changed_at = ?, problem = ? WHERE id = ?"
        self._ledger.execute(statement, state, write_time(now), problem, number)
