"""The daily job and its schedule."""

import datetime as dt

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from radar_pipeline.orchestration.dead_runs import end_dead_runs

# dagster.yaml allows one run at a time for each value of this tag: a sync moves a whole connection.
CONNECTION_TAG = "radar/connection"

# Set on a run that `radar` executes for checks alone: such a run is no attempt to land its day.
CHECKS_TAG = "radar/checks"

INGEST_JOB = "ingest_bronze_job"
INGEST_SCHEDULE = f"{INGEST_JOB}_schedule"

# When the schedule asks for the day's run, UTC.
STARTS = dt.time(2, tzinfo=dt.UTC)


def ingest_bronze_job(
    bronze: dg.AssetsDefinition, connection_id: str, hooks: frozenset[dg.HookDefinition] = frozenset()
) -> UnresolvedAssetJobDefinition:
    """The job that lands every table of a day in bronze and checks it."""
    return dg.define_asset_job(
        INGEST_JOB,
        # The checks of the catalogue come from another job: here one missing table would skip them all.
        selection=dg.AssetSelection.assets(bronze).without_checks() | dg.AssetSelection.checks(*bronze.check_keys),
        tags={CONNECTION_TAG: connection_id},
        hooks=hooks,
        description="Syncs the Radar connection once for the day, proves what landed in bronze and checks every table.",
    )


def ingest_bronze_job_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Runs the job at 02:00 UTC for the day that has just begun: a full refresh reads the present."""

    @dg.schedule(
        name=INGEST_SCHEDULE,
        job=job,
        cron_schedule=f"{STARTS.minute} {STARTS.hour} * * *",
        execution_timezone="UTC",
        description="02:00 UTC, for today's partition; bronze is due by 03:00 UTC.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        end_dead_runs(context.instance)
        day = context.scheduled_execution_time.date().isoformat()
        return dg.RunRequest(run_key=day, partition_key=day)

    return schedule
