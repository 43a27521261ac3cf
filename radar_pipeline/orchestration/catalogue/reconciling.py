"""The daily look at all that lies, all that is catalogued and all that Dagster holds, without and with Dagster.

What belongs here: reading the three, and what the asset shows of what they do not agree on. What does not: the
comparison (``domain/catalogue_drift``) and mending it (``lake/cataloguing``).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.aging.tiers import LakeObject
from radar_pipeline.domain.catalogue.alert import WORDS, watch_drift
from radar_pipeline.domain.catalogue.drift import Finding, LakeDay, Remedy, diff_catalogue, lake_days
from radar_pipeline.domain.catalogue.model import CatalogueState, mark_of, strange_tables
from radar_pipeline.domain.facts import Watched
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.ledger import History
from radar_pipeline.domain.wording import plural, some
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.catalogue.cataloguing import GROUP, Judge, tell
from radar_pipeline.orchestration.keys import DRIFT_KEY, bronze_key
from radar_pipeline.orchestration.systems import Systems

if TYPE_CHECKING:
    from radar_pipeline.lake.catalogue.cataloguing import RepairReport

Log = Callable[[str], None]
Progress = Callable[[int, int], None]

# What the page of the asset shows; `radar catalog diff` shows all.
_ROWS_SHOWN = 500

_COLUMNS = dg.TableSchema(
    [dg.TableColumn(name, "string") for name in ("table", "day", "kind", "where", "what", "remedy")]
)


@dataclass(frozen=True)
class Reconciliation:
    """What lake, catalogue and Dagster do not agree on.

    Attributes:
        findings: What is amiss.
        days: Days of all tables that hold data.
        files: Their data files.
        bytes: Their bytes.
        unread: Why, by table that could not be listed or read from the catalogue: nothing is known of it.
        mended: Marks that were set on the way.
    """

    findings: tuple[Finding, ...]
    days: int = 0
    files: int = 0
    bytes: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)
    mended: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether everything was looked at and agrees."""
        return not self.findings and not self.unread

    @property
    def words(self) -> str:
        """The result in one line."""
        found = plural(len(self.findings), "finding", "findings") if self.findings else "they agree"
        looked = f"{self.days:,} days, {self.files:,} files, {self.bytes / 1e6:,.1f} MB looked at: {found}"
        return f"{looked}; not read: {some(sorted(self.unread))}" if self.unread else looked


def read_drift(systems: Systems, instance: dg.DagsterInstance, log: Log) -> Reconciliation:
    """Compares what lies in the lake with what Glue and Dagster hold. Changes nothing.

    Raises:
        LakeError: The ledger cannot be read.
        CatalogueError: Nothing can be read from the catalogue.
    """
    from radar_pipeline.lake.catalogue.cataloguing import read_states
    from radar_pipeline.lake.ledger import read_history
    from radar_pipeline.lake.listing import list_tables

    layout, names, now = systems.layout, systems.registry.names, systems.clock()
    log(f"reading the catalogue {systems.settings.glue_database}")
    states = read_states(systems.glue, names)
    unread = {name: state.problem for name, state in states.items() if state.problem}
    log(f"listing {plural(len(names), 'table', 'tables')}")
    lake: dict[str, dict[dt.date, LakeDay]] = {}
    for listing in list_tables(systems.lake, layout, names):
        if listing.problem:
            unread[listing.table] = listing.problem
        elif listing.table not in unread:
            readable = _still_readable(listing.objects, states[listing.table], systems, now)
            lake[listing.table] = lake_days(listing.objects, layout, readable_until=readable)
    dagster = {name: _materialized(systems, instance, name) for name in lake}
    history = read_history(systems.lake, layout, until=now.date())
    proven = {name: dagster[name] | set(history.judgements.get(name, {})) for name in lake}
    findings = diff_catalogue(
        lake=lake,
        glue={name: states[name] for name in lake},
        dagster=dagster,
        bucket=systems.settings.bucket,
        layout=layout,
        proven=proven,
        without_data=_without_data(systems, dagster, history, now.date()),
        unregistered=strange_tables(names, systems.glue.tables()),
    )
    days = [day for of_table in lake.values() for day in of_table.values()]
    return Reconciliation(findings, len(days), sum(day.files for day in days), sum(day.bytes for day in days), unread)


def _still_readable(
    objects: tuple[LakeObject, ...], state: CatalogueState, systems: Systems, now: dt.datetime
) -> dict[str, dt.datetime]:
    """Until when restored copies can be read, by key: the marks that a restore left, as long as they hold."""
    marks = {day: mark for day, partition in state.partitions.items() if (mark := mark_of(partition))}
    living = {
        day: mark.readable_until for day, mark in marks.items() if mark.readable_until and mark.readable_until > now
    }
    if not living:
        return {}
    archived = [each.key for each in objects if each.tier.is_archived]
    found = {key: living.get(day) for key in archived if (day := systems.layout.day_of(key))}
    return {key: until for key, until in found.items() if until}


