"""How `radar retention` shows plans, tiers, holds, runs and forecasts, to people and to programs."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table as RichTable

from radar_pipeline.domain.aging.plan import PlannedStep, Step, Tally
from radar_pipeline.domain.aging.watching import differences

if TYPE_CHECKING:
    from radar_pipeline.domain.aging.forecast import Forecast, LakeForecast
    from radar_pipeline.domain.aging.policy import Hold
    from radar_pipeline.domain.aging.prices import CostLine
    from radar_pipeline.lake.aging.audit import AuditEntry
    from radar_pipeline.orchestration.aging.retention import Applied
    from radar_pipeline.orchestration.aging.survey import RulesState, Survey

_REASONS = 12
_MB = 1e6


def cost_view(lines: Sequence[CostLine], title: str, name: str, *, once: bool) -> RichTable:
    """Tiers or actions with their cost."""
    view = RichTable(title=title, header_style="bold", pad_edge=False)
    view.add_column(name, no_wrap=True)
    for column in ("objects", "MB", "USD a month", *(["USD once"] if once else [])):
        view.add_column(column, justify="right")
    for line in lines:
        view.add_row(
            line.name,
            f"{line.objects:,}",
            f"{line.bytes / _MB:,.1f}",
            f"{line.usd_per_month:,.4f}",
            *([f"{line.usd_once:,.4f}"] if once else []),
        )
    return view


def kept_view(survey: Survey) -> RichTable:
    """Why what stays as it is stays, the weightiest reasons."""
    found = kept_of(survey)
    view = RichTable(title="stays as it is", header_style="bold", pad_edge=False)
    view.add_column("reason")
    for column in ("objects", "MB"):
        view.add_column(column, justify="right")
    for reason, tally in found[:_REASONS]:
        view.add_row(escape(reason), f"{tally.objects:,}", f"{tally.bytes / _MB:,.1f}")
    if rest := found[_REASONS:]:
        total: Tally = sum((tally for _, tally in rest), Tally())
        view.add_row(f"{len(rest)} more reasons", f"{total.objects:,}", f"{total.bytes / _MB:,.1f}")
    return view


def kept_of(survey: Survey) -> list[tuple[str, Tally]]:
    """What stays by reason, over all tables, the most objects first."""
    found: defaultdict[str, Tally] = defaultdict(Tally)
    for table in survey.plan.tables:
        for reason, tally in table.kept.items():
            found[reason] += tally
    return sorted(found.items(), key=lambda each: (-each[1].objects, each[0]))


def step_line(step: PlannedStep) -> str:
    """One planned step in a line."""
    what = f"{step.step} to {step.to}" if step.to else str(step.step)
    return f"{what}: {step.object.key} ({step.object.size:,} bytes, {step.object.tier}): {step.reason}"


def plan_document(survey: Survey) -> Mapping[str, Any]:
    """A plan for programs: every key with its reason."""
    cost = survey.cost
    return {
        "day": survey.day.isoformat(),
        "made_at": survey.plan.made_at.isoformat(),
        "stops": list(survey.plan.stops),
        "problems": list(survey.problems),
        "folders_of_no_table": list(survey.strangers),
        "rules": rules_document(survey.rules),
        "cost": {
            "prices": {"region": survey.prices.region, "as_of": survey.prices.as_of, "source": survey.prices.source},
            "tiers": [vars(line) for line in cost.tiers],
            "actions": [vars(line) for line in cost.actions],
            "usd_per_month": cost.usd_per_month,
            "usd_per_month_after": cost.usd_per_month_after,
            "usd_once": cost.usd_once,
        },
        "steps": [step_document(step) for step in survey.steps],
        "kept": [{"reason": reason, **_tally(tally)} for reason, tally in kept_of(survey)],
        "tables": [
            {
                "table": table.table,
                "tiers": {tier.value: _tally(tally) for tier, tally in table.tiers.items()},
                "steps": {step.value: done.objects for step in Step if (done := table.steps.tally(step)).objects},
                "problem": table.problem,
            }
            for table in survey.plan.tables
        ],
    }


def step_document(step: PlannedStep) -> Mapping[str, Any]:
    """A planned step for programs."""
    return {
        "table": step.table,
        "day": step.day.isoformat(),
        "key": step.object.key,
        "bytes": step.object.size,
        "tier": step.object.tier.value,
        "step": step.step.value,
        "to": step.to.value if step.to else None,
        "reason": step.reason,
    }


def applied_document(applied: Applied) -> Mapping[str, Any]:
    """What was done, for programs."""
    report = applied.report
    return {
        "run_id": report.run_id,
        "done": {str(step): _tally(tally) for step, tally in report.done.items()},
        "left": [{**step_document(each.step), "why": each.why} for each in report.skipped],
        "failed": list(applied.failures),
        "stops": list(report.stops),
        "complete": report.is_complete and not applied.failures,
    }


def rules_document(rules: RulesState) -> Mapping[str, Any]:
    """The bucket's rules for programs."""
    told = list(differences(rules.diff)) if rules.diff else []
    return {
        "match": rules.diff is not None and not told,
        "problem": rules.problem,
        "differences": told,
        "wanted": [dict(rule) for rule in rules.wanted],
        "set": [dict(rule) for rule in rules.found],
    }


