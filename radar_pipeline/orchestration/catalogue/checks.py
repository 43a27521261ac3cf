"""The checks of the catalogue on the bronze assets: ``catalogued``, and ``athena_rows_agree`` of critical tables.

They come from ops of their own in ``catalogue_bronze_job``. In the run that lands bronze they would be skipped as soon
as one table did not land, so that job leaves them out; a run that somebody starts from a table's page takes them along,
and says nothing there: what has just landed is registered by the run that follows.
"""

import datetime as dt
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.catalogue.alert import watch_rows
from radar_pipeline.domain.facts import Watched
from radar_pipeline.domain.layout import PARTITION_COLUMN
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.catalogue.cataloguing import Judge, registered_by, tell
from radar_pipeline.orchestration.evaluating import evaluated_on, evaluations, targets_of
from radar_pipeline.orchestration.keys import BRONZE, CATALOGUE_KEY, bronze_key, tables_by_key
from radar_pipeline.orchestration.systems import Systems

if TYPE_CHECKING:
    from radar_pipeline.orchestration.catalogue.day import TableCatalogued

CATALOGUED = "catalogued"
ROWS_AGREE = "athena_rows_agree"

_DESCRIPTIONS = {
    CATALOGUED: "The day is in the Glue catalogue with its columns, so that Athena and Power BI see it.",
    ROWS_AGREE: "Athena counts the rows of the day that were proven.",
}

# Queries of Athena at a time; a workgroup runs 20 and more.
_QUESTIONS = 5


@dataclass(frozen=True)
class Finding:
    """What one check found of one table.

    Attributes:
        passed: Whether it holds.
        words: Why, and what to do.
        numbers: Figures for the UI.
        is_error: Whether it is grave where it does not hold; None where the table alone decides.
    """

    passed: bool
    words: str
    numbers: Mapping[str, Any]
    is_error: bool | None = None


# Given the run, a day and tables, what a check finds of those that there is something to say about.
Look = Callable[[dg.AssetCheckExecutionContext, dt.date, list[str]], Mapping[str, Finding]]


def catalogue_checks(
    partitions: dg.PartitionsDefinition[str], systems: Systems, alerting: Alerting
) -> list[dg.AssetChecksDefinition]:
    """The checks; those through Athena only where a workgroup is set."""
    names = systems.registry.names
    checks = [_checks("catalogue_checks", CATALOGUED, names, partitions, systems, _catalogued(systems))]
    critical = tuple(table.name for table in systems.registry.tables if table.critical)
    if systems.settings.athena_workgroup and critical:
        look = _rows_agree(systems, alerting)
        checks.append(_checks("athena_checks", ROWS_AGREE, critical, partitions, systems, look))
    return checks


