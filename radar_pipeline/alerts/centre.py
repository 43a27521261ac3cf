"""Where alerts go in and messages go out: what orchestration and the command talk to.

Two steps, each of which may be killed anywhere and run again. ``record`` stores alerts, resolutions and the position
up to which their sources were read, in one transaction: what is behind the position is safely in the ledger.
``deliver`` hands what the ledger holds to the channels, each at its own pace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from radar_pipeline.domain.alert import Alert, Resolution


@dataclass(frozen=True)
class DeliveryReport:
    """What became of one round of delivery.

    Attributes:
        delivered: Messages that a channel accepted, by channel.
        waiting: Messages that wait for another try, by channel.
        dead: Messages that went to the dead letters in this round, by channel.
        problems: Why a channel did not accept, by channel; one sentence each.
        busy: Whether another process was delivering, so that this round left it to that one.
    """

    delivered: Mapping[str, int]
    waiting: Mapping[str, int]
    dead: Mapping[str, int]
    problems: Mapping[str, str]
    busy: bool = False


@dataclass(frozen=True)
class AlertRecord:
    """One alert as the ledger has it.

    Attributes:
        alert: The alert as it was raised last.
        opened: When it was raised first, UTC.
        repeats: How often it was raised again since.
        ended: When it ended, UTC; None while it is open.
        acknowledged_by: Who took it; empty where nobody did.
        silenced_until: Until when it is not told, UTC; None where it is told.
        deliveries: What became of its messages, in one short phrase for each channel (``delivered``, ``waits``).
    """

    alert: Alert
    opened: dt.datetime
    repeats: int = 0
    ended: dt.datetime | None = None
    acknowledged_by: str = ""
    silenced_until: dt.datetime | None = None
    deliveries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeadLetter:
    """A message that a channel did not accept for too long.

    Attributes:
        channel: The channel.
        fingerprint: Of the alert.
        title: What it was about.
        at: Since when it is dead, UTC.
        problem: Why the channel did not accept it.
    """

    channel: str
    fingerprint: str
    title: str
    at: dt.datetime
    problem: str


@dataclass(frozen=True)
class ChannelTest:
    """What became of a test message.

    Attributes:
        channel: The channel.
        arrived: Whether the channel accepted it.
        words: What it answered, or why it did not accept.
    """

    channel: str
    arrived: bool
    words: str


class AlertCentre:
    """The alerts of one environment."""

    def position(self, source: str) -> str | None:
        """Up to where a source of alerts was read; None where it never was."""
        raise NotImplementedError

    def record(
        self,
        raised: Sequence[Alert],
        resolved: Sequence[Resolution],
        *,
        now: dt.datetime,
        positions: Mapping[str, str] | None = None,
    ) -> None:
        """Stores alerts, resolutions and positions in one transaction."""
        raise NotImplementedError

    def deliver(self, *, now: dt.datetime, seconds: float = 30.0) -> DeliveryReport:
        """Reads acknowledgements back, escalates what nobody acknowledged, and sends what waits, for a bounded time."""
        raise NotImplementedError

    def open_fingerprints(self) -> frozenset[str]:
        """Fingerprints of the alerts that are open."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the record."""
        raise NotImplementedError

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open, each as it was raised last."""
        raise NotImplementedError

    def records(self, *, since: dt.datetime) -> Sequence[AlertRecord]:
        """The alerts that are open, and those that ended or were told since a time; newest first."""
        raise NotImplementedError

    def dead_letters(self) -> Sequence[DeadLetter]:
        """Messages that no channel will get unless they are sent again."""
        raise NotImplementedError

    def resend(self, *, now: dt.datetime) -> DeliveryReport:
        """Sends every dead letter again; what is not accepted now stays one."""
        raise NotImplementedError

    def acknowledge(self, fingerprint: str, *, by: str, now: dt.datetime) -> bool:
        """Notes that somebody takes an open alert. False where no alert of that fingerprint is open."""
        raise NotImplementedError

    def silence(self, what: str, *, until: dt.datetime, by: str, why: str, now: dt.datetime) -> None:
        """Stops telling alerts of a fingerprint, of fingerprints that begin so (``ingest/``) or of a kind."""
        raise NotImplementedError

    def test(self, *, now: dt.datetime) -> Sequence[ChannelTest]:
        """Sends one message through each channel that is configured, and says what became of it."""
        raise NotImplementedError
