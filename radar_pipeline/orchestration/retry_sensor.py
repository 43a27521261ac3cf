"""The retry sensor: runs a day again that failed for a reason that passes.

What belongs here: asking for the run that the domain allows (``retrying``). The run finds the sync that its predecessor
left and follows it. Runs of which the worker crashed are run again by Dagster itself (dagster.yaml, ``run_retries``);
both count against the one budget of the day.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.now_facts import RETRY_SENSOR, SENSOR_INTERVAL

# Which attempt of the day a run is.
ATTEMPT_TAG = "radar/attempt"


def retry_sensor(job: UnresolvedAssetJobDefinition, alerting: Alerting) -> dg.SensorDefinition:
    """The sensor; it is at work unless somebody switches it off."""

    @dg.sensor(
        name=RETRY_SENSOR,
        job=job,
        minimum_interval_seconds=int(SENSOR_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs today again where it failed for a reason that passes, a few times and with growing pauses.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day, verdict = alerting.judge_today(context.instance)
        if verdict.at is None:
            return dg.SkipReason(f"{day}: {verdict.reason}")
        if alerting.clock() < verdict.at:
            return dg.SkipReason(f"{day}: {verdict.attempt}")
        attempt = str(verdict.made + 1)
        # The key makes it one run, however often a daemon that is killed asks for it.
        return dg.RunRequest(run_key=f"{day}/{attempt}", partition_key=day.isoformat(), tags={ATTEMPT_TAG: attempt})

    return sensor
