"""Moves the objects of a plan batch by batch, each batch written down before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from radar_pipeline.domain.retention_plan import PlannedStep
from radar_pipeline.domain.tiers import StorageClass, storage_class
from radar_pipeline.lake.acting import Ended, StepEnd, Work
from radar_pipeline.lake.audit import Action, AuditEntry, Phase
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.tiering import MoveOutcome, ReadyToMove, TierMove, look_before_moving, move


def move_batch(work: Work, steps: Sequence[PlannedStep]) -> list[StepEnd]:
    """Moves objects to their tiers.

    Raises:
        LakeError: The audit log cannot be written: nothing is done that is not written down.
    """
    looked = work.each(lambda step: look_before_moving(work.store, step.object, _tier(step), work.pace), steps)
    ends = [
        _end(work, step, each) for step, each in zip(steps, looked, strict=True) if not isinstance(each, ReadyToMove)
    ]
    ready = [(step, each) for step, each in zip(steps, looked, strict=True) if isinstance(each, ReadyToMove)]
    if not ready:
        return ends
    intents = [
        work.entry(step, Action.MOVE, storage_class(each.found.get("StorageClass")), each.version_id)
        for step, each in ready
    ]
    batch = work.intend(intents)
    moved = work.each(lambda each: move(work.store, each[1], work.pace), ready)
    results = list(zip(intents, moved, strict=True))
    known = [_outcome(work, intent, each) for intent, each in results if isinstance(each, TierMove)]
    # Copied or not, and the old version there or not: the next plan will not ask, as it may find them in their tier.
    doubtful = [replace(intent, problem=str(each)) for intent, each in results if isinstance(each, LakeError)]
    work.close(batch, known, doubtful=doubtful)
    return ends + [_end(work, step, each) for (step, _), each in zip(ready, moved, strict=True)]


def _tier(step: PlannedStep) -> StorageClass:
    if step.to is None:
        message = f"{step.object.key} is to be moved and the plan says not where"
        raise ValueError(message)
    return step.to


def _end(work: Work, step: PlannedStep, found: TierMove | ReadyToMove | LakeError) -> StepEnd:
    if isinstance(found, LakeError):
        return work.failed(step, found)
    if isinstance(found, TierMove) and found.outcome is MoveOutcome.MOVED:
        return StepEnd(step, Ended.DONE)
    why = found.why if isinstance(found, TierMove) else ""
    return StepEnd(step, Ended.SKIPPED, why or f"it lies in {step.to} already")


def _outcome(work: Work, intent: AuditEntry, moved: TierMove) -> AuditEntry:
    if moved.outcome is MoveOutcome.MOVED:
        return replace(intent, phase=Phase.DONE, at=work.clock())
    return replace(intent, phase=Phase.FAILED, at=work.clock(), problem=moved.why)
