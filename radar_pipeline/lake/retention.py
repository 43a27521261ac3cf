"""Acts on a retention plan: compacts, moves, then deletes, as far as it can, and says what became of each step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention_plan import PlannedStep, RetentionPlan, Step, Tally
from radar_pipeline.lake.deletion import Progress, Recheck
from radar_pipeline.lake.store import LakeStore


class Compacted(Protocol):
    """What compacting one day of one table came to."""

    @property
    def problem(self) -> str | None:
        """Why it was not done, in a sentence for a person; None where it was."""


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
    """

    run_id: str
    done: Mapping[Step, Tally] = field(default_factory=lambda: MappingProxyType({}))
    skipped: tuple[StepLeft, ...] = ()
    failed: tuple[StepLeft, ...] = ()
    stopped: str | None = None
    stops: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left for the next run but what was skipped with a reason."""
        return not (self.failed or self.stopped or self.stops)


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
    raise NotImplementedError
