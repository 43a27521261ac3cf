"""Alerts to test with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from radar_pipeline.alerts.centre import AlertCentre, open_centre
from radar_pipeline.alerts.channels.config import ChannelsConfig
from radar_pipeline.alerts.config import AlertsConfig, load_alerts_config
from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link, Resolution
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.domain.severity import Severity

NOW = dt.datetime(2026, 11, 24, 2, 10, tzinfo=dt.UTC)
INGEST = "ingest/2026-11-24"
CONFIG = load_alerts_config()


def later(**span: float) -> dt.datetime:
    return NOW + dt.timedelta(**span)


def alert(severity: Severity = Severity.ERROR, fingerprint: str = INGEST, **given: Any) -> Alert:
    values: dict[str, Any] = {
        "kind": AlertKind.SYNC_FAILED,
        "title": "The sync of 2026-11-24 failed",
        "summary": "Nothing was landed. <b> & more.",
        "since": NOW,
        "day": dt.date(2026, 11, 24),
        "tables": (
            AffectedTable("stock", False, "missing", None, (90, 110), "team:product-catalog", "products"),
            AffectedTable("store", True, "missing", 12, (1000, 1200), "team:store-operations", "stores", "http://ui/s"),
        ),
        "cause": "MySQL refused the connection.",
        "next_step": "Ask the DBA.",
        "links": (Link("run", "http://127.0.0.1:3000/runs/6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad"),),
        "attempt": "attempt 3 of 3",
        "follows": ("85 tables are not landed",),
    }
    return Alert(fingerprint, severity=severity, **{**values, **given})


def recovery(fingerprint: str = INGEST, at: dt.datetime | None = None) -> Resolution:
    return Resolution(fingerprint, at or later(hours=1), "the day is complete")


def opened(folder: Path, channels: ChannelsConfig, *, config: AlertsConfig = CONFIG) -> AlertCentre:
    return open_centre(folder, channels=channels, config=config, redactor=Redactor(("known-secret",)))
