"""Client of what the Airbyte-compatible server has and a real one has not: faults, a clock that can be set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from radar_pipeline.local.errors import LocalStackError

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class AirbyteAdmin:
    """Talks to ``/_local`` of one server.

    Attributes:
        url: The server's root.
    """

    url: str

    def is_healthy(self) -> bool:
        """Whether the server answers and calls itself healthy."""
        try:
            self._ask("GET", "health")
        except LocalStackError:
            return False
        return True

    def faults(self) -> Any:
        """The faults that are switched on."""
        return self._ask("GET", "faults")

    def switch_on(self, name: str, *, table: str | None, times: int | None, options: Mapping[str, Any]) -> Any:
        """Switches a fault on; ``times`` None means until it is cleared."""
        body = {"name": name, "times": times, "options": dict(options), **({"table": table} if table else {})}
        return self._ask("POST", "faults", body)

    def clear_faults(self) -> None:
        """Switches every fault off."""
        self._ask("DELETE", "faults")

    def refresh_catalog(self) -> None:
        """Lets the connection see the tables and columns that the source has now, as a person does in Airbyte's UI."""
        self._ask("POST", "catalog")

    def clock(self) -> Any:
        """The server's clock."""
        return self._ask("GET", "clock")

    def set_clock(self, *, offset: dt.timedelta | None = None, now: dt.datetime | None = None) -> Any:
        """Moves the server's clock, by an offset from the real one or to a moment from which it runs on."""
        body = {"now": now.isoformat()} if now else {"offset_seconds": (offset or dt.timedelta()).total_seconds()}
        return self._ask("POST", "clock", body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        with requests.Session() as session:
            # Loopback only: neither a proxy nor a ~/.netrc of the user has business here.
            session.trust_env = False
            try:
                answer = session.request(method, f"{self.url}/_local/{path}", json=body, timeout=_TIMEOUT_SECONDS)
            except requests.RequestException as error:
                message = f"the Airbyte-compatible server does not answer at {self.url}; see `radar local status`"
                raise LocalStackError(message) from error
        if not answer.ok:
            raise LocalStackError(_reason(answer))
        return answer.json() if answer.content else None


def _reason(answer: requests.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict):
        return str(found.get("error") or found)
    return f"the Airbyte-compatible server answered {answer.status_code}: {answer.text[:200]}"
