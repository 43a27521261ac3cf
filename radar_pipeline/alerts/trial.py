"""A test message through each channel, past routes and ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from radar_pipeline.alerts.channels.base import Before, Channel, ChannelRefusedError, ChannelUnavailableError
from radar_pipeline.alerts.codec import write_time
from radar_pipeline.domain.alert import Alert, AlertKind
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.domain.routing import Medium, Target
from radar_pipeline.domain.severity import Severity


@dataclass(frozen=True)
class ChannelTest:
    """What became of a test message.

    Attributes:
        channel: Where it went.
        arrived: Whether the channel took it.
        words: What shows that it did, or why it did not.
    """

    channel: str
    arrived: bool
    words: str


def try_channel(channel: Channel, redactor: Redactor, now: dt.datetime) -> Iterator[ChannelTest]:
    """Sends one test message to each place of a channel that settings name."""
    for target in channel.defaults():
        try:
            yield ChannelTest(str(target), arrived=True, words=_try(channel, target, now))
        except (ChannelUnavailableError, ChannelRefusedError) as error:
            yield ChannelTest(str(target), arrived=False, words=redactor.text(str(error)))


def _try(channel: Channel, target: Target, now: dt.datetime) -> str:
    words = "This is a test of the alerts. Nothing is wrong and nothing is to be done."
    name = f"test/{write_time(now)}"
    alert = Alert(name, AlertKind.TEST, Severity.INFO, "Test of the alerts", words, now)
    message = Message(Step.TOLD, alert, now, 1, now)
    receipt = channel.send(target, message, Before())
    if channel.medium is Medium.PAGERDUTY:
        channel.send(target, Message(Step.RESOLVED, alert, now, 2, now, note="the test is over"), Before(receipt))
        return "accepted, and resolved again"
    return "found there" if channel.find(target, message, Before(latest=receipt)) else "accepted"
