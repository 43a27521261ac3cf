"""Acts on a retention plan: compacts, moves, then deletes, as far as it can, and says what became of each step."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Protocol

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention_plan import PlannedStep, RetentionPlan, Step, Tally
from radar_pipeline.lake.acting import BATCH, Ended, StepEnd, Work
from radar_pipeline.lake.day_deletion import delete_days
from radar_pipeline.lake.deletion import Progress, Recheck
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.interrupted import finish_interrupted
from radar_pipeline.lake.moving import move_batch
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.store import LakeStore


class Compacted(Protocol):
    """What compacting one day of one table came to."""

    @property
    def problem(self) -> str | None:
        """What went wrong, in a sentence for a person; None where nothing did."""

    @property
    def left(self) -> str | None:
        """Why the day was left as it is on purpose; None where it was not."""


# Given the steps of one day of one table, all of them COMPACT.
Compact = Callable[[Sequence[PlannedStep]], Compacted]


@dataclass(frozen=True)
class StepLeft:
    """A step that was not done.

    Attributes:
        step: The step.
        why: The reason to leave it, or what went wrong, in a sentence for a person.
    """

    step: PlannedStep
    why: str


@dataclass(frozen=True)
class ApplyReport:
    """What acting on a plan came to.

    Attributes:
        run_id: Run under which it stands in the audit log.
        done: What was done, by step.
        skipped: What was left with a reason: changed since it was planned, held, done before.
        failed: What could not be done, each object named; the next run tries again.
        stopped: Why it ended before its end (endpoint away, keys refused), with how far it came; None where it did not.
        stops: The plan's own stops, for which nothing was deleted; empty where it had none.
        problems: What belongs to no step: an earlier run's work that could not be finished, one sentence each.
    """

    run_id: str
    done: Mapping[Step, Tally] = field(default_factory=lambda: MappingProxyType({}))
    skipped: tuple[StepLeft, ...] = ()
    failed: tuple[StepLeft, ...] = ()
    stopped: str | None = None
    stops: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left for the next run but what was skipped with a reason."""
        return not (self.failed or self.stopped or self.stops or self.problems)


def apply_plan(
    store: LakeStore,
    layout: BronzeLayout,
    plan: RetentionPlan,
    *,
    recheck: Recheck,
    run_id: str,
    clock: Callable[[], dt.datetime],
    parallel: int = 16,
    compact: Compact | None = None,
    on_progress: Progress | None = None,
) -> ApplyReport:
    """Does what a plan says. Never raises for what is wrong in the bucket.

    Args:
        store: The bucket.
        layout: Where things lie in it.
        plan: What is to be done. Where it has stops, nothing is deleted.
        recheck: What is asked again just before deleting.
        run_id: Id under which the audit log names this run.
        clock: Time of now.
        parallel: Objects in flight at most; fewer while S3 asks to slow down.
        compact: What compacts one day of one table; None leaves such steps with a reason.
        on_progress: Called from this thread with steps done and steps in all.
    """
    steps = [step for table in plan.tables if table.problem is None for step in table.steps]
    by_kind = {kind: [step for step in steps if step.step is kind] for kind in Step}
    deletions = [] if plan.stops else by_kind[Step.DELETE]
    total = len(by_kind[Step.COMPACT]) + len(by_kind[Step.MOVE]) + len(deletions)
    tally = _Tally(total, on_progress)
    stopped: str | None = None
    problems: tuple[str, ...] = ()
    with ThreadPoolExecutor(parallel, thread_name_prefix="retention") as pool:
        store.make_clients()
        work = Work(store, layout, run_id, plan.made_at, clock, Pace(parallel), pool)
        try:
            problems = finish_interrupted(work)
            for batch in _work_batches(work, by_kind, deletions, recheck, compact):
                tally.take(batch)
                if work.pace.verdict is not None:
                    break
        except LakeError as error:
            stopped = f"stopped after {tally.ended} of {total} steps: {error}"
        if work.pace.verdict is not None:
            stopped = f"stopped after {tally.ended} of {total} steps: {work.pace.verdict}"
    return ApplyReport(
        run_id,
        MappingProxyType(dict(tally.done)),
        tuple(tally.skipped),
        tuple(tally.failed),
        stopped,
        plan.stops,
        (*problems, *work.problems),
    )


def _work_batches(
    work: Work,
    by_kind: Mapping[Step, Sequence[PlannedStep]],
    deletions: Sequence[PlannedStep],
    recheck: Recheck,
    compact: Compact | None,
) -> Iterable[list[StepEnd]]:
    for day in _days(by_kind[Step.COMPACT]):
        yield _compact_day(work, day, compact)
    moves = by_kind[Step.MOVE]
    for start in range(0, len(moves), BATCH):
        yield move_batch(work, moves[start : start + BATCH])
    yield from delete_days(work, deletions, recheck)


def _days(steps: Iterable[PlannedStep]) -> Iterable[list[PlannedStep]]:
    ordered = sorted(steps, key=lambda step: (step.table, step.day, step.object.key))
    for _, group in groupby(ordered, key=lambda step: (step.table, step.day)):
        yield list(group)


def _compact_day(work: Work, day: list[PlannedStep], compact: Compact | None) -> list[StepEnd]:
    if compact is None:
        return [StepEnd(step, Ended.SKIPPED, "nothing here compacts small files") for step in day]
    try:
        found = compact(day)
    except LakeError as error:
        return [work.failed(step, error) for step in day]
    if found.left:
        return [StepEnd(step, Ended.SKIPPED, found.left) for step in day]
    return [StepEnd(step, Ended.FAILED if found.problem else Ended.DONE, found.problem or "") for step in day]


class _Tally:
    """Counts how steps ended and tells the caller how far it is."""

    def __init__(self, total: int, on_progress: Progress | None) -> None:
        self.done: defaultdict[Step, Tally] = defaultdict(Tally)
        self.skipped: list[StepLeft] = []
        self.failed: list[StepLeft] = []
        self.ended = 0
        self._total = total
        self._on_progress = on_progress

    def take(self, ends: Sequence[StepEnd]) -> None:
        for each in ends:
            if each.end is Ended.DONE:
                self.done[each.step.step] += Tally(1, each.step.object.size)
            elif each.end is Ended.SKIPPED:
                self.skipped.append(StepLeft(each.step, each.why))
            elif each.end is Ended.FAILED:
                self.failed.append(StepLeft(each.step, each.why))
            self.ended += each.end is not Ended.NOT_REACHED
        if self._on_progress:
            self._on_progress(self.ended, self._total)
