"""Planning of seven years: the registry's 85 tables x 4 files x 2,557 days, 870,000 objects, as a listing brings them.

    python -m benchmarks.retention_plan [--quick]

The listing is made up object by object while the plan reads it, as pages of S3 come in; what making it costs is
measured apart and taken off. Two cases, each in a process of its own: the steady one (everything lies where it belongs,
one day is over), and the worst (everything lies in STANDARD and all but the newest month is to be moved). The worst is
measured once more as Dagster and the command do it: with costs, forecast and metadata, as many listings ahead as may
wait, and the memory of the process as a whole. To reach: under 60 s, under 500 MB (on top of the process itself in the
first two), and four times the objects in four times the time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from benchmarks.common import Measured, in_fresh_process, peak_mb, print_table, status

FILES, DAYS = 4, 2557
QUARTER, HALF = 4, 2
# Listings that may wait to be planned (``lake.listing.list_tables``).
AHEAD = 16

SECONDS, MEGABYTES = 60.0, 500.0

# How much longer four times as many objects may take for each of them, before it is called more than linear.
LINEAR = 1.25


def listing(table: str, days: int, today: dt.date, *, steady: bool) -> Iterator[Any]:
    """A table as a listing brings it: every object with strings and times of its own."""
    from radar_pipeline.domain.aging.policy import RetentionClass  # noqa: PLC0415 - likewise
    from radar_pipeline.domain.aging.tiers import LakeObject, StorageClass  # noqa: PLC0415 - likewise
    from radar_pipeline.domain.layout import BronzeLayout  # noqa: PLC0415 - a process of its own pays for it

    layout, retention = BronzeLayout("origin=airbyte/database=bronze_radar"), RetentionClass()
    for back in range(days - 1, -1, -1):
        day = today - dt.timedelta(days=back)
        folder = layout.folder(table, day)
        tier = retention.due(back - 1) if steady else StorageClass.STANDARD
        for part in range(FILES):
            yield LakeObject(
                f"{folder}file_{table}_part_{part}.parquet",
                10_000_000 + back * 1000 + part,
                dt.datetime(day.year, day.month, day.day, 2, 30, part, tzinfo=dt.UTC),
                f'"{back * 7919 + part:032x}"',
                tier,
            )


def child(request: dict[str, Any]) -> dict[str, Any]:
    """One case in this process."""
    from radar_pipeline.domain.aging.plan import plan_lake, plan_table  # noqa: PLC0415 - likewise
    from radar_pipeline.domain.aging.policy import RetentionPolicy  # noqa: PLC0415 - likewise
    from radar_pipeline.domain.layout import BronzeLayout  # noqa: PLC0415 - a process of its own pays for it
    from radar_pipeline.tables.loader import load_registry  # noqa: PLC0415 - likewise

    today, policy = dt.date(2026, 11, 24), RetentionPolicy()
    steady, days = request["steady"], request["days"]
    names = load_registry().names
    begin, cpu = time.perf_counter(), time.process_time()
    objects = sum(1 for name in names for _ in listing(name, days, today, steady=steady))
    making, making_cpu = time.perf_counter() - begin, time.process_time() - cpu
    before = peak_mb()
    begin, cpu = time.perf_counter(), time.process_time()
    plans = (
        plan_table(
            name,
            listing(name, days, today, steady=steady),
            retention=policy.classes["default"],
            policy=policy,
            layout=BronzeLayout("origin=airbyte/database=bronze_radar"),
            holds=(),
            newest_accepted=today,
            rules_at_work=steady,
            today=today,
        )
        for name in names
    )
    plan = plan_lake(plans, policy, dt.datetime.combine(today, dt.time(), dt.UTC))
    seconds, work = time.perf_counter() - begin - making, time.process_time() - cpu - making_cpu
    steps = sum(len(table.steps) for table in plan.tables)
    taken = {"seconds": seconds, "cpu": work, "making": making, "mb": peak_mb() - before}
    return {**taken, "objects": objects, "steps": steps}


def survey_child(request: dict[str, Any]) -> dict[str, Any]:
    """The worst case in this process as a survey of the lake: all but S3, whose answers are made up."""
    from unittest.mock import patch  # noqa: PLC0415 - a process of its own pays for it

    from radar_pipeline.domain.layout import BronzeLayout  # noqa: PLC0415 - likewise
    from radar_pipeline.lake.listing import TableListing  # noqa: PLC0415 - likewise
    from radar_pipeline.orchestration.aging import metadata, retention, survey  # noqa: PLC0415 - likewise
    from radar_pipeline.tables.loader import load_registry  # noqa: PLC0415 - likewise

    now = dt.datetime(2026, 11, 24, 6, tzinfo=dt.UTC)

    def listings(_store: object, _layout: object, tables: Sequence[str]) -> Iterator[TableListing]:
        # All that may be ahead are there: planning is never quicker than S3.
        ahead: deque[TableListing] = deque()
        for name in tables:
            ahead.append(TableListing(name, tuple(listing(name, request["days"], now.date(), steady=False))))
            if len(ahead) > AHEAD:
                yield ahead.popleft()
        while ahead:
            yield ahead.popleft()

    class Accepted:
        def reach_back_to(self, _day: dt.date) -> None:
            """Nothing is held anywhere."""

        def doubt(self, _table: str, _last: dt.date) -> None:
            """Every record can be read."""

        def newest(self, _table: str, **_: object) -> dt.date:
            return now.date()

    systems: Any = SimpleNamespace(
        settings=SimpleNamespace(retention_file=None, prices_file=None),
        registry=load_registry(),
        layout=BronzeLayout("origin=airbyte/database=bronze_radar"),
        lake=None,
        clock=lambda: now,
    )
    begin = time.perf_counter()
    with (
        patch.object(retention, "list_tables", listings),
        patch.object(retention, "list_quarantine", lambda *_: TableListing("quarantine")),
        patch.object(retention, "list_folders", lambda *_: ()),
        patch.object(retention, "read_holds", lambda *_: ()),
        patch.object(retention, "read_rules", lambda *_: ()),
        patch.object(survey, "accepted_days", lambda *_: Accepted()),
    ):
        found = retention.Retention(systems).survey()
        metadata.plan_metadata(found)
    steps = sum(len(table.steps) for table in found.plan.tables)
    return {"seconds": time.perf_counter() - begin, "mb": peak_mb(), "steps": steps}


def measure(*, quick: bool = False) -> list[Measured]:
    """Both cases in full, and the worst with a quarter and half of the days."""

    def run(*, steady: bool, days: int) -> dict[str, Any]:
        return in_fresh_process("benchmarks.retention_plan", {"steady": steady, "days": days})

    days = DAYS // 8 if quick else DAYS
    rows = []
    for name, steady in (("steady", True), ("all to be moved", False)):
        found = run(steady=steady, days=days)
        what = f"retention plan: {found['objects']:,} objects, {name}"
        target, reached = f"{SECONDS:.0f} s, {MEGABYTES:.0f} MB", found["seconds"] < SECONDS and found["mb"] < MEGABYTES
        ratio = SECONDS / found["seconds"]
        making = f"making the listing ({found['steps']:,} steps)"
        rows.append(
            Measured(what, found["seconds"], making, found["making"], ratio, target, reached, peak_mb=found["mb"])
        )
    whole_survey = in_fresh_process("benchmarks.retention_plan", {"days": days, "survey": True})
    seconds, mb = whole_survey["seconds"], whole_survey["mb"]
    what = f"retention survey: {found['objects']:,} objects, all to be moved"
    peer, reached = "the listing made up included", seconds < SECONDS and mb < MEGABYTES
    rows.append(Measured(what, seconds, peer, seconds, SECONDS / seconds, target, reached, peak_mb=mb))
    whole = min((found, run(steady=False, days=days)), key=lambda each: each["cpu"])
    for part in (HALF, QUARTER):
        less = min((run(steady=False, days=days // part) for _ in range(2)), key=lambda each: each["cpu"])
        # By processor time, the better of two: what else the machine does would bend a comparison. For each step, since
        # the month that stays is a larger part of less.
        each = (whole["cpu"] / whole["steps"]) / (less["cpu"] / less["steps"])
        what = f"retention plan: whole against 1/{part}, processor"
        peer = f"{less['objects']:,} objects"
        # Tenths of a second say nothing about growth.
        reached = None if quick else each <= LINEAR
        target = "-" if quick else f"at most {LINEAR:g} x for each"
        rows.append(Measured(what, whole["cpu"], peer, less["cpu"], each, target, reached))
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="an eighth of the days")
    options = parser.parse_args(arguments)
    if options.child:
        request = json.load(sys.stdin)
        print(json.dumps(survey_child(request) if request.get("survey") else child(request)))
        return 0
    rows = measure(quick=options.quick)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
