"""What the Dagster UI shows of a table's day: metadata of materializations and of check evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from radar_pipeline.domain.counts import CountsVerdict
from radar_pipeline.domain.judgement import Check, TableDay
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.domain.sync import Attempt, SyncJob
from radar_pipeline.domain.volume import VolumeVerdict
from radar_pipeline.orchestration.keys import BRONZE


def materialization_metadata(
    table: TableDay, *, uri: str, job: SyncJob | None, attempt: Attempt | None, job_url: str | None
) -> Mapping[str, Any]:
    """Metadata of one landed table.

    Rows are the rows of the day's full copy, so they stand for the partition and for the table alike.
    """
    snapshot = table.landing.snapshot or Snapshot(())
    found: dict[str, Any] = {
        "dagster/row_count": snapshot.rows,
        "dagster/partition_row_count": snapshot.rows,
        "dagster/uri": uri,
        "dagster/table_name": f"{BRONZE}.{table.table}",
        "dagster/storage_kind": "s3",
        "files": len(snapshot.files),
        "bytes": snapshot.bytes,
        "landing": "; ".join(table.landing.reasons),
    }
    if snapshot.columns:
        columns = [dg.TableColumn(column.name, column.type) for column in snapshot.columns]
        found["dagster/column_schema"] = dg.TableSchema(columns)
    if snapshot.oldest and snapshot.newest:
        found["oldest_extraction"] = dg.MetadataValue.timestamp(snapshot.oldest)
        found["newest_extraction"] = dg.MetadataValue.timestamp(snapshot.newest)
    if job:
        found["airbyte_job_id"] = job.id
        found["sync_seconds"] = round((job.updated_at - job.created_at).total_seconds(), 1)
    if attempt:
        found["airbyte_attempt"] = attempt.number + 1
    if job_url:
        found["airbyte_job"] = dg.MetadataValue.url(job_url)
    return found


def check_metadata(
    table: TableDay, check: Check, day: str, *, job: SyncJob | None = None, job_url: str | None = None
) -> Mapping[str, Any]:
    """Metadata of one check evaluation: the numbers that the UI plots and the reason that a person reads.

    Args:
        table: The table, judged.
        check: Which check.
        day: The partition.
        job: The day's newest sync, of which ``landed`` is the check; None where there is none.
        job_url: Where a person sees it; None where that is not known.
    """
    found: dict[str, Any] = {"partition": day, "reason": "; ".join(table.reasons(check))}
    if check is Check.LANDED and job:
        found["airbyte_job_id"] = job.id
        if job_url:
            found["airbyte_job"] = dg.MetadataValue.url(job_url)
    if check is Check.VOLUME_WITHIN_BAND and table.volume:
        found |= _volume_numbers(table.volume)
    if check is Check.ROW_COUNTS_AGREE and table.counts:
        found |= _count_numbers(table.counts)
    if check is Check.SCHEMA_MATCHES_CONTRACT and table.schema:
        found["findings"] = len(table.schema.findings)
        for change in sorted({finding.change for finding in table.schema.findings}):
            names = [finding.column for finding in table.schema.findings if finding.change is change]
            found[f"columns_{change}"] = ", ".join(names)
    if table.accepted_by:
        found |= {"accepted_by": table.accepted_by.by, "accepted_because": table.accepted_by.reason}
    return found


def _volume_numbers(volume: VolumeVerdict) -> Mapping[str, Any]:
    found: dict[str, Any] = {"rows": volume.rows}
    if volume.lower is not None and volume.upper is not None:
        found |= {"band_lower": volume.lower, "band_upper": volume.upper}
    if volume.reference:
        found |= {"reference_rows": volume.reference.rows, "reference_day": volume.reference.day.isoformat()}
    if volume.change is not None:
        found["change_percent"] = round(volume.change * 100, 2)
    return found


def _count_numbers(counts: CountsVerdict) -> Mapping[str, Any]:
    found: dict[str, Any] = {"bronze_rows": counts.bronze}
    if counts.airbyte is not None:
        found["airbyte_rows"] = counts.airbyte
    if counts.source is not None:
        found |= {"source_rows_least": counts.source[0], "source_rows_most": counts.source[1]}
    return found
