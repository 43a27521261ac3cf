"""A lake of one table in memory, on which plans are carried out as the bucket would carry them out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Hold, RetentionClass, RetentionPolicy
from radar_pipeline.domain.retention_moves import rule_day
from radar_pipeline.domain.retention_plan import Step, TablePlan, plan_table
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, LakeObject, StorageClass

LAYOUT = BronzeLayout("origin=airbyte/database=bronze_radar")
TODAY = dt.date(2026, 11, 24)
LARGE = 40 * 1024 * 1024
POLICY = RetentionPolicy()


def ago(days: int, today: dt.date = TODAY) -> dt.date:
    return today - dt.timedelta(days=days)


def at(day: dt.date, hour: int = 2) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, 30), dt.UTC)


def stored(
    day: dt.date,
    name: str = "file_store_part_0.parquet",
    *,
    size: int = LARGE,
    tier: StorageClass = StorageClass.STANDARD,
    written: dt.date | None = None,
    table: str = "store",
) -> LakeObject:
    key = f"{LAYOUT.folder(table, day)}{name}"
    return LakeObject(key, size, at(written or day), f'"{uuid.uuid5(uuid.NAMESPACE_URL, key).hex}"', tier)


def hold(table: str = "store", first: dt.date | None = None, last: dt.date | None = None) -> Hold:
    return Hold("20261124-7f3a", table, first, last, "audit of 2026", "legal@radar.example", at(TODAY))


def plan(
    objects: Iterable[LakeObject],
    *,
    retention: RetentionClass | None = None,
    policy: RetentionPolicy = POLICY,
    holds: Sequence[Hold] = (),
    accepted: dt.date | None = TODAY,
    rules: bool = False,
    today: dt.date = TODAY,
    table: str = "store",
) -> TablePlan:
    return plan_table(
        table,
        objects,
        retention=retention or policy.classes["default"],
        policy=policy,
        layout=LAYOUT,
        holds=holds,
        newest_accepted=accepted,
        rules_at_work=rules,
        today=today,
    )


def why(found: TablePlan) -> dict[str, str]:
    """The reason of every step by the key's name, with what is to be done."""
    return {
        step.object.key.rpartition("/")[2]: f"{step.step}{f' to {step.to}' if step.to else ''}: {step.reason}"
        for step in found.steps
    }


@dataclass
class Bucket:
    """Objects of one table, what was done to them, and a rule engine like S3's."""

    retention: RetentionClass
    objects: dict[str, LakeObject] = field(default_factory=dict)
    moves: dict[str, list[StorageClass]] = field(default_factory=dict)
    deleted: dict[str, dt.date] = field(default_factory=dict)

    def put(self, *objects: LakeObject) -> None:
        self.objects |= {each.key: each for each in objects}

    def carry_out(self, found: TablePlan, today: dt.date) -> None:
        """What apply does: a copy in place is written anew, small files become one."""
        for step in found.steps:
            if step.step is Step.MOVE:
                assert step.to is not None
                self._move(replace(step.object, tier=step.to, modified_at=at(today, 5)))
            else:
                del self.objects[step.object.key]
                if step.step is Step.DELETE:
                    self.deleted[step.object.key] = today
        merged = [step for step in found.steps if step.step is Step.COMPACT]
        for day in {step.day for step in merged}:
            size = sum(step.object.size for step in merged if step.day == day)
            self.put(replace(stored(day, "file_merged.parquet", size=size), modified_at=at(today, 5)))

    def obey_rules(self, today: dt.date) -> None:
        """What the bucket's own rules do: by upload age, large objects only, and the time of writing stays."""
        for each in list(self.objects.values()):
            due = [
                tier.to for tier in self.retention.transitions if rule_day(each.modified_at, tier.after_days) <= today
            ]
            if due and each.size >= SMALLEST_MOVED_BYTES and due[-1].rank > each.tier.rank:
                self._move(replace(each, tier=due[-1]))

    def _move(self, moved: LakeObject) -> None:
        self.objects[moved.key] = moved
        self.moves.setdefault(moved.key, []).append(moved.tier)
