"""Deletes the days that a plan holds, each key looked at again just before and written down before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.retention_plan import PlannedStep, still_due
from radar_pipeline.domain.tiers import LakeObject
from radar_pipeline.lake.acting import BATCH, Ended, StepEnd, Work
from radar_pipeline.lake.audit import Action, AuditEntry, Phase
from radar_pipeline.lake.deleting import Deleted, delete_objects
from radar_pipeline.lake.deletion import Recheck
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.listing import as_object, head, list_prefix


@dataclass(frozen=True)
class _Looked:
    """One step and its object as it is now; None where it is gone."""

    step: PlannedStep
    now: LakeObject | None
    version_id: str | None = None


def delete_days(work: Work, steps: Sequence[PlannedStep], recheck: Recheck) -> Iterator[list[StepEnd]]:
    """Deletes days, each whole or not at all, a batch at a time.

    Raises:
        LakeError: The audit log, the holds or what stands accepted cannot be read or written: then nothing more is
            deleted.
    """
    for days in _batches(_days(steps)):
        yield _delete_batch(work, days, recheck)


def _days(steps: Iterable[PlannedStep]) -> Iterator[list[PlannedStep]]:
    """The steps by day of a table. Quarantined objects belong to no day's folder any more: each stands for itself."""
    ordered = sorted(steps, key=lambda step: (step.table, step.day, step.object.key))
    yield from ([step] for step in ordered if step.quarantined)
    in_days = (step for step in ordered if not step.quarantined)
    for _, group in groupby(in_days, key=lambda step: (step.table, step.day)):
        yield list(group)


def _batches(days: Iterable[list[PlannedStep]]) -> Iterator[list[list[PlannedStep]]]:
    batch: list[list[PlannedStep]] = []
    for day in days:
        if batch and sum(map(len, batch)) + len(day) > BATCH:
            yield batch
            batch = []
        batch.append(day)
    if batch:
        yield batch


def _delete_batch(work: Work, days: list[list[PlannedStep]], recheck: Recheck) -> list[StepEnd]:
    looked = iter(work.each(lambda step: _look(work, step), [step for day in days for step in day]))
    newcomers = work.each(lambda day: _newcomers(work, day), days)
    # Last, as looking at many objects takes a while in which somebody may place a hold.
    accepted = work.pace.run(recheck.newest_accepted)
    holds = work.pace.run(recheck.holds)

    def leave(each: _Looked) -> str | None:
        return still_due(each.step, each.now, holds, accepted.get(each.step.table))

    ends: list[StepEnd] = []
    due: list[_Looked] = []
    for day, new in zip(days, newcomers, strict=True):
        found = [next(looked) for _ in day]
        if kept := _reasons(work, day, found, new, leave):
            ends += kept
            continue
        sure = [each for each in found if isinstance(each, _Looked)]
        ends += [StepEnd(each.step, Ended.SKIPPED, "it is gone already") for each in sure if each.now is None]
        due += [each for each in sure if each.now is not None]
    return ends + (_delete(work, due) if due else [])


def _look(work: Work, step: PlannedStep) -> _Looked:
    key = step.object.key
    found = work.pace.run(lambda: head(work.store, key))
    return _Looked(step, as_object(key, found), found.get("VersionId")) if found else _Looked(step, None)


def _newcomers(work: Work, day: list[PlannedStep]) -> list[str]:
    """Data files in the folder of a day that are not in the plan."""
    if day[0].quarantined:
        return []
    folder = work.layout.folder(day[0].table, day[0].day)
    planned = {step.object.key for step in day}
    found = work.pace.run(lambda: list(list_prefix(work.store, folder)))
    return [each.key for each in found if each.key not in planned and is_data_file(each.key)]


def _reasons(
    work: Work,
    day: list[PlannedStep],
    found: list[_Looked | LakeError],
    newcomers: list[str] | LakeError,
    leave: Callable[[_Looked], str | None],
) -> list[StepEnd]:
    """How the steps of a day end that is not deleted after all; empty where it is."""
    if isinstance(newcomers, LakeError):
        return [work.failed(step, newcomers) for step in day]
    whys: dict[str, StepEnd] = {}
    for step, each in zip(day, found, strict=True):
        if isinstance(each, LakeError):
            whys[step.object.key] = work.failed(step, each)
        elif each.now is not None and (why := leave(each)):
            whys[step.object.key] = StepEnd(step, Ended.SKIPPED, why)
    if not whys and not newcomers:
        return []
    first = next(iter(whys), None) or newcomers[0]
    because = "stays" if whys else "came since it was planned"
    whole = f"its day goes whole or not at all, and {first} {because}"
    return [whys.get(step.object.key) or StepEnd(step, Ended.SKIPPED, whole) for step in day]


def _delete(work: Work, due: list[_Looked]) -> list[StepEnd]:
    intents = [
        work.entry(each.step, Action.DELETE, each.now.tier, each.version_id) for each in due if each.now is not None
    ]
    batch = work.intend(intents)
    results: dict[str, Deleted | LakeError] = {}
    for start in range(0, len(intents), BATCH):
        results |= delete_objects(work, {each.key: each.etag for each in intents[start : start + BATCH]})
    known, doubtful = [], []
    for intent in intents:
        result = results[intent.key]
        # A refusal is clear; of any other failure nobody knows how far S3 came.
        if isinstance(result, LakeError) and result.fault is not LakeFault.POLICY:
            doubtful.append(replace(intent, problem=str(result)))
        else:
            known.append(_outcome(work, intent, result))
    work.close(batch, known, doubtful=doubtful)
    return [_end(work, each.step, results[each.step.object.key]) for each in due]


def _outcome(work: Work, intent: AuditEntry, result: Deleted | LakeError) -> AuditEntry:
    if isinstance(result, LakeError):
        return replace(intent, phase=Phase.FAILED, at=work.clock(), problem=str(result))
    if result.why:
        return replace(intent, phase=Phase.FAILED, at=work.clock(), problem=result.why)
    return replace(intent, phase=Phase.DONE, at=work.clock(), marker_id=result.marker_id)


def _end(work: Work, step: PlannedStep, result: Deleted | LakeError) -> StepEnd:
    if isinstance(result, LakeError):
        return work.failed(step, result)
    return StepEnd(step, Ended.SKIPPED, result.why) if result.why else StepEnd(step, Ended.DONE)
