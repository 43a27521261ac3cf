"""What the Dagster UI shows of retention: tables for people, and numbers of which it draws a history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.prices import CostLine
from radar_pipeline.domain.retention_plan import Step, Tally
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.domain.watching_retention import differences

if TYPE_CHECKING:
    from radar_pipeline.orchestration.retention import Applied
    from radar_pipeline.orchestration.survey import RulesState, Survey

# Reasons of a table of the UI at most, the weightiest first.
_REASONS = 25

_MIB = 1024**2


def plan_metadata(survey: Survey) -> Mapping[str, Any]:
    """Metadata of a plan."""
    plan, cost = survey.plan, survey.cost
    found: dict[str, Any] = {
        "day": survey.day.isoformat(),
        "tiers": cost_table(cost.tiers, "tier", once=False),
        "actions": cost_table(cost.actions, "action"),
        "tables": _tables(survey),
        "kept": _kept(survey),
        "forecast": _forecast(survey),
        "holds": sum(hold.is_active for hold in survey.holds),
        "prices": f"{survey.prices.region}, {survey.prices.as_of}: {survey.prices.source}",
        "policy": str(survey.policy.path) if survey.policy.path else "made in memory",
    }
    if plan.stops:
        found["stops"] = dg.MetadataValue.md("\n".join(f"- {stop}" for stop in plan.stops))
    if survey.problems:
        found["problems"] = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in survey.problems))
    lines = {line.name: line for line in cost.tiers}
    # The UI draws one plot for each number. A tier that holds nothing yet is drawn as 0, so that its line has no hole.
    of_policy = {move.to for each in survey.policy.classes.values() for move in each.transitions}
    for tier in (tier for tier in StorageClass if tier in {StorageClass.STANDARD, *of_policy} or tier in lines):
        line = lines.get(tier.value, CostLine(tier.value, 0, 0, 0.0))
        name = tier.value.lower()
        found |= {
            f"objects_{name}": line.objects,
            f"mib_{name}": round(line.bytes / _MIB, 3),
            f"usd_per_month_{name}": round(line.usd_per_month, 4),
        }
    for step in (Step.MOVE, Step.COMPACT, Step.DELETE):
        tally = survey.tally(step)
        found |= {f"objects_to_{step}": tally.objects, f"mib_to_{step}": round(tally.bytes / _MIB, 3)}
    total = survey.forecast.total
    return found | {
        "objects": sum(line.objects for line in cost.tiers),
        "mib": round(sum(line.bytes for line in cost.tiers) / _MIB, 3),
        "usd_per_month": round(cost.usd_per_month, 4),
        "usd_per_month_after": round(cost.usd_per_month_after, 4),
        "usd_once": round(cost.usd_once, 4),
        "forecast_usd": round(total.policy_usd, 2),
        "forecast_saved_usd": round(total.saved_usd, 2),
        "bounds_exceeded": len(plan.stops),
    }


def run_metadata(survey: Survey, applied: Applied, *, marked: int, observed: int) -> Mapping[str, Any]:
    """Metadata of what was done.

    Args:
        survey: What was planned.
        applied: What came of it.
        marked: Days marked in the catalogue.
        observed: Days observed in Dagster.
    """
    report = applied.report
    rows = [
        {
            "step": str(step),
            "planned": survey.tally(step).objects,
            "done": (done := report.done.get(step, Tally())).objects,
            "MiB": round(done.bytes / _MIB, 3),
        }
        for step in (Step.MOVE, Step.COMPACT, Step.DELETE)
    ]
    found: dict[str, Any] = {
        "audit_run": report.run_id,
        "steps": _table(rows),
        "left": len(report.skipped),
        "failed": len(applied.failures),
        "days_marked": marked,
        "days_observed": observed,
    }
    for step in (Step.MOVE, Step.COMPACT, Step.DELETE):
        done = report.done.get(step, Tally())
        found |= {f"objects_done_{step}": done.objects, f"mib_done_{step}": round(done.bytes / _MIB, 3)}
    if report.skipped:
        counted = Counter(left.why for left in report.skipped).most_common(_REASONS)
        found["left_because"] = _table([{"reason": why, "objects": number} for why, number in counted])
    if applied.failures:
        found["failures"] = dg.MetadataValue.md("\n".join(f"- {each}" for each in applied.failures[:_REASONS]))
    return found


def rules_metadata(rules: RulesState) -> Mapping[str, Any]:
    """Metadata of the check of the bucket's rules."""
    found: dict[str, Any] = {"rules_of_the_policy": len(rules.wanted), "rules_set": len(rules.ours)}
    if rules.diff:
        told = differences(rules.diff)
        found["differences"] = len(told)
        if told:
            found["what"] = dg.MetadataValue.md("\n".join(f"- {each}" for each in told))
    return found


