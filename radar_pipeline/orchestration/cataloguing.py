"""The catalogue asset: what became of a day's registration, as a Dagster event and as an alert.

What belongs here: turning a registration into events. What does not: registering (catalogue_day) and the checks that
follow from it (catalogue_checks).
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.catalogue_alert import watch_registration
from radar_pipeline.domain.facts import Watched
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.keys import CATALOGUE_KEY, bronze_key
from radar_pipeline.orchestration.systems import Systems

if TYPE_CHECKING:
    from radar_pipeline.orchestration.catalogue_day import CatalogueReport, TableCatalogued

GROUP = "catalogue"

# Decides what something is worth, given ``opened``, ``now`` and ``links``.
Judge = Callable[..., Watched]

# Metadata of a registration that holds what became of each table.
TABLES = "tables"

_COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("table", "string"),
        dg.TableColumn("registered", "bool"),
        dg.TableColumn("rows", "int"),
        dg.TableColumn("files", "int"),
        dg.TableColumn("columns", "int"),
        dg.TableColumn("changes", "string"),
        dg.TableColumn("why", "string"),
    ]
)


def bronze_catalogue(
    partitions: dg.PartitionsDefinition[str], systems: Systems, alerting: Alerting
) -> dg.AssetsDefinition:
    """The asset that registers a day of bronze.

    It follows from every table, and runs in a job of its own: beside them in one run, a table that is missing would
    skip it.
    """

    @dg.asset(
        key=CATALOGUE_KEY,
        deps=[bronze_key(table) for table in systems.registry.tables],
        partitions_def=partitions,
        group_name=GROUP,
        kinds={"glue", "athena"},
        owners=["team:data-engineering"],
        description="The day's proven snapshots are in the Glue catalogue: tables, columns, partition.",
    )
    def bronze_catalogue(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from radar_pipeline.orchestration.catalogue_day import register_day
        from radar_pipeline.orchestration.failing import plain_failures

        with plain_failures(systems.settings, context.log.debug):
            day = dt.date.fromisoformat(context.partition_key)
            report = register_day(systems, day, context.log.info)
            for table, why in report.failed.items():
                context.log.warning(f"{table} is not registered: {why}")
            context.log.info(report.words)
            tell(context, alerting, systems, _watched(report, systems))
            return dg.MaterializeResult(metadata=report_metadata(report, systems.settings.glue_database))

    return bronze_catalogue


def _watched(report: "CatalogueReport", systems: Systems) -> Judge:
    critical = {table.name for table in systems.registry.tables if table.critical}

    def judge(**named: Any) -> Watched:
        return watch_registration(
            report.failed, day=report.day, database=systems.settings.glue_database, critical=critical, **named
        )

    return judge


def tell(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    alerting: Alerting,
    systems: Systems,
    judge: Judge,
) -> None:
    """Records what something found is worth: alerts raised and ended. The next round of alerting delivers it.

    Args:
        context: The run.
        alerting: The alerts of the environment.
        systems: The environment.
        judge: Given what is open, the time and where to look, says what is to be told.
    """
    from radar_pipeline.domain.alert import Link

    now = systems.clock()
    url = systems.settings.dagster_ui_url
    links = (Link("run", f"{str(url).rstrip('/')}/runs/{context.run.run_id}"),) if url else ()
    with alerting.office(context.instance) as office:
        opened = {alert.fingerprint: alert for alert in office.centre.open_alerts()}
        watched = judge(opened=opened, now=now, links=links)
        if watched.raised or watched.resolved:
            office.centre.record(watched.raised, watched.resolved, now=now)


def report_metadata(report: "CatalogueReport", database: str) -> Mapping[str, Any]:
    """What the UI shows of a registration: figures to plot, and a table."""
    registered = [table for table in report.tables if table.passed]
    # What is wrong is seen first.
    records = [_record(table) for table in sorted(report.tables, key=lambda table: table.passed)]
    found: dict[str, Any] = {
        "database": database,
        "registered": len(registered),
        "not_registered": len(report.failed),
        "not_proven": len(report.unproven),
        "rows": sum(table.rows for table in registered),
        "written": sum(table.written for table in registered),
        TABLES: dg.MetadataValue.table(records, _COLUMNS),
    }
    if report.crawl:
        found |= {"crawler": f"{report.crawl.crawler}: {report.crawl.status}", "crawl_seconds": report.crawl.seconds}
    return found


def registered_by(metadata: Mapping[str, Any]) -> dict[str, "TableCatalogued"]:
    """What a registration left on record, by table."""
    from radar_pipeline.orchestration.catalogue_day import TableCatalogued

    value = metadata.get(TABLES)
    records = value.records if isinstance(value, dg.TableMetadataValue) else ()
    return {
        str(each.data["table"]): TableCatalogued(
            table=str(each.data["table"]),
            passed=bool(each.data["registered"]),
            reasons=(str(each.data["why"]) or f"the day is registered with {each.data['columns']} columns",),
            rows=int(str(each.data["rows"])),
            files=int(str(each.data["files"])),
            columns=int(str(each.data["columns"])),
            changes=tuple(filter(None, str(each.data["changes"]).split(", "))),
        )
        for each in records
    }


def _record(table: "TableCatalogued") -> dg.TableRecord:
    return dg.TableRecord(
        {
            "table": table.table,
            "registered": table.passed,
            "rows": table.rows,
            "files": table.files,
            "columns": table.columns,
            "changes": ", ".join(table.changes),
            # That all is as it was before goes without saying; the page of 85 tables is long enough.
            "why": "; ".join(table.reasons) if table.changes or not table.passed or not table.columns else "",
        }
    )