def _materialized(systems: Systems, instance: dg.DagsterInstance, table: str) -> set[dt.date]:
    keys = instance.get_materialized_partitions(bronze_key(systems.registry[table]))
    return {dt.date.fromisoformat(key) for key in keys}


def _without_data(
    systems: Systems, dagster: Mapping[str, Set[dt.date]], history: History, today: dt.date
) -> dict[str, set[dt.date]]:
    """Days that rightly hold no data: of tables that may be empty, and those that the policy has deleted."""
    from radar_pipeline.tables.retention import load_policy

    classes = load_policy(systems.settings.retention_file, systems.registry).classes
    found = {}
    for name, days in dagster.items():
        table = systems.registry[name]
        judged = {day: history.judged(name, day) for day in days}
        filled = {day for day, judgement in judged.items() if judgement and judgement.files}
        after = classes[table.retention].delete_after_days
        oldest = today - dt.timedelta(days=after) if after is not None else dt.date.min
        found[name] = {day for day in days if day <= oldest or (table.may_be_empty and day not in filled)}
    return found


def mend(systems: Systems, findings: Sequence[Finding], *, on_progress: Progress | None = None) -> "RepairReport":
    """Mends what the findings say of the catalogue. The lake is never touched.

    Raises:
        CatalogueError: Nothing can be written at all.
        LakeError: The ledger cannot be read.
    """
    from radar_pipeline.lake.catalogue.cataloguing import repair
    from radar_pipeline.orchestration.catalogue.day import read_snapshots

    def is_still_gone(table: str, day: dt.date) -> bool:
        objects = systems.lake.list_objects(systems.layout.folder(table, day))
        return not any(is_data_file(each.key) for each in objects)

    return repair(
        systems.glue,
        findings,
        bucket=systems.settings.bucket,
        layout=systems.layout,
        read=lambda day, tables: read_snapshots(systems, day, tables),
        still_gone=is_still_gone,
        on_progress=on_progress,
    )


def refresh_marks(systems: Systems, found: Reconciliation) -> Reconciliation:
    """Sets the marks of tiers that changed: the bucket's own rules move objects without a word.

    Raises:
        CatalogueError: Nothing can be written at all.
    """
    stale = [finding for finding in found.findings if finding.remedy is Remedy.MARK]
    if not stale:
        return found
    done = set(mend(systems, stale).done)
    left = tuple(finding for finding in found.findings if finding not in done)
    return replace(found, findings=left, mended=len(done))


def catalogue_drift(systems: Systems, alerting: Alerting) -> dg.AssetsDefinition:
    """The asset that looks once a day whether lake, catalogue and Dagster agree."""

    @dg.asset(
        key=DRIFT_KEY,
        group_name=GROUP,
        kinds={"glue", "s3"},
        owners=["team:data-engineering"],
        description="What lake, Glue and Dagster do not agree on; marks of tiers are refreshed on the way.",
    )
    def catalogue_drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from radar_pipeline.domain.diagnosis import Origin, diagnose
        from radar_pipeline.orchestration.failing import failure, plain_failures

        with plain_failures(systems.settings, context.log.debug):
            found = refresh_marks(systems, read_drift(systems, context.instance, context.log.info))
            context.log.info(found.words)
            tell(context, alerting, systems, judge_drift(systems, found))
            if found.unread:
                table, why = min(found.unread.items())
                message = f"{plural(len(found.unread), 'table', 'tables')} could not be looked at: {table}: {why}"
                raise failure(message, diagnose(why, origin=Origin.DESTINATION))
            return dg.MaterializeResult(metadata=drift_metadata(found))

    return catalogue_drift


def judge_drift(systems: Systems, found: Reconciliation) -> Judge:
    """What a look is worth; one that could not see everything ends nothing."""
    critical = {table.name for table in systems.registry.tables if table.critical}

    def judge(**named: Any) -> Watched:
        database = systems.settings.glue_database
        return watch_drift(found.findings, is_whole=not found.unread, database=database, critical=critical, **named)

    return judge


def drift_metadata(found: Reconciliation) -> Mapping[str, Any]:
    """What the UI shows of a look: figures to plot, and a table."""
    kinds = Counter((finding.kind, finding.where) for finding in found.findings)
    records = [
        dg.TableRecord(
            {
                "table": finding.table,
                "day": finding.day.isoformat() if finding.day else "",
                "kind": finding.kind.value,
                "where": finding.where.value,
                "what": finding.words,
                "remedy": finding.remedy.value if finding.remedy else "a person decides",
            }
        )
        for finding in found.findings[:_ROWS_SHOWN]
    ]
    return {
        "findings": len(found.findings),
        "days": found.days,
        "files": found.files,
        "bytes": found.bytes,
        "marks_refreshed": found.mended,
        **{WORDS[what].replace(" ", "_"): number for what, number in sorted(kinds.items())},
        "table": dg.MetadataValue.table(records, _COLUMNS),
    }
