"""How a restore looks: its estimate before, its days after."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table as RichTable

from radar_pipeline.cli.console import err, out
from radar_pipeline.domain.prices import PriceList
from radar_pipeline.domain.restoring import Readability, RestoreEstimate, RestorePlan, RestoreTime, readable_until
from radar_pipeline.domain.wording import plural

if TYPE_CHECKING:
    from radar_pipeline.lake.following import RestoreReport

_MINUTES_PER_HOUR = 60


def show_plan(plan: RestorePlan, prices: PriceList) -> None:
    """Prints what lies there and what it costs to have it back."""
    say(_what_lies_there(plan))
    if not plan.objects or not plan.archived:
        return
    if not plan.is_needed:
        say("Nothing has to be asked for.")
        return
    view = RichTable(title=f"restore for {plural(plan.days, 'day', 'days')}", header_style="bold", pad_edge=False)
    for name, justify in (("tier", "left"), ("files", "right"), ("MB", "right"), ("USD", "right"), ("usually", "left")):
        view.add_column(name, justify=justify, no_wrap=name != "usually")  # type: ignore[arg-type]
    for way, estimate in plan.estimates.items():
        mark = " *" if way is plan.retrieval else ""
        view.add_row(f"{way.lower()}{mark}", *_cells(estimate, plan))
    out.print(view)
    estimate = plan.estimate
    if not estimate.unavailable:
        parts = f"{estimate.usd_retrieval:.4f} retrieval, {estimate.usd_requests:.4f} requests"
        say(
            f"* asked for: {parts}, {estimate.usd_copies:.4f} storage of the copies; prices of {prices.as_of}, "
            f"{prices.region}"
        )
    if plan.extends:
        say(f"{plural(len(plan.extends), 'copy', 'copies')} that are there already would live longer")


def show_report(report: RestoreReport, now: dt.datetime) -> None:
    """Prints how far each day is."""
    view = RichTable(title=report.table, header_style="bold", pad_edge=False)
    view.add_column("day", no_wrap=True)
    view.add_column("files", justify="right")
    view.add_column("readable", justify="right")
    view.add_column("until", no_wrap=True)
    for day in report.days:
        until = f"{day.readable_until:%Y-%m-%d %H:%M} UTC" if day.readable_until else "-"
        view.add_row(day.day.isoformat(), f"{day.objects:,}", f"{day.readable:,}", until)
    out.print(view)
    ready = sum(day.is_readable for day in report.days)
    say(f"{ready} of {plural(len(report.days), 'day', 'days')} can be read on {now:%Y-%m-%d %H:%M} UTC")


def show_problems(problems: Iterable[str]) -> None:
    """Prints what went wrong, a line each."""
    for each in problems:
        err.print(each, style="red", highlight=False, markup=False, soft_wrap=True)


def plan_document(plan: RestorePlan) -> Mapping[str, Any]:
    """The plan for programs."""
    states = Counter(each.state(plan.made_at) for each in plan.objects)
    return {
        "table": plan.table,
        "from": plan.first.isoformat(),
        "to": plan.last.isoformat(),
        "days": plan.days,
        "tier": plan.retrieval.lower(),
        "objects": {state.name.lower(): states[state] for state in Readability},
        "to_start": len(plan.starts),
        "to_extend": len(plan.extends),
        "estimates": {way.lower(): _estimate_document(each) for way, each in plan.estimates.items()},
    }


def report_document(report: RestoreReport) -> Mapping[str, Any]:
    """How far it is, for programs."""
    days = [
        {
            "day": day.day.isoformat(),
            "objects": day.objects,
            "readable": day.readable,
            "under_way": day.under_way,
            "readable_until": day.readable_until.isoformat() if day.readable_until else None,
        }
        for day in report.days
    ]
    return {
        "readable": report.is_readable,
        "timed_out": report.timed_out,
        "report": days,
        "problems": dict(report.problems),
    }


def say(text: str) -> None:
    """Prints a line for a person."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def _what_lies_there(plan: RestorePlan) -> str:
    span = f"on {plan.first}" if plan.first == plan.last else f"from {plan.first} to {plan.last}"
    if not plan.objects:
        return f"nothing of {plan.table} lies in the bucket {span}"
    files = f"{plural(len(plan.objects), 'file', 'files')} of {plural(len(plan.by_day()), 'day', 'days')}"
    if not plan.archived:
        return f"nothing of {plan.table} is archived {span}: all {files} can be read as they are"
    states = Counter(each.state(plan.made_at) for each in plan.objects)
    parts = ", ".join(f"{states[state]:,} {state.value}" for state in Readability if states[state])
    until = readable_until(plan.objects, plan.made_at)
    tail = f"; all can be read until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"{plan.table} {span}: {files}: {parts}{tail}"


def _cells(estimate: RestoreEstimate, plan: RestorePlan) -> tuple[str, str, str, str]:
    if estimate.unavailable:
        return "-", "-", "-", estimate.unavailable
    count = f"{estimate.objects + len(plan.extends):,}"
    return count, f"{estimate.bytes / 1e6:,.1f}", f"{estimate.usd:,.4f}", _time(estimate.time)


def _time(time: RestoreTime | None) -> str:
    if time is None:
        return "at once"
    until = _span(time.usually_until)
    return f"{_span(time.usually_from)} to {until}" if time.usually_from else f"within {until}"


def _span(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < _MINUTES_PER_HOUR else f"{minutes // _MINUTES_PER_HOUR} h"


def _estimate_document(estimate: RestoreEstimate) -> Mapping[str, Any]:
    time = estimate.time
    return {
        "unavailable": estimate.unavailable,
        "objects": estimate.objects,
        "bytes": estimate.bytes,
        "usd": estimate.usd,
        "usd_retrieval": estimate.usd_retrieval,
        "usd_requests": estimate.usd_requests,
        "usd_copies": estimate.usd_copies,
        "hours_from": time.usually_from.total_seconds() / 3600 if time and time.usually_from else None,
        "hours_until": time.usually_until.total_seconds() / 3600 if time else None,
    }
