"""One Dagster run of bronze: which day, whether to sync, and what a person's termination means.

What belongs here: what only a run knows. What does not: the day's work itself (day).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.domain.diagnosis import Diagnosis, Origin, diagnose, tried_enough
from radar_pipeline.domain.extraction import attempts_made
from radar_pipeline.domain.judgement import explain_missing, missing_tables
from radar_pipeline.domain.sync import JobStatus
from radar_pipeline.orchestration.bronze import FORCE_TAG
from radar_pipeline.orchestration.day import DayReport, DayRun
from radar_pipeline.orchestration.diagnosing import diagnose_error
from radar_pipeline.orchestration.failing import failure
from radar_pipeline.orchestration.systems import Systems


def report_of_run(context: dg.AssetExecutionContext, systems: Systems) -> DayReport:
    """Does what the run asks for: ingests the day where assets are selected, else only judges what lies there.

    Raises:
        dagster.Failure: What the run asks for makes no sense.
        Exception: The day could not be ingested or judged.
    """
    day = day_of_run(context, systems)
    watched = _Watched(context)
    run = DayRun(systems, day, log=context.log.info, on_job=watched.remember)
    with watched.cancelled_on_termination():
        if not context.selected_asset_keys:
            return run.check()
        return run.ingest(forced_at=_forced_at(context))


def _forced_at(context: dg.AssetExecutionContext) -> dt.datetime | None:
    """When a person asked for a sync although the day is proven; a run that retries another has the same time.

    Raises:
        dagster.Failure: The tag holds no time.
    """
    asked = context.run.tags.get(FORCE_TAG)
    if asked is None:
        return None
    try:
        return dt.datetime.fromisoformat(asked)
    except ValueError:
        message = f"the run's tag {FORCE_TAG} is {asked!r}: it must be the time at which the sync was asked for"
        raise failure(message, diagnose(message, origin=Origin.CONFIGURATION)) from None


def day_of_run(context: dg.AssetExecutionContext, systems: Systems) -> dt.date:
    """The run's partition; for checks executed without one, the newest day that any of their tables has.

    Raises:
        dagster.Failure: Assets are to be materialized and no partition was chosen.
    """
    if context.has_partition_key:
        return dt.date.fromisoformat(context.partition_key)
    if context.selected_asset_keys:
        message = "choose a partition: each day of bronze is one"
        raise failure(message, diagnose(message, origin=Origin.CONFIGURATION))
    keys = [key.asset_key for key in context.selected_asset_check_keys]
    return newest_day(context.instance, keys, default=systems.clock().date())


def newest_day(instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey], *, default: dt.date) -> dt.date:
    """The newest day among the last materializations of some assets."""
    newest = [instance.get_latest_materialization_event(key) for key in keys]
    days = [event.asset_materialization.partition for event in newest if event and event.asset_materialization]
    return max((dt.date.fromisoformat(day) for day in days if day), default=default)


class _Watched:
    """The sync that this run follows, so that it can be cancelled when a person terminates the run."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._job: tuple[AirbyteClient, int] | None = None

    def remember(self, client: AirbyteClient, job_id: int) -> None:
        self._job = (client, job_id)

    @contextmanager
    def cancelled_on_termination(self) -> Iterator[None]:
        """Cancels the sync only if a person terminated the run.

        A worker that is evicted gets the same signal, but its run is not being cancelled: its successor follows the
        sync that goes on.
        """
        try:
            yield
        except dg.DagsterExecutionInterruptedError:
            run = self._context.instance.get_run_by_id(self._context.run_id)
            if self._job and run and run.status is dg.DagsterRunStatus.CANCELING:
                self._cancel(*self._job)
            raise

    def _cancel(self, client: AirbyteClient, job_id: int) -> None:
        try:
            client.cancel(job_id)
        except AirbyteError as error:
            self._context.log.warning(f"the run was terminated, but sync job {job_id} could not be cancelled: {error}")
        else:
            self._context.log.warning(f"the run was terminated: sync job {job_id} is cancelled")


def fail_on_missing(
    context: dg.AssetExecutionContext, report: DayReport, selected: set[str], attempts_allowed: int
) -> None:
    """Names what is missing, and fails the run where a selected critical table is among it, or a sync was lost.

    Args:
        context: The run.
        report: What became of the day.
        selected: Tables that the run is about.
        attempts_allowed: Attempts that a table gets on a day.

    Raises:
        dagster.Failure: A critical table is missing, or a further sync may still write.
    """
    missing = [table for table in missing_tables(report.tables) if table.table in selected]
    for table in missing:
        context.log.warning(f"{table.table} is not there: {'; '.join(table.landing.reasons)}")
    if report.lost:
        message = f"what is missing was tried again with one more sync, which was lost sight of: {report.lost}"
        raise failure(message, diagnose_error(report.lost), missing=[table.table for table in missing])
    critical = [table for table in missing if table.critical]
    if critical:
        message = explain_missing(report.day, report.tables, missing, can_sync=report.decision is not None)
        if report.aborted:
            message = f"the sync was cancelled, because {report.aborted}. {message}"
        evidence = "; ".join((report.aborted or "", *critical[0].landing.reasons))
        raise failure(
            message,
            _of_what_ended(report, diagnose(evidence), attempts_allowed),
            missing=[table.table for table in missing],
        )
    if missing:
        names = ", ".join(table.table for table in missing)
        context.log.warning(f"partial success: {len(report.tables) - len(missing)} tables are there, not {names}")


def _of_what_ended(report: DayReport, found: Diagnosis, attempts_allowed: int) -> Diagnosis:
    """The diagnosis of a day whose sync has ended. One that was cancelled is not made again by another run.

    Either a person wanted it to end, or this run ended it because all attempts were made. Where all were made without
    a table that is lacking, another run would only add to them.
    """
    is_cancelled = report.job is not None and report.job.status is JobStatus.CANCELLED
    is_over = is_cancelled or attempts_made(report.evidence.jobs) >= attempts_allowed
    return tried_enough(found) if is_over else found