def _checks(
    op: str,
    check: str,
    tables: tuple[str, ...],
    partitions: dg.PartitionsDefinition[str],
    systems: Systems,
    look: Look,
) -> dg.AssetChecksDefinition:
    names = tables_by_key(systems.registry)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                check,
                asset=bronze_key(systems.registry[name]),
                additional_deps=[CATALOGUE_KEY],
                description=_DESCRIPTIONS[check],
                partitions_def=partitions,
            )
            for name in tables
        ]

    @dg.multi_asset_check(name=op, specs=specs, can_subset=True, op_tags={"dagster/priority": "-10"})
    def evaluate(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
        from radar_pipeline.orchestration.execution import newest_day
        from radar_pipeline.orchestration.failing import plain_failures

        keys = {key.asset_key: names[key.asset_key] for key in context.selected_asset_check_keys}
        if any(key.path[0] == BRONZE for key in context.run.asset_selection or ()):
            context.log.info("what lands in this run is registered, and checked, by the run of the catalogue after it")
            return
        with plain_failures(systems.settings, context.log.debug):
            if context.has_partition_key:
                day = dt.date.fromisoformat(context.partition_key)
            else:
                day = newest_day(context.instance, keys, default=systems.clock().date())
            found = look(context, day, list(keys.values()))
        targets = targets_of(context.instance, set(keys), day)
        partition = day.isoformat()
        for key, name in keys.items():
            if name not in found:
                continue
            finding = found[name]
            is_error = systems.registry[name].critical if finding.is_error is None else finding.is_error
            yield from evaluations(
                dg.AssetCheckKey(key, check),
                on=evaluated_on(partition, has_partition=context.has_partition_key),
                passed=finding.passed,
                is_error=is_error,
                description=finding.words,
                metadata={"partition": partition, "reason": finding.words, **finding.numbers},
                target=targets.get(key),
            )

    return evaluate


def _catalogued(systems: Systems) -> Look:
    """What this run's registration found; where it registered nothing, what the catalogue holds now."""

    def look(context: dg.AssetCheckExecutionContext, day: dt.date, tables: list[str]) -> Mapping[str, Finding]:
        from radar_pipeline.orchestration.catalogue.day import look_at_day

        found = _registered_in_run(context, day)
        if found is None:
            found = look_at_day(systems, day, tables, context.log.warning)
        return {name: _finding(each) for name, each in found.items()}

    return look


def _finding(table: "TableCatalogued") -> Finding:
    words = "; ".join(table.reasons)
    if not table.passed:
        words += ". Put it right, then run catalogue_bronze_job for the day, or: radar catalog repair --apply"
    numbers: dict[str, Any] = {"rows": table.rows, "files": table.files}
    if table.columns:
        numbers["columns"] = table.columns
    if table.changes:
        numbers["changes"] = ", ".join(table.changes)
    return Finding(table.passed, words, numbers)


def _registered_in_run(context: dg.AssetCheckExecutionContext, day: dt.date) -> "dict[str, TableCatalogued] | None":
    wanted = dg.AssetRecordsFilter(CATALOGUE_KEY, asset_partitions=[day.isoformat()])
    record = next(iter(context.instance.fetch_materializations(wanted, limit=1).records), None)
    if record is None or record.run_id != context.run.run_id or record.asset_materialization is None:
        return None
    return registered_by(record.asset_materialization.metadata)


def _rows_agree(systems: Systems, alerting: Alerting) -> Look:
    """Athena's own count of the day, beside the rows that were proven."""
    critical = {table.name for table in systems.registry.tables if table.critical}

    def look(context: dg.AssetCheckExecutionContext, day: dt.date, tables: list[str]) -> Mapping[str, Finding]:
        from radar_pipeline.lake.ledger import read_history

        history = read_history(systems.lake, systems.layout, until=day, days=1)
        proven = {name: judged.rows for name in tables if (judged := history.judged(name, day)) and judged.files}
        with ThreadPoolExecutor(_QUESTIONS, thread_name_prefix="athena") as pool:
            asked = pool.map(lambda name: _count(systems, name, day, proven[name]), proven)
            found = dict(zip(proven, asked, strict=True))
        differing = {name: each.words for name, each in found.items() if not each.passed and each.is_error is None}
        # The alert is about the day: who asks of some tables from their pages says nothing of the others. And only what
        # was counted of every table says that all is well again.
        is_whole = critical <= set(tables)
        if is_whole and (differing or all(each.passed for each in found.values())):
            tell(context, alerting, systems, _judge_rows(systems, day, differing))
        return found

    return look


def _judge_rows(systems: Systems, day: dt.date, differing: Mapping[str, str]) -> Judge:
    def judge(**named: Any) -> Watched:
        return watch_rows(differing, day=day, database=systems.settings.glue_database, **named)

    return judge


def _count(systems: Systems, table: str, day: dt.date, proven: int) -> Finding:
    from radar_pipeline.domain.catalogue.model import catalogue_name, mark_of
    from radar_pipeline.lake.catalogue.glue import CatalogueError
    from radar_pipeline.orchestration.catalogue.athena import AthenaQueryError

    name = catalogue_name(table)
    # The name holds nothing but letters, digits and underscores, and the day is a date.
    sql = f"SELECT count(*) FROM \"{name}\" WHERE {PARTITION_COLUMN} = '{day}'"  # noqa: S608
    try:
        if systems.athena_client is None:
            return Finding(passed=False, words="RADAR_ATHENA_WORKGROUP is not set", numbers={}, is_error=False)
        counted = int(systems.athena_client.ask(sql).rows[0][0] or 0)
        if counted == proven:
            numbers = {"athena_rows": counted, "proven_rows": proven}
            return Finding(passed=True, words=f"Athena counts the {proven:,} rows that were proven", numbers=numbers)
        partition = systems.glue.partitions_of(name, [day]).get(day)
    except (AthenaQueryError, CatalogueError) as error:
        words = f"it could not be asked: {error}"
        return Finding(passed=False, words=words, numbers={"proven_rows": proven}, is_error=False)
    numbers = {"athena_rows": counted, "proven_rows": proven}
    mark = mark_of(partition) if partition else None
    if mark and not mark.is_readable(systems.clock()):
        words = (
            f"the day lies in {mark.tier}, and Athena skips what is archived: it counts {counted:,} of {proven:,} "
            f"rows. To read it: radar restore {table} --from {day} --to {day}"
        )
        return Finding(passed=False, words=words, numbers=numbers, is_error=False)
    words = (
        f"Athena counts {counted:,} rows and {proven:,} were proven: "
        + (
            "the day is not registered. "
            if partition is None
            else "files came or went, or another folder is registered. "
        )
        + f"radar catalog diff says which; then radar catalog repair --apply, or radar run --date {day}"
    )
    return Finding(passed=False, words=words, numbers=numbers)
