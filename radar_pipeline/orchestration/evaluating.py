"""Check evaluations as Dagster makes them of an AssetCheckResult, without asking the event log for each.

Dagster asks it twice for each result which materialization it is about: a third of the time for 340 checks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.metadata import normalize_metadata

Target = AssetCheckEvaluationTargetMaterializationData


def evaluations(
    check: dg.AssetCheckKey,
    *,
    on: Sequence[str | None],
    passed: bool,
    is_error: bool,
    description: str,
    metadata: Mapping[str, Any],
    target: Target | None,
) -> Iterator[dg.Output[None] | dg.AssetCheckEvaluation]:
    """The output of a check and its evaluation for each partition."""
    spec = dg.AssetCheckSpec(check.name, asset=check.asset_key)
    yield dg.Output(None, output_name=spec.get_python_identifier())
    for partition in on:
        yield dg.AssetCheckEvaluation(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=passed,
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            description=description,
            metadata=normalize_metadata(metadata),
            target_materialization_data=target,
            blocking=False,
            partition=partition,
        )


def evaluated_on(partition: str, *, has_partition: bool) -> tuple[str | None, ...]:
    """The partitions that an evaluation is recorded for.

    "Execute all" on the Checks tab starts a run without a partition. Then the day's own history gets the evaluation,
    and the run's planned one, which has no partition, is answered too.
    """
    return (partition,) if has_partition else (partition, None)


def targets_of(instance: dg.DagsterInstance, keys: set[dg.AssetKey], day: dt.date) -> dict[dg.AssetKey, Target]:
    """The materialization that each table's evaluations are about; without those whose partition has none.

    The newest of all tables are read at once. Only where that is of another day is the table asked for by itself.
    """
    partition = day.isoformat()
    records = {record.asset_entry.asset_key: record.asset_entry for record in instance.get_asset_records(list(keys))}
    found = {}
    for key, entry in records.items():
        newest = entry.last_materialization_record
        if newest and newest.partition_key != partition:
            wanted = dg.AssetRecordsFilter(key, asset_partitions=[partition])
            newest = next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
        if newest:
            found[key] = Target(storage_id=newest.storage_id, run_id=newest.run_id, timestamp=newest.timestamp)
    return found
