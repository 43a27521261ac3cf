"""The alert sensor: everything that happens, judged, recorded and delivered at least once.

A plain sensor, because Dagster's own sensors on run status and its Slack helper move on even where their body raises.
What holds the place in the events is the record of alerts, in one transaction with the alerts themselves; the sensor's
cursor only shows it to people.
"""

from __future__ import annotations

import json

import dagster as dg

from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.now_facts import ALERT_SENSOR, SENSOR_INTERVAL, Standpoint

# A dead man's switch answers at once; whoever does not is not waited for.
HEARTBEAT_SECONDS = 3.0


def alert_sensor(alerting: Alerting) -> dg.SensorDefinition:
    """The sensor; it is at work unless somebody switches it off."""

    @dg.sensor(
        name=ALERT_SENSOR,
        minimum_interval_seconds=int(SENSOR_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what failed, what is late and what is well again (docs/alerts.md).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        report = alerting.tick(context.instance, standpoint=Standpoint.SENSOR)
        url = alerting.settings.heartbeat_url
        problem = beat(str(url.get_secret_value())) if url else None
        context.update_cursor(json.dumps(report.positions, sort_keys=True))
        return dg.SkipReason(f"{report.words}; {problem}" if problem else report.words)

    return sensor


def beat(url: str) -> str | None:
    """Tells a dead man's switch that this lives, and says why where it cannot. The address may hold a secret."""
    import requests

    try:
        answer = requests.get(url, timeout=HEARTBEAT_SECONDS)
    except requests.RequestException as error:
        return f"the heartbeat could not be sent ({type(error).__name__})"
    return None if answer.ok else f"the heartbeat was answered with {answer.status_code}"
