"""The daily job and its schedule."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from radar_pipeline.orchestration.dead_runs import end_dead_runs

# dagster.yaml allows one run at a time for each value of this tag: a sync moves a whole connection.
CONNECTION_TAG = "radar/connection"


def ingest_bronze_job(bronze: dg.AssetsDefinition, connection_id: str) -> UnresolvedAssetJobDefinition:
    """The job that lands every table of a day in bronze and checks it."""
    return dg.define_asset_job(
        "ingest_bronze_job",
        selection=dg.AssetSelection.assets(bronze),
        tags={CONNECTION_TAG: connection_id},
        description="Syncs the Radar connection once for the day, proves what landed in bronze and checks every table.",
    )


def ingest_bronze_job_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Runs the job at 02:00 UTC for the day that has just begun: a full refresh reads the present."""

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone="UTC",
        description="02:00 UTC, for today's partition; bronze is due by 03:00 UTC.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        end_dead_runs(context.instance)
        day = context.scheduled_execution_time.date().isoformat()
        return dg.RunRequest(run_key=day, partition_key=day)

    return schedule
