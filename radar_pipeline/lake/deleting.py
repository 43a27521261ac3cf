"""Deletes many objects in one request, and finds out about each what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radar_pipeline.lake.acting import Work
from radar_pipeline.lake.errors import LakeError, LakeFault, fault_of_code, lake_error
from radar_pipeline.lake.versions import state_of

# How often the keys are asked for again that S3 neither deleted nor refused.
_ROUNDS = 4

_CHANGED = "it was changed while it was to be deleted"


@dataclass(frozen=True)
class Deleted:
    """What became of one key.

    Attributes:
        marker_id: Version id of the delete marker that hides it now; None where the bucket keeps no versions.
        why: Why it was left after all, in words; empty where it was deleted.
    """

    marker_id: str | None = None
    why: str = ""


def delete_objects(work: Work, etags: Mapping[str, str]) -> dict[str, Deleted | LakeError]:
    """Deletes the objects with those entity tags; another one in the place of one of them stays.

    Args:
        work: The run.
        etags: Entity tags by key, 1,000 at most.

    Returns:
        What became of each key.
    """
    results: dict[str, Deleted | LakeError] = {}
    for attempt in range(_ROUNDS):
        left = {key: etag for key, etag in etags.items() if not _is_settled(results.get(key))}
        if not left or work.pace.verdict is not None:
            break
        if attempt:
            # S3 also asks to slow down within an answer, for single keys.
            work.pace.slow_down()
            work.pace.wait(attempt - 1)
        results |= _one_round(work, left)
    if verdict := work.pace.verdict:
        return {key: results.get(key) or verdict for key in etags}
    return {key: results[key] for key in etags}


def _is_settled(result: Deleted | LakeError | None) -> bool:
    if isinstance(result, LakeError):
        return result.fault is not LakeFault.ENDPOINT
    return result is not None


def _one_round(work: Work, etags: Mapping[str, str]) -> dict[str, Deleted | LakeError]:
    found: dict[str, Deleted | LakeError] = {}
    try:
        answer = work.pace.run(lambda: _ask(work, etags))
    except LakeError as error:
        if error.fault in {LakeFault.OTHER, LakeFault.POLICY}:
            # Refused as a whole for one of its keys: a character that XML cannot hold, a policy on one key.
            return dict(zip(etags, work.each(lambda each: _delete_alone(work, *each), etags.items()), strict=True))
        # Nobody knows how far S3 came before the answer was lost.
        found = dict.fromkeys(etags, error)
    else:
        found |= {each["Key"]: Deleted(each.get("DeleteMarkerVersionId")) for each in answer.get("Deleted", ())}
        found |= {each["Key"]: _refusal(work, each["Key"], each["Code"]) for each in answer.get("Errors", ())}
    doubtful = [key for key in etags if _is_doubtful(found.get(key))]
    looked = work.each(lambda key: _look_after(work, key, found.get(key)), doubtful)
    return found | dict(zip(doubtful, looked, strict=True))


def _ask(work: Work, etags: Mapping[str, str]) -> dict[str, Any]:
    store = work.store
    objects = [{"Key": key, "ETag": etag} for key, etag in etags.items()]
    with store.told(f"delete {len(objects)} objects"):
        return dict(store.s3_once.delete_objects(Bucket=store.config.bucket, Delete={"Objects": objects}))


def _delete_alone(work: Work, key: str, etag: str) -> Deleted | LakeError:
    store = work.store

    def ask() -> dict[str, Any]:
        with store.told(f"delete {key}"):
            return dict(store.s3_once.delete_object(Bucket=store.config.bucket, Key=key, IfMatch=etag))

    try:
        answer = work.pace.run(ask)
    except LakeError as error:
        return _look_after(work, key, error) if _is_doubtful(error) else error
    return Deleted(answer.get("VersionId") if answer.get("DeleteMarker") else None)


def _refusal(work: Work, key: str, code: str) -> LakeError:
    config = work.store.config
    return lake_error(fault_of_code(code), f"delete {key}", bucket=config.bucket, where=config.where, detail=code)


def _is_doubtful(result: Deleted | LakeError | None) -> bool:
    """Whether an answer leaves open if the object is there: it may have been deleted by the request before."""
    doubts = {LakeFault.CHANGED, LakeFault.MISSING, LakeFault.ENDPOINT}
    return result is None or (isinstance(result, LakeError) and result.fault in doubts)


def _look_after(work: Work, key: str, problem: Deleted | LakeError | None) -> Deleted | LakeError:
    """What became of a key for which S3 gave no clear answer."""
    try:
        state = work.pace.run(lambda: state_of(work.store, key))
    except LakeError as error:
        if error is work.pace.verdict:
            raise
        message = f"{key} was to be deleted, and whether it was is not known: {error}"
        return LakeError(LakeFault.OTHER, message)
    if state.current is None:
        return Deleted(state.marker_id)
    if isinstance(problem, LakeError) and problem.fault in {LakeFault.CHANGED, LakeFault.MISSING}:
        return Deleted(why=_CHANGED)
    return problem if isinstance(problem, LakeError) else _refusal(work, key, "no answer")