def bounds_metadata(survey: Survey) -> Mapping[str, Any]:
    """Metadata of the check of what is to be deleted."""
    tally, bounds = survey.tally(Step.DELETE), survey.policy.bounds
    return {
        "objects": tally.objects,
        "objects_allowed": bounds.objects,
        "bytes": tally.bytes,
        "bytes_allowed": bounds.bytes,
        "table_share_allowed": bounds.table_share,
    }


def cost_table(lines: Sequence[CostLine], name: str, *, once: bool = True) -> dg.TableMetadataValue:
    """Tiers or actions with their cost, one a line, and the sum."""
    total = CostLine(
        "all",
        sum(line.objects for line in lines),
        sum(line.bytes for line in lines),
        sum(line.usd_per_month for line in lines),
        sum(line.usd_once for line in lines),
    )
    rows = [
        {
            name: str(line.name),
            "objects": line.objects,
            "MiB": round(line.bytes / _MIB, 3),
            "USD a month": round(line.usd_per_month, 4),
            **({"USD once": round(line.usd_once, 4)} if once else {}),
        }
        for line in ((*lines, total) if len(lines) > 1 else lines)
    ]
    return _table(rows, [name, "objects", "MiB", "USD a month", *(["USD once"] if once else [])])


def _tables(survey: Survey) -> dg.TableMetadataValue:
    """Every table that holds anything, or has a problem, with what is to be done."""
    rows = []
    for table in survey.plan.tables:
        lies: Tally = sum(table.tiers.values(), Tally())
        if not lies.objects and not table.problem:
            continue
        steps = Counter(step.step for step in table.steps)
        rows.append(
            {
                "table": table.table,
                "objects": lies.objects,
                "MiB": round(lies.bytes / _MIB, 3),
                **{str(step): steps[step] for step in (Step.MOVE, Step.COMPACT, Step.DELETE)},
                "problem": table.problem or "",
            }
        )
    return _table(rows, ["table", "objects", "MiB", "move", "compact", "delete", "problem"])


def _kept(survey: Survey) -> dg.TableMetadataValue:
    """Why what stays as it is stays, the weightiest reasons."""
    found: defaultdict[str, Tally] = defaultdict(Tally)
    for table in survey.plan.tables:
        for reason, tally in table.kept.items():
            found[reason] += tally
    heaviest = sorted(found.items(), key=lambda each: -each[1].objects)[:_REASONS]
    rows = [
        {"reason": reason, "objects": tally.objects, "MiB": round(tally.bytes / _MIB, 3)} for reason, tally in heaviest
    ]
    return _table(rows, ["reason", "objects", "MiB"])


def _forecast(survey: Survey) -> dg.TableMetadataValue:
    rows = [
        {
            "year": year.year,
            "USD under the policy": round(year.policy_usd, 2),
            "USD without": round(year.unmanaged_usd, 2),
            "saved so far": round(year.unmanaged_total_usd - year.policy_total_usd, 2),
        }
        for year in survey.forecast.total.years
    ]
    return _table(rows, ["year", "USD under the policy", "USD without", "saved so far"])


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> dg.TableMetadataValue:
    """A table as the UI shows it; one without lines needs its columns named."""
    records = [dg.TableRecord(dict(row)) for row in rows]
    names = list(records[0].data) if records else list(columns)
    types = {int: "int", float: "float"}
    kinds = {name: types.get(type(records[0].data[name]), "string") if records else "string" for name in names}
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(n, kinds[n]) for n in names]))
