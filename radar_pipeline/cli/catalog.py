"""radar catalog: what lake, Glue and Dagster do not agree on, and mending it: a plan first, acting on command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table as RichTable

from radar_pipeline.cli.console import NOT_WELL, UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.domain.catalogue.alert import counted
from radar_pipeline.domain.catalogue.drift import Finding, Remedy

if TYPE_CHECKING:
    import dagster as dg

    from radar_pipeline.cli.platform import Platform
    from radar_pipeline.lake.catalogue.cataloguing import RepairReport
    from radar_pipeline.orchestration.catalogue.reconciling import Reconciliation

# What the catalogue's own repair does about a finding.
_DEEDS = {
    Remedy.REGISTER: "register it",
    Remedy.DROP: "take it out of Glue",
    Remedy.MARK: "set its mark",
    Remedy.PROVE: "prove the day: radar run --date",
}
# What a person reads; a lake that was never registered has tens of thousands.
_ROWS_SHOWN = 50

# Every how many findings a repair tells how far it is.
_STEP = 100

_OWN = {Remedy.REGISTER, Remedy.DROP, Remedy.MARK}


@click.group("catalog")
def catalog_group() -> None:
    """Compare the Glue catalogue with what lies in the bucket, and mend it."""


@catalog_group.command("diff")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def diff_command(as_json: bool) -> None:
    """Show what the bucket's listing, Glue's partitions and Dagster's partitions do not agree on.

    Changes nothing. Exit status 0: they agree; 1: they do not; 2: they could not be read.
    """
    from radar_pipeline.cli.platform import dagster_instance, load_platform

    with plain_errors():
        platform = load_platform()
        _require(platform)
        with dagster_instance() as instance:
            found = _look(platform, instance, quiet=as_json)
    if as_json:
        print_json(document(found))
    else:
        _show(found)
    if not found.is_clean:
        raise SystemExit(NOT_WELL)


@catalog_group.command("repair")
@click.option("--apply", "act", is_flag=True, help="Do it; without it the plan is shown and nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def repair_command(act: bool, as_json: bool) -> None:
    """Mend the catalogue: register days that are missing, take out those that are gone, set the marks of tiers.

    Shows the plan; with --apply it acts, looks again and says what is left. Only Glue is changed, never a file. Exit
    status 0: nothing is left to do; 1: something is; 2: it could not be done.
    """
    from radar_pipeline.cli.platform import dagster_instance, load_platform

    with plain_errors():
        platform = load_platform()
        _require(platform)
        with dagster_instance() as instance:
            found = _look(platform, instance, quiet=as_json)
            plan = [finding for finding in found.findings if finding.remedy in _OWN]
            if not act:
                _show_plan(found, plan, as_json=as_json)
                if not found.is_clean:
                    raise SystemExit(NOT_WELL)
                return
            report = _apply(platform, plan, quiet=as_json)
            after = _look(platform, instance, quiet=as_json)
            _tell(platform, instance, after)
    if as_json:
        print_json({**document(after), "mended": len(report.done), "refused": _refused(report)})
    else:
        out.print(f"{len(report.done)} of {len(plan)} mended", highlight=False)
        for refused in _refused(report):
            out.print(f"{refused['table']} {refused['day']}: {refused['why']}", highlight=False, markup=False)
        _show(after)
    if not after.is_clean:
        raise SystemExit(NOT_WELL)


def _require(platform: Platform) -> None:
    if platform.settings.catalogue == "off":
        message = "RADAR_CATALOGUE is off: this environment has no catalogue"
        raise UsageProblem(message)


def _look(platform: Platform, instance: dg.DagsterInstance, *, quiet: bool) -> Reconciliation:
    from radar_pipeline.orchestration.catalogue.reconciling import read_drift

    with progress("comparing the bucket with Glue and Dagster", quiet=quiet) as tell:
        return read_drift(platform.systems, instance, tell)


def _apply(platform: Platform, plan: Sequence[Finding], *, quiet: bool) -> RepairReport:
    from radar_pipeline.orchestration.catalogue.reconciling import mend

    with progress(f"mending {len(plan)} findings", quiet=quiet) as tell:
        return mend(platform.systems, plan, on_progress=_told(tell))


def _told(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    def say(done: int, total: int) -> None:
        if done % _STEP == 0 or done == total:
            tell(f"{done:,} of {total:,} settled")

    return say


def _tell(platform: Platform, instance: dg.DagsterInstance, found: Reconciliation) -> None:
    """Ends what was told of drift and days where nothing of it is left; that it cannot be changes nothing here."""
    from radar_pipeline.orchestration.catalogue.reconciling import judge_drift

    now = platform.clock()
    try:
        with platform.alerting.office(instance) as office:
            opened = {alert.fingerprint: alert for alert in office.centre.open_alerts()}
            watched = judge_drift(platform.systems, found)(opened=opened, now=now)
            if watched.resolved:
                office.centre.record((), watched.resolved, now=now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the catalogue is mended all the same
        err.print(f"its alert could not be ended: {error}", highlight=False, markup=False, soft_wrap=True)


def _show_plan(found: Reconciliation, plan: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        print_json({**document(found), "mended": 0, "refused": []})
        return
    _show(found)
    if plan:
        counts = {deed: sum(finding.remedy is remedy for finding in plan) for remedy, deed in _DEEDS.items()}
        told = ", ".join(f"{deed}: {count:,}" for deed, count in counts.items() if count)
        out.print(f"plan: {told}. Nothing was changed; do it with: radar catalog repair --apply", highlight=False)


def _show(found: Reconciliation) -> None:
    if found.findings:
        view = RichTable(header_style="bold", pad_edge=False)
        view.add_column("table", no_wrap=True)
        view.add_column("day", no_wrap=True)
        view.add_column("what", overflow="fold")
        view.add_column("remedy", overflow="fold")
        for finding in found.findings[:_ROWS_SHOWN]:
            remedy = _DEEDS[finding.remedy] if finding.remedy else "yours to decide"
            words = finding.words.removeprefix(f"{finding.table} {finding.day}: ")
            view.add_row(finding.table, f"{finding.day or ''}", words, remedy)
        out.print(view, markup=False)
        if (more := len(found.findings) - _ROWS_SHOWN) > 0:
            out.print(f"and {more:,} more, which --json lists: {counted(found.findings)}", highlight=False)
    for table, why in sorted(found.unread.items()):
        out.print(f"{table}: not looked at: {why}", style="red", highlight=False, markup=False, soft_wrap=True)
    out.print(found.words, style="bold", highlight=False, markup=False, soft_wrap=True)


def document(found: Reconciliation) -> Mapping[str, Any]:
    """A look for programs."""
    return {
        "clean": found.is_clean,
        "days": found.days,
        "files": found.files,
        "bytes": found.bytes,
        "findings": [
            {
                "table": finding.table,
                "day": finding.day.isoformat() if finding.day else None,
                "kind": finding.kind.value,
                "where": finding.where.value,
                "words": finding.words,
                "remedy": finding.remedy.value if finding.remedy else None,
            }
            for finding in found.findings
        ],
        "unread": dict(found.unread),
    }


def _refused(report: RepairReport) -> list[Mapping[str, Any]]:
    return [
        {"table": finding.table, "day": finding.day.isoformat() if finding.day else None, "why": why}
        for finding, why in report.failed
    ]
