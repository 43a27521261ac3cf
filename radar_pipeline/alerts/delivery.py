"""Delivery: takes what waits and hands it to the channels, each at its own pace, for a bounded time.

A delivery is marked before it is sent and again when it was taken. After a process that died in between, or an answer
that was lost, the channel is asked before it is sent again, where it can tell.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from radar_pipeline.alerts.channels.base import Channel, ChannelRefusedError, ChannelUnavailableError, Receipt
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.alerts.outbox import Health, Job, Outbox
from radar_pipeline.domain.alert import Alert, AlertKind, Resolution
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.domain.routing import Medium
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds

CHANNEL_FINGERPRINT = "channel/"

_NAMES = {"slack": "Slack", "pagerduty": "PagerDuty", "email": "E-mail", "sms": "SMS"}

Raise = Callable[[tuple[Alert, ...], tuple[Resolution, ...], dt.datetime], None]


@dataclass
class Tally:
    """What became of a round."""

    delivered: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)


class Delivery:
    """One round of delivery."""

    def __init__(
        self,
        ledger: Ledger,
        channel: Callable[[Medium], Channel],
        tell: Raise,
        *,
        thresholds: Thresholds,
        redactor: Redactor,
        now: dt.datetime,
        seconds: float,
    ) -> None:
        self._ledger, self._outbox = ledger, Outbox(ledger)
        self._channel, self._tell = channel, tell
        self._thresholds, self._redactor = thresholds, redactor
        self._now, self._begun, self._seconds = now, time.monotonic(), seconds
        self.tally = Tally()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._seconds - (time.monotonic() - self._begun)

    def run(self, media: frozenset[Medium]) -> None:
        """Sends until nothing is left that can be sent, or time is up.

        Args:
            media: Media that are configured. What waits for another one waits on.
        """
        self._outbox.recover(self._now)
        while self.left > 0:
            ready = [medium for medium in self._outbox.ready(self._time()) if medium in media]
            before = self.tally.delivered.total()
            if ready:
                with ThreadPoolExecutor(len(ready), thread_name_prefix="alerts") as pool:
                    for drained in [pool.submit(self._drain, medium) for medium in ready]:
                        drained.result()
            # Another round only for what this one led to: a channel out of reach is told to the others at once.
            if self.tally.delivered.total() == before and not self._is_more(ready, media):
                return

    def _is_more(self, ready: list[Medium], media: frozenset[Medium]) -> bool:
        return any(medium in media and medium not in ready for medium in self._outbox.ready(self._time()))

    def _time(self) -> dt.datetime:
        return self._now + dt.timedelta(seconds=time.monotonic() - self._begun)

    def _drain(self, medium: Medium) -> None:
        """Sends what waits for one medium, one after another."""
        channel = self._channel(medium)
        while self.left > 0:
            pause = self._outbox.pause_left(medium, self._time())
            if pause:
                if pause >= min(self.left, 5.0):
                    return
                time.sleep(pause)
            job = self._outbox.take(medium, self._time())
            if job is None or not self._made(channel, job):
                return

    def _made(self, channel: Channel, job: Job) -> bool:
        """Makes one delivery. False where the channel takes nothing now."""
        try:
            receipt = channel.find(job.target, job.message, job.before) if job.unsure else None
            if receipt is None:
                receipt = channel.send(job.target, job.message, job.before)
        except ChannelUnavailableError as error:
            self._unavailable(job, error)
            # Slower is not down: the pause that a service asks for may be short enough to wait for.
            return error.retry_after is not None
        except ChannelRefusedError as error:
            self._refused(job, self._redactor.text(str(error)))
            return True
        except Exception as error:  # noqa: BLE001 - one message that no code foresaw must not stop all the others
            problem = f"the {job.target.medium} channel failed with {type(error).__name__}: {error}"
            self._unavailable(job, ChannelUnavailableError(problem, maybe_sent=True))
            return False
        self._took(job, receipt)
        return True

    def _took(self, job: Job, receipt: Receipt) -> None:
        now = self._time()
        with self._ledger.transaction():
            back = self._outbox.delivered(job, receipt, now)
            if back:
                how = "it takes messages again"
                over = tuple(Resolution(f"{CHANNEL_FINGERPRINT}{place}", now, how) for place in back)
                self._tell((), over, now)
        self.tally.delivered[str(job.target)] += 1
        if receipt.get("refused"):
            self.tally.problems[str(job.target)] = f"the mail server did not take {receipt['refused']}"

    def _unavailable(self, job: Job, error: ChannelUnavailableError) -> None:
        now, problem = self._time(), self._redactor.text(str(error))
        thresholds = self._thresholds
        with self._ledger.transaction():
            health = self._outbox.postpone(job, problem, now, unsure=error.maybe_sent, retry_after=error.retry_after)
            dead = self._outbox.give_up(job.target.medium, health, now, thresholds.dead_letter)
            if dead or now - health.since >= thresholds.channel:
                self._tell((_unreachable(health, dead.total()),), (), now)
        self.tally.dead.update(dead)
        self.tally.problems[health.place] = problem

    def _refused(self, job: Job, problem: str) -> None:
        now = self._time()
        with self._ledger.transaction():
            health = self._outbox.refuse(job, problem, now)
            self._tell((_unreachable(health, 1),), (), now)
        self.tally.dead[str(job.target)] += 1
        self.tally.problems[health.place] = problem


def _unreachable(health: Health, dead: int) -> Alert:
    """What the other channels are told of one that is out of reach."""
    medium, _, address = health.place.partition(" ")
    name = " ".join(part for part in (_NAMES.get(medium, medium), address) if part)
    where = "They are in the dead letters" if dead else f"{health.waiting} wait for it"
    return Alert(
        fingerprint=f"{CHANNEL_FINGERPRINT}{health.place}",
        kind=AlertKind.CHANNEL_UNREACHABLE,
        severity=Severity.ERROR,
        title=f"Alerts do not reach {name}",
        summary=f"{health.problem}. Messages are not delivered there. {where}.",
        since=health.since,
        next_step=(
            "Correct what the sentence above names, then `radar alerts test`. What waits is delivered by itself; what "
            "is in the dead letters by `radar alerts resend`."
        ),
    )
