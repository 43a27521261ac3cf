"""The retention sensor and its job: once a day, after the day's bronze is accepted, or from a set hour on without it.

What belongs here: when to ask for the run. What does not: what it does (lifecycle_assets).
"""

from __future__ import annotations

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.dead_runs import end_dead_runs
from radar_pipeline.orchestration.now_facts import RETENTION_SENSOR, SENSOR_INTERVAL

RETENTION_JOB = "apply_retention_job"

# dagster.yaml allows one run at a time for each value of this tag.
RETENTION_TAG = "radar/retention"

# From when on the day's run is asked for although no bronze came: retention does not stand still with a source.
LATEST = dt.time(12, tzinfo=dt.UTC)


def apply_retention_job(lifecycle: dg.AssetsDefinition, bucket: str) -> UnresolvedAssetJobDefinition:
    """The job that plans retention and, where that is switched on, acts."""
    return dg.define_asset_job(
        RETENTION_JOB,
        selection=dg.AssetSelection.assets(lifecycle) | dg.AssetSelection.checks_for_assets(lifecycle),
        tags={RETENTION_TAG: bucket},
        description="Plans what the retention policy asks for, and does it where RADAR_RETENTION_APPLY or the run's "
        "own config says so.",
    )


def retention_sensor(job: UnresolvedAssetJobDefinition, alerting: Alerting) -> dg.SensorDefinition:
    """The sensor; it is at work unless somebody switches it off."""

    @dg.sensor(
        name=RETENTION_SENSOR,
        job=job,
        minimum_interval_seconds=int(SENSOR_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs retention once a day: when the day's bronze is accepted, or from "
        f"{LATEST:%H:%M} UTC on without it.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = alerting.clock()
        day = now.date()
        if context.cursor == day.isoformat():
            return dg.SkipReason(f"{day}: its retention run was asked for")
        if not (accepted := alerting.is_accepted(context.instance, day)) and now.timetz() < LATEST:
            return dg.SkipReason(f"{day}: waits for the day's bronze, until {LATEST:%H:%M} UTC at most")
        end_dead_runs(context.instance)
        context.update_cursor(day.isoformat())
        why = "bronze accepted" if accepted else "no bronze"
        # The key makes it one run a day, however often a daemon that is killed asks for it.
        return dg.RunRequest(run_key=day.isoformat(), tags={"radar/why": why})

    return sensor
