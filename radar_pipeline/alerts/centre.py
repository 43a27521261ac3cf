"""Where alerts go in and messages go out: what orchestration and the command talk to.

Two steps, each of which may be killed anywhere and run again. ``record`` stores alerts, resolutions and the position
up to which their sources were read, in one transaction: what is behind the position is safely in the ledger.
``deliver`` hands what the ledger holds to the channels, each at its own pace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.alert import Alert, Resolution


@dataclass(frozen=True)
class DeliveryReport:
    """What became of one round of delivery.

    Attributes:
        delivered: Messages that a channel accepted, by channel.
        waiting: Messages that wait for another try, by channel.
        dead: Messages that went to the dead letters in this round, by channel.
        problems: Why a channel did not accept, by channel; one sentence each.
    """

    delivered: Mapping[str, int]
    waiting: Mapping[str, int]
    dead: Mapping[str, int]
    problems: Mapping[str, str]


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
