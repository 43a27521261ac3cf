"""Client of the inbox's own view: what arrived, and channels that are to fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from radar_pipeline.local.errors import LocalStackError

_TIMEOUT_SECONDS = 10.0


class InboxAwayError(LocalStackError):
    """The inbox does not answer."""


@dataclass(frozen=True)
class InboxClient:
    """Talks to ``/api`` of one inbox.

    Attributes:
        url: Its root, which is its page too.
    """

    url: str

    def is_healthy(self) -> bool:
        """Whether it answers."""
        try:
            self._ask("GET", "health")
        except LocalStackError:
            return False
        return True

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        """What arrived, oldest first; of one channel or of all.

        Args:
            channel: ``slack``, ``pagerduty`` (the events as they came), ``smtp`` or ``sns``.
        """
        path = "messages" if channel is None else f"messages?channel={channel}"
        return list(self._ask("GET", path)["messages"])

    def incidents(self) -> list[dict[str, Any]]:
        """The incidents of PagerDuty, newest first."""
        return list(self._ask("GET", "incidents")["incidents"])

    def acknowledge(self, incident_id: str) -> None:
        """Acknowledges an incident, as a person's click on the page does."""
        self._ask("POST", f"incidents/{incident_id}/acknowledged")

    def forget(self) -> None:
        """Empties the inbox."""
        self._ask("DELETE", "messages")

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are switched on; none where the inbox does not run, because they end with it."""
        try:
            return list(self._ask("GET", "faults")["active"])
        except InboxAwayError:
            return []

    def switch_on(
        self,
        channel: str,
        mode: str,
        *,
        times: int | None = None,
        seconds: float | None = None,
        retry_after: int = 1,
    ) -> None:
        """Lets a channel fail: so many times, so many seconds, or until it is cleared.

        Args:
            channel: One of ``faults.CHANNELS``.
            mode: One of ``faults.Mode``.
            times: How many requests it spoils.
            seconds: How long it lasts.
            retry_after: What a rate-limited client is told to wait, in seconds.
        """
        body = {"channel": channel, "mode": mode, "times": times, "seconds": seconds, "retry_after": retry_after}
        self._ask("POST", "faults", body)

    def clear_faults(self) -> None:
        """Lets every channel work again. Where the inbox does not run none is at fault."""
        try:
            self._ask("DELETE", "faults")
        except InboxAwayError:
            return

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        with requests.Session() as session:
            # Loopback only: neither a proxy nor a ~/.netrc of the user has business here.
            session.trust_env = False
            try:
                answer = session.request(method, f"{self.url}/api/{path}", json=body, timeout=_TIMEOUT_SECONDS)
                found = answer.json()
            except (requests.RequestException, ValueError) as error:
                message = f"the inbox does not answer at {self.url}; see `radar local status`"
                raise InboxAwayError(message) from error
        if not answer.ok:
            raise LocalStackError(str(found.get("error")))
        return found
