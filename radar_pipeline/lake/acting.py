"""What acting on a plan shares: the run, its pace, its threads, and how each step ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention_plan import PlannedStep
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.audit import Action, AuditEntry, OpenBatch, Phase, write_intent, write_outcome
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.store import LakeStore

# Objects that are looked at, written down and acted on together: S3 takes up to 1,000 in one deletion, and what a
# killed run leaves open for the next one to look at stays small.
BATCH = 250

T = TypeVar("T")
R = TypeVar("R")


class Ended(StrEnum):
    """How a step ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class StepEnd:
    """One step after acting.

    Attributes:
        step: The step.
        end: How it ended.
        why: Why it was not done, in words; empty where it was.
    """

    step: PlannedStep
    end: Ended
    why: str = ""


@dataclass(frozen=True)
class Work:
    """One run at work.

    Attributes:
        store: The bucket.
        layout: Where things lie in it.
        run_id: Id of the run in the audit log.
        plan_made_at: When its plan was made; None for what follows no plan.
        clock: Time of now.
        pace: Requests in flight.
        pool: Threads.
        problems: What came of objects and could not be written down, in sentences for a person.
    """

    store: LakeStore
    layout: BronzeLayout
    run_id: str
    plan_made_at: dt.datetime | None
    clock: Callable[[], dt.datetime]
    pace: Pace
    pool: ThreadPoolExecutor
    problems: list[str] = field(default_factory=list)

    def each(self, act: Callable[[T], R], items: Iterable[T]) -> list[R | LakeError]:
        """Does the same with many at once; what fails in the bucket stands in its place."""

        def attempt(item: T) -> R | LakeError:
            try:
                return act(item)
            except LakeError as error:
                return error

        return list(self.pool.map(attempt, items))

    def failed(self, step: PlannedStep, error: LakeError) -> StepEnd:
        """The end of a step that failed, or that was never tried because every request fails."""
        return StepEnd(step, Ended.NOT_REACHED if error is self.pace.verdict else Ended.FAILED, str(error))

    def intend(self, entries: Sequence[AuditEntry]) -> OpenBatch:
        """Writes down what is about to be done."""
        return self.pace.run(lambda: write_intent(self.store, self.layout, entries))

    def close(self, batch: OpenBatch, entries: Sequence[AuditEntry], *, doubtful: Sequence[AuditEntry] = ()) -> None:
        """Writes down what came of it. Where that fails the next run does it, as after one that was killed.

        Args:
            batch: What was intended.
            entries: What came of each object.
            doubtful: What nobody knows the end of: opened anew before the batch is closed, for the next run to look.
        """
        try:
            if doubtful:
                self.intend(doubtful)
            self.pace.run(lambda: write_outcome(self.store, batch, entries))
        except LakeError as error:
            self.problems.append(
                f"what came of {len(batch.entries)} objects is left for the next run to write down: {error}"
            )

    def entry(
        self, step: PlannedStep, action: Action, tier: StorageClass, version_id: str | None, phase: Phase = Phase.INTENT
    ) -> AuditEntry:
        """The line of the audit log for a step."""
        return AuditEntry(
            run_id=self.run_id,
            action=action,
            phase=phase,
            at=self.clock(),
            plan_made_at=self.plan_made_at,
            table=step.table,
            day=step.day,
            key=step.object.key,
            size=step.object.size,
            etag=step.object.etag,
            tier=tier,
            reason=step.reason,
            to=step.to,
            version_id=version_id,
        )
