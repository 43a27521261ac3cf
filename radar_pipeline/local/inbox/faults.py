"""What can be made to go wrong with a channel, and what is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

CHANNELS = ("slack", "pagerduty", "smtp", "sns")


class Mode(StrEnum):
    """How a channel fails."""

    DOWN = "down"
    ERROR = "error"
    RATE_LIMIT = "rate-limit"
    REFUSE = "refuse"
    HANG = "hang"
    ACCEPT_THEN_DROP = "accept-then-drop"


_ENDINGS = {
    Mode.DOWN: ("down", "connections are cut without an answer"),
    Mode.ERROR: ("errors", "every request is answered with an error of the service, as if it were broken"),
    Mode.RATE_LIMIT: ("rate-limited", "every request is answered with `too many`, again in `retry_after` seconds"),
    Mode.REFUSE: ("refuses", "what is sent is refused for good, as if its credentials had been withdrawn"),
    Mode.HANG: ("hangs", "connections are taken and nothing is answered"),
    Mode.ACCEPT_THEN_DROP: ("loses-answers", "what is sent arrives, and the connection is cut before the answer"),
}


@dataclass(frozen=True)
class NamedFault:
    """A fault as `radar local fault` names it.

    Attributes:
        name: Its name (``slack-down``).
        channel: The channel.
        mode: How it fails.
        description: What happens, in one line.
    """

    name: str
    channel: str
    mode: Mode
    description: str


CATALOGUE: Mapping[str, NamedFault] = MappingProxyType(
    {
        f"{channel}-{ending}": NamedFault(f"{channel}-{ending}", channel, mode, description)
        for mode, (ending, description) in _ENDINGS.items()
        for channel in CHANNELS
    }
)


@dataclass(frozen=True)
class ChannelFault:
    """A fault that is switched on.

    Attributes:
        channel: The channel.
        mode: How it fails.
        times: How many requests it will still spoil; None for all until it ends.
        until: When it ends, in seconds of the monotonic clock; None for when it is cleared.
        retry_after: What a rate-limited client is told to wait, in seconds.
    """

    channel: str
    mode: Mode
    times: int | None = None
    until: float | None = None
    retry_after: int = 1

    def as_json(self, now: float) -> dict[str, Any]:
        """Its JSON, with the seconds that it still lasts."""
        left = None if self.until is None else round(self.until - now, 1)
        name = f"{self.channel}-{_ENDINGS[self.mode][0]}"
        return {"name": name, "channel": self.channel, "mode": str(self.mode), "times": self.times, "seconds": left}


class Faults:
    """The faults of one inbox; they end with its process. A channel has at most one: the last that was switched on.

    Args:
        clock: Seconds of a clock that nobody sets.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._on: dict[str, ChannelFault] = {}

    def switch_on(self, document: Mapping[str, Any]) -> None:
        """Switches a fault on.

        Args:
            document: ``{"channel", "mode", "seconds"?, "times"?, "retry_after"?}``.

        Raises:
            ValueError: What is wrong and what can be given instead.
        """
        channel, mode = document.get("channel"), document.get("mode")
        unknown = sorted(set(document) - {"channel", "mode", "seconds", "times", "retry_after"})
        if unknown:
            message = f"a channel's fault has no option {', '.join(unknown)}; it has: seconds, times, retry_after"
            raise ValueError(message)
        if channel not in CHANNELS or mode not in list(Mode):
            message = f"channel is one of {', '.join(CHANNELS)}, mode one of {', '.join(Mode)}; not {channel}, {mode}"
            raise ValueError(message)
        seconds = document.get("seconds")
        self._on[channel] = ChannelFault(
            channel,
            Mode(mode),
            times=_positive("times", document.get("times")),
            until=None if seconds is None else self._clock() + _positive("seconds", seconds, whole=False),
            retry_after=_positive("retry_after", document.get("retry_after", 1)),
        )

    def clear(self, channel: str | None = None) -> None:
        """Switches the fault of one channel, or every fault, off."""
        if channel is None:
            self._on.clear()
        else:
            self._on.pop(channel, None)

    def active(self) -> tuple[ChannelFault, ...]:
        """The faults that are on."""
        now = self._clock()
        self._on = {name: fault for name, fault in self._on.items() if fault.until is None or fault.until > now}
        return tuple(self._on.values())

    def as_json(self) -> list[dict[str, Any]]:
        """The JSON of the faults that are on."""
        return [fault.as_json(self._clock()) for fault in self.active()]

    def take(self, channel: str, among: Collection[Mode] = tuple(Mode)) -> ChannelFault | None:
        """The fault that a request meets now, which uses up one of its times.

        Args:
            channel: The channel that the request is for.
            among: Ways to fail that this request can meet.
        """
        fault = next((each for each in self.active() if each.channel == channel), None)
        if fault is None or fault.mode not in among:
            return None
        if fault.times is not None:
            if fault.times == 1:
                del self._on[channel]
            else:
                self._on[channel] = replace(fault, times=fault.times - 1)
        return fault


def _positive(name: str, value: Any, *, whole: bool = True) -> Any:
    if value is None:
        return None
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        message = f"{name} is {value!r}; give a{' whole' if whole else ''} number above 0, or leave it out"
        raise ValueError(message)
    return value