def hold_document(hold: Hold) -> Mapping[str, Any]:
    """A hold for programs."""
    return {
        "id": hold.id,
        "table": hold.table,
        "from": hold.first,
        "to": hold.last,
        "reason": hold.reason,
        "by": hold.by,
        "placed_at": hold.placed_at,
        "active": hold.is_active,
        "released_by": hold.released_by or None,
        "released_at": hold.released_at,
        "release_reason": hold.release_reason or None,
    }


def holds_view(holds: Iterable[Hold]) -> RichTable:
    """Holds that are active."""
    view = RichTable(title="holds", header_style="bold", pad_edge=False)
    for name in ("id", "table", "from", "to", "reason", "by", "since (UTC)"):
        view.add_column(name, no_wrap=name in {"id", "table"})
    for hold in holds:
        view.add_row(
            escape(hold.id),
            escape(hold.table),
            str(hold.first or "the beginning"),
            str(hold.last or "no end"),
            escape(hold.reason),
            escape(hold.by),
            f"{hold.placed_at:%Y-%m-%d %H:%M}" if hold.placed_at else "",
        )
    return view


@dataclass(frozen=True)
class PastRun:
    """One run by the audit log.

    Attributes:
        id: Its id.
        began: When it wrote first, UTC.
        done: Objects by what was done to them.
        failed: How many failed.
        open: Objects of which the log says what was to be done and not what came of it: the run was killed there.
    """

    id: str
    began: dt.datetime
    done: Mapping[str, int]
    failed: int
    open: int


def past_runs(entries: Iterable[AuditEntry]) -> list[PastRun]:
    """Runs by the audit log, newest first."""
    by_run: defaultdict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        by_run[entry.run_id].append(entry)
    found = []
    for name, lines in by_run.items():
        done = Counter(str(line.action) for line in lines if line.phase == "done")
        failed = {(line.action, line.key) for line in lines if line.phase == "failed"}
        ended = {(line.action, line.key) for line in lines if line.phase != "intent"}
        begun = {(line.action, line.key) for line in lines if line.phase == "intent"}
        found.append(PastRun(name, min(line.at for line in lines), done, len(failed), len(begun - ended)))
    return sorted(found, key=lambda run: run.began, reverse=True)


def runs_view(runs: Sequence[PastRun]) -> RichTable:
    """Past runs for people."""
    view = RichTable(title="last runs", header_style="bold", pad_edge=False)
    for name in ("run", "began (UTC)"):
        view.add_column(name, no_wrap=True)
    for name in ("moved", "deleted", "brought back", "failed", "unfinished"):
        view.add_column(name, justify="right")
    for run in runs:
        numbers = (
            run.done.get("move", 0),
            run.done.get("delete", 0),
            run.done.get("undelete", 0),
            run.failed,
            run.open,
        )
        view.add_row(run.id, f"{run.began:%Y-%m-%d %H:%M}", *(f"{number:,}" if number else "-" for number in numbers))
    return view


def forecast_view(forecast: LakeForecast) -> tuple[RichTable, RichTable]:
    """The years of the lake, and the tables by what the policy saves."""
    years = RichTable(title="the lake, from its first day on", header_style="bold", pad_edge=False)
    years.add_column("year", justify="right")
    for name in ("GB at its end", "USD under the policy", "USD without", "saved so far"):
        years.add_column(name, justify="right")
    for year in forecast.total.years:
        years.add_row(
            str(year.year),
            f"{year.policy_bytes / 1024**3:,.2f}",
            f"{year.policy_usd:,.2f}",
            f"{year.unmanaged_usd:,.2f}",
            f"{year.unmanaged_total_usd - year.policy_total_usd:,.2f}",
        )
    tables = RichTable(title=f"all {len(forecast.total.years)} years by table", header_style="bold", pad_edge=False)
    tables.add_column("table", no_wrap=True)
    for name in ("files a day", "MB a day", "USD under the policy", "USD without", "saved"):
        tables.add_column(name, justify="right")
    for each in (*sorted(forecast.tables, key=lambda one: -one.saved_usd), forecast.total):
        tables.add_row(
            each.table or "all",
            f"{each.load.objects:,.1f}",
            f"{each.load.bytes / _MB:,.2f}",
            f"{each.policy_usd:,.2f}",
            f"{each.unmanaged_usd:,.2f}",
            f"{each.saved_usd:,.2f}",
        )
    return years, tables


def forecast_document(forecast: LakeForecast) -> Mapping[str, Any]:
    """A forecast for programs."""
    return {"total": _forecast(forecast.total), "tables": [_forecast(each) for each in forecast.tables]}


def _forecast(each: Forecast) -> Mapping[str, Any]:
    return {
        "table": each.table,
        "objects_a_day": each.load.objects,
        "bytes_a_day": each.load.bytes,
        "policy_usd": each.policy_usd,
        "unmanaged_usd": each.unmanaged_usd,
        "saved_usd": each.saved_usd,
        "years": [vars(year) for year in each.years],
    }


def _tally(tally: Tally) -> Mapping[str, int]:
    return {"objects": tally.objects, "bytes": tally.bytes}


def done_words(applied: Applied) -> str:
    """What was done, in one line."""
    report = applied.report
    words = {Step.MOVE: "moved", Step.COMPACT: "merged", Step.DELETE: "deleted"}
    parts = [
        f"{tally.objects:,} objects {words[step]} ({tally.bytes / _MB:,.1f} MB)"
        for step, tally in report.done.items()
        if tally.objects and step in words
    ]
    if report.skipped:
        parts.append(f"{len(report.skipped):,} left for a reason")
    return "; ".join(parts) or "nothing was done"
