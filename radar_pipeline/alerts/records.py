"""Incidents and what became of their messages, for a person to look at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from radar_pipeline.alerts.codec import read_incident, read_time
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.domain.incident import Incident, Step


@dataclass(frozen=True)
class DeliveryRecord:
    """One message to one place.

    Attributes:
        step: What it tells.
        channel: Where it goes.
        state: ``waiting``, ``sending``, ``unsure``, ``delivered``, ``dead`` or ``moot``.
        tries: How often it was tried.
        changed_at: Since when it is in that state, UTC.
        problem: Why it was not taken; empty where it was.
    """

    step: Step
    channel: str
    state: str
    tries: int
    changed_at: dt.datetime
    problem: str


@dataclass(frozen=True)
class IncidentRecord:
    """One incident and its deliveries, oldest first."""

    incident: Incident
    deliveries: tuple[DeliveryRecord, ...]


def read_incidents(ledger: Ledger, *, only_open: bool, limit: int) -> tuple[IncidentRecord, ...]:
    """Incidents, open ones first, then newest first."""
    where = "WHERE ended_at IS NULL" if only_open else ""
    query = f"SELECT id, alert, state FROM incidents {where} ORDER BY ended_at IS NOT NULL, id DESC LIMIT ?"  # noqa: S608
    return tuple(
        IncidentRecord(read_incident(row["alert"], row["state"]), _deliveries(ledger, int(row["id"])))
        for row in ledger.rows(query, limit)
    )


def _deliveries(ledger: Ledger, incident: int) -> tuple[DeliveryRecord, ...]:
    query = (
        "SELECT m.step, d.target, d.state, d.tries, d.changed_at, d.problem FROM deliveries d"
        " JOIN messages m ON m.id = d.message WHERE d.incident = ? ORDER BY d.id"
    )
    return tuple(
        DeliveryRecord(
            Step(row["step"]),
            row["target"],
            row["state"],
            int(row["tries"]),
            read_time(row["changed_at"]),
            row["problem"],
        )
        for row in ledger.rows(query, incident)
    )
