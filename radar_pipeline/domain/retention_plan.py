"""What the policy asks for, object by object, before anything is done: each with its reason.

Deciding is all that happens here. The plan is made from a listing; whoever acts on it looks at each object again
(``still_due``). Unknown means keep: what lies in no day's folder, what is no data, a class of storage that the policy
does not know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout, stored_name
from radar_pipeline.domain.retention import Hold, RetentionClass, RetentionPolicy, SmallObjects
from radar_pipeline.domain.retention_moves import TOO_SMALL, MoveJudge, rule_day
from radar_pipeline.domain.retention_notes import Day, Notes, by_day
from radar_pipeline.domain.retention_steps import PlannedStep, RetentionPlan, Step, TablePlan, Tally
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, LakeObject, StorageClass

__all__ = [
    "QUARANTINE",
    "PlannedStep",
    "RetentionPlan",
    "Standing",
    "Step",
    "TablePlan",
    "Tally",
    "plan_lake",
    "plan_quarantine",
    "plan_table",
    "still_due",
]

QUARANTINE = "quarantine"

_FUTURE = "its day lies in the future"
_MARKER_STAYS = "marks files of a day that stays"
_NEWEST = "belongs to the newest accepted snapshot of the table"
_LAST = "belongs to the newest day that has data: no later snapshot is accepted"
_WHOLE = "its day is over, but its folder holds what cannot go with it: a day goes whole or not at all"
_MERGE = "smaller than 128 KB: the small files of its day are merged first, and the whole is moved"
_ALONE = "smaller than 128 KB, and so is all of its day that it could be merged with"


@dataclass(frozen=True)
class Standing:
    """What the ledger says of every table.

    Attributes:
        accepted: Day of the newest accepted snapshot by table; None where none is on record.
    """

    accepted: Mapping[str, dt.date | None]


def plan_table(
    table: str,
    objects: Iterable[LakeObject],
    *,
    retention: RetentionClass,
    policy: RetentionPolicy,
    layout: BronzeLayout,
    holds: Sequence[Hold],
    newest_accepted: dt.date | None,
    rules_at_work: bool,
    today: dt.date,
) -> TablePlan:
    """What the policy asks for the objects of one table.

    Args:
        table: Table name.
        objects: Everything under the table's prefix, in any order.
        retention: How the table ages.
        policy: The policy.
        layout: Where things lie.
        holds: All holds.
        newest_accepted: Day of the newest accepted snapshot; None where none is on record. A ledger that cannot be read
            is not None: then no plan may be made.
        rules_at_work: Whether the bucket's own rules are set as the policy asks.
        today: The day on which it is planned, UTC.
    """
    notes = Notes(table)
    days = by_day(objects, layout, table, notes)
    with_data = [day for day, found in days.items() if found.data and day <= today]
    stands = newest_accepted if newest_accepted in with_data else max(with_data, default=None)
    judge = MoveJudge(retention, rules_at_work, policy.rule_grace_days, today)
    active = _holds_on(holds, table)
    for day, found in days.items():
        if day > today:
            notes.keep_all(found.all, _FUTURE)
            continue
        hold = _held(active, day)
        stays: str | None = None
        if retention.delete_after_days is not None and (today - day).days >= retention.delete_after_days:
            stays = _why_it_stays(found, hold, is_newest=day == stands, is_accepted=newest_accepted == day)
            if stays is None:
                notes.delete(found.all, day, _over(retention.name, retention.delete_after_days))
                continue
        notes.keep_all(found.markers, _MARKER_STAYS)
        merged = _mergeable(found.data, day, judge, hold is not None)
        for each in found.data:
            if each.size < SMALLEST_MOVED_BYTES and each.tier is StorageClass.STANDARD and merged:
                notes.plan(each, day, Step.COMPACT, None, _MERGE)
                continue
            move = judge.judge(each, day)
            if move.to is not None:
                notes.plan(each, day, Step.MOVE, move.to, move.reason)
            else:
                notes.keep(each, stays or _said_of_small(move.reason, retention))
    return notes.finish()


def plan_quarantine(
    objects: Iterable[LakeObject],
    *,
    policy: RetentionPolicy,
    layout: BronzeLayout,
    holds: Sequence[Hold],
    rules_at_work: bool,
    today: dt.date,
) -> TablePlan:
    """What the policy asks for quarantined objects; the plan's table is called ``quarantine``.

    Args:
        objects: Everything under the quarantine's prefix, in any order.
        policy: The policy.
        layout: Where things lie.
        holds: All holds: they keep quarantined files of their table and days too.
        rules_at_work: Whether a rule of the bucket removes quarantined files.
        today: The day on which it is planned, UTC.
    """
    notes = Notes(QUARANTINE)
    over = f"in quarantine for {policy.quarantine_days} days or more"
    for each in objects:
        notes.count(each)
        origin = each.key.removeprefix(layout.quarantine_prefix)
        day = layout.day_of(origin) if each.key.startswith(layout.quarantine_prefix) else None
        if day is None:
            notes.name(each, "is no quarantined file of a day")
            continue
        table = origin.removeprefix(f"{layout.prefix}/").partition("/")[0]
        hold = _held(_holds_on(holds, table), day)
        due = rule_day(each.modified_at, policy.quarantine_days)
        late = due + dt.timedelta(days=policy.rule_grace_days)
        if each.tier is StorageClass.OTHER:
            notes.keep(each, "lies in a storage class that the policy has no use for")
        elif today < due:
            notes.keep(each, f"in quarantine for less than {policy.quarantine_days} days")
        elif hold is not None:
            notes.keep(each, _words_of(hold))
        elif rules_at_work and today <= late:
            notes.keep(each, f"left to the bucket's rule, due {due}")
        else:
            notes.steps.append(PlannedStep(each, table, day, Step.DELETE, None, over, quarantined=True))
    return notes.finish()


def plan_lake(tables: Iterable[TablePlan], policy: RetentionPolicy, made_at: dt.datetime) -> RetentionPlan:
    """The plans of all tables as one, with every bound that it exceeds.

    A stop keeps all deletions of the run from happening, in every table. Moves are not bounded: they lose nothing.
    """
    plans = tuple(tables)
    bounds, stops, total = policy.bounds, [], Tally()
    for plan in plans:
        deletions = [step for step in plan.steps if step.step is Step.DELETE]
        total += Tally(len(deletions), sum(step.object.size for step in deletions))
        if plan.table != QUARANTINE and (too_much := _over_its_share(plan, deletions, bounds.table_share)):
            stops.append(too_much)
    if total.objects > bounds.objects:
        more = f"{total.objects - bounds.objects:,} more than bounds.objects allows ({bounds.objects:,})"
        stops.append(f"{total.objects:,} objects are to be deleted, {more}")
    if total.bytes > bounds.bytes:
        more = f"{total.bytes - bounds.bytes:,} more than bounds.bytes allows ({bounds.bytes:,})"
        stops.append(f"{total.bytes:,} bytes are to be deleted, {more}")
    advice = f"where the plan is right, radar retention apply --allow-deletions {total.objects} allows exactly it"
    return RetentionPlan(made_at, plans, tuple(f"{stop}: nothing is deleted; {advice}" for stop in stops))


def _over_its_share(plan: TablePlan, deletions: Sequence[PlannedStep], share: float) -> str | None:
    """What is wrong where more of a table is to be deleted than its share."""
    listed = sum(tally.objects for tally in plan.tiers.values())
    # The objects of one day are what a run deletes when all is well, however little is left of the table.
    ordinary = share > 0 and len({step.day for step in deletions}) == 1
    if not deletions or ordinary or len(deletions) <= share * listed:
        return None
    wanted = f"{len(deletions):,} of {listed:,} objects ({len(deletions) / listed:.1%}) are to be deleted"
    return f'table "{plan.table}": {wanted}, bounds.table_share allows {share:.1%}'


def still_due(
    step: PlannedStep, listed: LakeObject | None, holds: Sequence[Hold], newest_accepted: dt.date | None
) -> str | None:
    """The second look just before acting: why to leave the object after all; None where the step still stands.

    Args:
        step: What was planned.
        listed: The object as it is now, from a listing or a HEAD; None where it is gone.
        holds: Holds as they are now.
        newest_accepted: Day of the table's newest accepted snapshot as it is now; None where none is on record.
    """
    if listed is None:
        return "is gone"
    planned = step.object
    # A HEAD knows the time to the second, a listing may know more.
    written = [each.modified_at.replace(microsecond=0) for each in (listed, planned)]
    if (listed.key, listed.size, listed.etag) != (planned.key, planned.size, planned.etag) or written[0] != written[1]:
        return "was written anew since it was planned"
    if listed.tier is StorageClass.OTHER:
        return "lies in a storage class that the policy has no use for"
    if step.step is Step.MOVE and listed.tier is step.to:
        return f"lies in {step.to} already"
    if step.step is not Step.DELETE and listed.tier is not planned.tier:
        return f"lies in {listed.tier} now, and was planned in {planned.tier}"
    if step.step is Step.MOVE:
        return None
    if (hold := _held(_holds_on(holds, step.table), step.day)) is not None:
        return _words_of(hold)
    if step.step is Step.DELETE and not step.quarantined and newest_accepted == step.day:
        return _NEWEST
    return None


def _why_it_stays(found: Day, hold: Hold | None, *, is_newest: bool, is_accepted: bool) -> str | None:
    """Why a day that is over is not deleted; None where it is."""
    if hold is not None:
        return _words_of(hold)
    if is_newest:
        return _NEWEST if is_accepted else _LAST
    return None if found.is_whole else _WHOLE


def _mergeable(data: Sequence[LakeObject], day: dt.date, judge: MoveJudge, is_held: bool) -> bool:
    """Whether the small files of a day are to become one that can be moved. A hold keeps each file as it is."""
    retention = judge.retention
    is_due = retention.due((judge.today - day).days) is not StorageClass.STANDARD
    if retention.small_objects is not SmallObjects.COMPACT or is_held or not is_due:
        return False
    small = [each.size for each in data if each.size < SMALLEST_MOVED_BYTES and each.tier is StorageClass.STANDARD]
    return len(small) > 1 and sum(small) >= SMALLEST_MOVED_BYTES


def _said_of_small(reason: str, retention: RetentionClass) -> str:
    return _ALONE if reason == TOO_SMALL and retention.small_objects is SmallObjects.COMPACT else reason


def _holds_on(holds: Iterable[Hold], table: str) -> tuple[Hold, ...]:
    stored = stored_name(table)
    return tuple(sorted((each for each in holds if stored_name(each.table) == stored), key=lambda hold: hold.id))


def _held(holds: Iterable[Hold], day: dt.date) -> Hold | None:
    return next((hold for hold in holds if hold.covers(hold.table, day)), None)


def _words_of(hold: Hold) -> str:
    return f"held ({hold.id}): {hold.reason}"


def _over(name: str, days: int) -> str:
    return f"{days:,} days old or older, and class {name} keeps no longer"
