"""A small lake of any age, its plan by the policy, and acting on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Bounds, Hold, RetentionPolicy
from radar_pipeline.domain.retention_plan import (
    PlannedStep,
    RetentionPlan,
    Step,
    plan_lake,
    plan_quarantine,
    plan_table,
)
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.deletion import Recheck
from radar_pipeline.lake.holds import read_holds
from radar_pipeline.lake.listing import list_prefix, list_quarantine, list_tables
from radar_pipeline.lake.retention import ApplyReport, apply_plan
from radar_pipeline.lake.store import LakeConfig, LakeStore

# The servers date what is uploaded by their own clock, and a plan is never made before that: so a day from now.
NOW = dt.datetime.now(dt.UTC).replace(hour=6, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
TODAY = NOW.date()
POLICY = RetentionPolicy(bounds=Bounds(table_share=1.0, objects=100_000, bytes=1024**4))

# Ages at which the specified policy wants a day in STANDARD_IA, in GLACIER, and gone.
COOL, COLD, OVER = 40, 120, 2600

# Moved by S3 only from 128 KB on.
LARGE = b"x" * (130 * 1024)


def day(age: int) -> dt.date:
    return TODAY - dt.timedelta(days=age)


def fill(
    store: LakeStore, layout: BronzeLayout, files: Mapping[tuple[str, int], int], body: bytes = LARGE
) -> list[str]:
    """Writes so many files into the folder of each table and age."""
    keys = [
        f"{layout.folder(table, day(age))}file_{table}_part_{part}.parquet"
        for (table, age), count in files.items()
        for part in range(count)
    ]
    for key in keys:
        store.put(key, body)
    return keys


def plan(
    store: LakeStore,
    layout: BronzeLayout,
    tables: Sequence[str],
    *,
    policy: RetentionPolicy = POLICY,
    holds: Sequence[Hold] = (),
    accepted: Mapping[str, dt.date] | None = None,
    today: dt.date = TODAY,
) -> RetentionPlan:
    """What the policy asks for on a day of what lies in the bucket, where the bucket has no rules of its own."""
    common: dict[str, Any] = {
        "policy": policy,
        "layout": layout,
        "holds": holds,
        "rules_at_work": False,
        "today": today,
    }
    plans = []
    for listing in list_tables(store, layout, tables):
        assert listing.problem is None
        newest = (accepted or {}).get(listing.table)
        retention = policy.classes["default"]
        plans.append(plan_table(listing.table, listing.objects, retention=retention, newest_accepted=newest, **common))
    plans.append(plan_quarantine(list_quarantine(store, layout).objects, **common))
    return plan_lake(plans, policy, dt.datetime.combine(today, dt.time(6), dt.UTC))


def only(found: RetentionPlan, step: Step) -> list[PlannedStep]:
    return [each for table in found.tables for each in table.steps if each.step is step]


def apply(
    store: LakeStore, layout: BronzeLayout, found: RetentionPlan, *, run_id: str = "run-1", **options: Any
) -> ApplyReport:
    recheck = options.pop("recheck", None) or Recheck(lambda: read_holds(store, layout), dict)
    options.setdefault("parallel", 8)
    return apply_plan(store, layout, found, recheck=recheck, run_id=run_id, clock=lambda: NOW, **options)


def tiers(store: LakeStore, prefix: str) -> dict[str, StorageClass]:
    return {each.key: each.tier for each in list_prefix(store, prefix)}


def versions(store: LakeStore, prefix: str = "") -> list[tuple[str, str, str]]:
    """Key, class and entity tag of every version that is paid for, by key."""
    pages = store.s3.get_paginator("list_object_versions").paginate(Bucket=store.config.bucket, Prefix=prefix)
    found = [each for page in pages for each in page.get("Versions", ())]
    return sorted((each["Key"], each["StorageClass"], each["ETag"]) for each in found)


def through(config: LakeConfig, url: str, **changes: Any) -> LakeStore:
    """The same bucket by another way, with requests that are made once unless said otherwise."""
    return LakeStore(replace(config, **{"endpoint_url": url, "max_attempts": 1, **changes}))
