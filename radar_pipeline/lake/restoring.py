"""Asks S3 for temporary copies of archived objects, once for each object.

Nothing is remembered but what S3 itself remembers: each object is looked at just before it is asked for, and one that
is restored or under way is left alone. So a run killed at any point is run again and starts nothing twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.restoring import (
    ObservedObject,
    Readability,
    RestorePlan,
    copy_expires_at,
)
from radar_pipeline.lake.copies import at_once, look_again
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.store import LakeStore


class Asked(StrEnum):
    """What became of one object that was to be asked for."""

    STARTED = "started"
    UNDER_WAY = "under way"
    RESTORED = "restored"
    EXTENDED = "extended"
    READABLE = "readable"
    FAILED = "failed"


@dataclass(frozen=True)
class AskedObject:
    """One object of a restore after it was asked for.

    Attributes:
        object: The object as it was seen just before.
        outcome: What became of it.
        problem: Why it could not be asked for, in a sentence for a person; None where nothing went wrong.
    """

    object: ObservedObject
    outcome: Asked
    problem: str | None = None


def ask_for(
    store: LakeStore,
    plan: RestorePlan,
    *,
    clock: Callable[[], dt.datetime],
    parallel: int = 16,
    pace: Pace | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[AskedObject, ...]:
    """Asks for what a plan starts and extends; each object is looked at again just before.

    Args:
        store: The bucket.
        plan: What is to be asked for.
        clock: Time of now.
        parallel: Objects in flight; S3 takes 1,000 restore requests a second (user guide, "Understanding archival
            storage").
        pace: How many requests are in flight while S3 asks to slow down; one of its own where none is given.
        on_progress: Called from this thread with objects done and objects in all.

    Returns:
        What became of each object, by key. One that could not be asked for does not keep the others from it.

    Raises:
        LakeError: The bucket is away: nothing could be asked for.
    """
    shared = pace or Pace(parallel)
    wanted = [*plan.starts, *plan.extends]
    answers = at_once(parallel, wanted, lambda each: _ask(store, plan, each, shared, clock), on_progress)
    problems = [each for each in answers.values() if isinstance(each, LakeError)]
    if problems and len(problems) == len(wanted) and all(_is_away(problem) for problem in problems):
        raise problems[0]
    given = ((each, answers[each.object.key]) for each in sorted(wanted, key=lambda each: each.object.key))
    return tuple(
        AskedObject(each, Asked.FAILED, str(answer)) if isinstance(answer, LakeError) else answer
        for each, answer in given
    )


def _is_away(problem: LakeError) -> bool:
    return problem.fault.is_bucket_wide or problem.fault is LakeFault.ENDPOINT


def _ask(
    store: LakeStore, plan: RestorePlan, each: ObservedObject, pace: Pace, clock: Callable[[], dt.datetime]
) -> AskedObject:
    seen, now = pace.run(lambda: look_again(store, each)), clock()
    if seen is None:
        return AskedObject(each, Asked.FAILED, f"{each.object.key} is gone since it was listed")
    state = seen.state(now)
    if state is Readability.READABLE:
        return AskedObject(seen, Asked.READABLE)
    if state is Readability.RESTORING:
        return AskedObject(seen, Asked.UNDER_WAY)
    lives = state is Readability.RESTORED
    # To ask for a copy that is there sets its end anew from now, be that earlier.
    if lives and not (each in plan.extends and _ends_sooner(seen, copy_expires_at(now, plan.days))):
        return AskedObject(seen, Asked.RESTORED)
    outcome = pace.run(lambda: _request(store, plan, seen))
    return AskedObject(seen, Asked.EXTENDED if lives and outcome is Asked.STARTED else outcome)


def _ends_sooner(seen: ObservedObject, end: dt.datetime) -> bool:
    return seen.copy is not None and seen.copy.expires_at is not None and seen.copy.expires_at < end


def _request(store: LakeStore, plan: RestorePlan, seen: ObservedObject) -> Asked:
    key = seen.object.key
    what = f"restore {key}"
    try:
        with store.told(what):
            store.s3.restore_object(
                Bucket=store.config.bucket,
                Key=key,
                RestoreRequest={"Days": plan.days, "GlacierJobParameters": {"Tier": plan.retrieval.value}},
            )
    except LakeError as refused:
        if refused.code == "RestoreAlreadyInProgress":
            # Another run, or a lost answer to this very request.
            return Asked.UNDER_WAY
        if refused.code == "ObjectAlreadyInActiveTierError":
            return Asked.READABLE
        if refused.code == "GlacierExpeditedRetrievalNotAvailable":
            message = (
                f"cannot {what}: S3 has no room for expedited retrievals now; try later or ask with --tier standard"
            )
            raise LakeError(LakeFault.OTHER, message) from None
        raise
    return Asked.STARTED
