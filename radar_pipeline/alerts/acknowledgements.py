"""Who took which incident in PagerDuty, read back so that what somebody works on is not escalated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from radar_pipeline.alerts.channels.base import ChannelRefusedError, ChannelUnavailableError
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.domain.routing import Medium

# A request each; the newest incidents are the ones that somebody waits for.
_AT_MOST = 20


def read_back(ledger: Ledger, taker: Callable[[str, dt.datetime], str | None]) -> tuple[dict[str, str], str]:
    """Asks about every open incident that PagerDuty knows and nobody took.

    Args:
        ledger: The ledger.
        taker: Who took the incident of a fingerprint that was opened at a time; None where nobody did.

    Returns:
        Who, by fingerprint; and why not all could be asked, empty where they could.
    """
    found = ledger.rows(
        "SELECT DISTINCT i.id FROM incidents i JOIN deliveries d ON d.incident = i.id"
        " WHERE i.ended_at IS NULL AND d.medium = ? AND d.state = 'delivered' ORDER BY i.id DESC LIMIT ?",
        Medium.PAGERDUTY.value,
        _AT_MOST,
    )
    taken: dict[str, str] = {}
    for row in found:
        incident = ledger.incident(int(row["id"]))
        if incident.acknowledged_at is not None:
            continue
        try:
            who = taker(incident.alert.fingerprint, incident.opened_at)
        except (ChannelUnavailableError, ChannelRefusedError) as error:
            return taken, str(error)
        if who:
            taken[incident.alert.fingerprint] = who
    return taken, ""
