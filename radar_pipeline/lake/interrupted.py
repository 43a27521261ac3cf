"""Finishes what killed runs left open in the audit log, without acting on any object anew.

The one thing that it removes is the old version of an object that a killed run had moved and not yet cleared away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.acting import Work
from radar_pipeline.lake.audit import Action, AuditEntry, OpenBatch, Phase, read_open
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.tiering import MoveOutcome, finish_move
from radar_pipeline.lake.versions import state_of

# What is older has no old versions left: the bucket's rule removes them after a year.
_LOOK_BACK_DAYS = 400


def finish_interrupted(work: Work) -> tuple[str, ...]:
    """Looks at every object that a killed run was at, and writes down what came of it.

    Returns:
        What could not be finished, in sentences for a person; it stays open for the next run.

    Raises:
        LakeError: The audit log cannot be read or written.
    """
    since = work.clock().date() - dt.timedelta(days=_LOOK_BACK_DAYS)
    problems = []
    for batch in work.pace.run(lambda: read_open(work.store, work.layout, since=since)):
        if batch.problem:
            problems.append(batch.problem)
        else:
            problems += _finish(work, batch)
    return tuple(problems)


def _finish(work: Work, batch: OpenBatch) -> list[str]:
    found = work.each(lambda entry: _outcome(work, entry), batch.entries)
    problems = [str(each) for each in found if isinstance(each, LakeError)]
    if not problems:
        work.close(batch, [each for each in found if isinstance(each, AuditEntry)])
    return problems


def _outcome(work: Work, entry: AuditEntry) -> AuditEntry:
    marker_id = entry.marker_id
    if entry.action is Action.MOVE:
        to = entry.to or StorageClass.OTHER
        moved = finish_move(
            work.store, entry.key, to, size=entry.size, etag=entry.etag, version_id=entry.version_id, pace=work.pace
        )
        is_done = moved.outcome is MoveOutcome.MOVED
    else:
        state = work.pace.run(lambda: state_of(work.store, entry.key))
        is_done = (state.current is not None) is (entry.action is Action.UNDELETE)
        if entry.action is Action.DELETE:
            marker_id = state.marker_id
    if not is_done:
        problem = entry.problem or f"the run ended before its {entry.action}"
        return replace(entry, phase=Phase.FAILED, at=work.clock(), problem=problem)
    return replace(entry, phase=Phase.DONE, at=work.clock(), marker_id=marker_id, problem="")
