"""What is asked again before anything is deleted, and the way back: delete markers removed again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Hold
from radar_pipeline.lake.acting import BATCH, Work
from radar_pipeline.lake.audit import Action, AuditEntry, Phase, read_audit
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.interrupted import finish_interrupted
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.store import LakeStore
from radar_pipeline.lake.versions import state_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recheck:
    """What is asked again just before each batch is deleted.

    Attributes:
        holds: Every hold that there is now: those in the bucket (``read_holds``) and those of the registry.
        newest_accepted: Newest accepted day of each table now; None for a table without one.
    """

    holds: Callable[[], Sequence[Hold]]
    newest_accepted: Callable[[], Mapping[str, dt.date | None]]


@dataclass(frozen=True)
class UndeleteReport:
    """What bringing back a run's deletions came to.

    Attributes:
        restored: Deletions that were undone.
        skipped: Those that were not, each with the reason (brought back before, written anew, gone for good).
        failed: Those that could not be undone, each with the problem.
    """

    restored: tuple[AuditEntry, ...]
    skipped: tuple[tuple[AuditEntry, str], ...]
    failed: tuple[tuple[AuditEntry, str], ...]


def undelete(
    store: LakeStore,
    layout: BronzeLayout,
    run_id: str,
    *,
    clock: Callable[[], dt.datetime],
    parallel: int = 16,
    on_progress: Progress | None = None,
) -> UndeleteReport:
    """Brings back what a run deleted, by removing its delete markers; harmless twice.

    The policy asks for the same deletions on the next day: whoever wants to keep the data places a hold first.

    Raises:
        LakeError: The audit log cannot be read or written, or says nothing of such a run (``MISSING``).
    """
    with ThreadPoolExecutor(parallel, thread_name_prefix="undelete") as pool:
        store.make_clients()
        work = Work(store, layout, f"undelete-{run_id}", None, clock, Pace(parallel), pool)
        # A killed run does not know of its last deletions before somebody looked.
        finish_interrupted(work)
        entries = read_audit(store, layout, run_id=run_id)
        if not entries:
            message = f"the audit log of bucket {store.config.bucket} knows no run {run_id}"
            raise LakeError(LakeFault.MISSING, message)
        deleted = [each for each in entries if each.action is Action.DELETE and each.phase is Phase.DONE]
        restored: list[AuditEntry] = []
        skipped: list[tuple[AuditEntry, str]] = []
        failed: list[tuple[AuditEntry, str]] = []
        for start in range(0, len(deleted), BATCH):
            _undelete(work, deleted[start : start + BATCH], restored, skipped, failed)
            if on_progress:
                on_progress(min(start + BATCH, len(deleted)), len(deleted))
    if work.problems:
        raise LakeError(LakeFault.OTHER, work.problems[0])
    return UndeleteReport(tuple(restored), tuple(skipped), tuple(failed))


def _undelete(
    work: Work,
    entries: list[AuditEntry],
    restored: list[AuditEntry],
    skipped: list[tuple[AuditEntry, str]],
    failed: list[tuple[AuditEntry, str]],
) -> None:
    looked = work.each(lambda entry: _why_not(work, entry), entries)
    ready = []
    for entry, why in zip(entries, looked, strict=True):
        if isinstance(why, LakeError):
            failed.append((entry, str(why)))
        elif why:
            skipped.append((entry, why))
        else:
            ready.append(entry)
    if not ready:
        return
    intents = [
        replace(each, run_id=work.run_id, action=Action.UNDELETE, phase=Phase.INTENT, at=work.clock()) for each in ready
    ]
    batch = work.intend(intents)
    results = work.each(lambda entry: _remove_marker(work, entry), ready)
    outcomes = []
    for entry, intent, problem in zip(ready, intents, results, strict=True):
        if problem is None:
            restored.append(entry)
            outcomes.append(replace(intent, phase=Phase.DONE, at=work.clock()))
        else:
            failed.append((entry, str(problem)))
            outcomes.append(replace(intent, phase=Phase.FAILED, at=work.clock(), problem=str(problem)))
    work.close(batch, outcomes)


def _why_not(work: Work, entry: AuditEntry) -> str:
    if entry.marker_id is None:
        return "the bucket kept no version of it: it is gone for good"
    state = work.pace.run(lambda: state_of(work.store, entry.key))
    if state.current is not None:
        return "an object lies there again"
    if state.marker_id is not None and state.marker_id != entry.marker_id:
        return "it was deleted again since, and not by this run"
    if state.marker_id is None or not state.hidden:
        return "the bucket's rule removed the hidden version since: it is gone for good"
    return ""


def _remove_marker(work: Work, entry: AuditEntry) -> str | None:
    store = work.store

    def remove() -> None:
        with store.told(f"remove the delete marker of {entry.key}"):
            store.s3.delete_object(Bucket=store.config.bucket, Key=entry.key, VersionId=entry.marker_id)

    work.pace.run(remove)
    state = work.pace.run(lambda: state_of(store, entry.key))
    if state.current is None or state.current["ETag"] != entry.etag:
        return "its delete marker is gone, but what lies there now is not what was deleted"
    return None
