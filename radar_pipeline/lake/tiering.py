"""Moves an object to a colder tier where it lies: a copy onto itself, verified, and the old version removed.

In a bucket that keeps versions the copy is a new version and the old one, the same bytes, would be paid for until the
bucket's rule removes it. So it is removed by its version id, after the new one was looked at and never before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from radar_pipeline.domain.tiers import LakeObject, StorageClass
from radar_pipeline.lake.copying import copy_in_place
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.listing import as_object, head
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.store import LakeStore

# How often a copy is asked for that S3 neither made nor refused.
_TRIES = 3


class MoveOutcome(StrEnum):
    """What became of one object that was to be moved."""

    MOVED = "moved"
    ALREADY_THERE = "already there"
    LEFT = "left"


@dataclass(frozen=True)
class TierMove:
    """One object after moving.

    Attributes:
        key: Object key.
        outcome: What became of it.
        why: Why it was left, in words; empty for the other outcomes.
        removed_version: Version id of the old version, removed because it holds the same bytes; None where there was
            none.
    """

    key: str
    outcome: MoveOutcome
    why: str = ""
    removed_version: str | None = None


@dataclass(frozen=True)
class ReadyToMove:
    """An object that was looked at and may be moved.

    Attributes:
        key: Object key.
        to: Tier to move to.
        found: What HEAD said of it.
    """

    key: str
    to: StorageClass
    found: Mapping[str, Any]

    @property
    def version_id(self) -> str | None:
        """Version that is moved; None where the bucket keeps none."""
        return self.found.get("VersionId")


def move_to_tier(store: LakeStore, listed: LakeObject, to: StorageClass, *, pace: Pace | None = None) -> TierMove:
    """Moves an object to a tier unless it is there already or was changed since it was listed.

    Raises:
        LakeError: It could not be moved; it then lies where it lay, or verified in its new tier with its old version
            still beside it.
    """
    pace = pace or Pace(1)
    ready = look_before_moving(store, listed, to, pace)
    return move(store, ready, pace) if isinstance(ready, ReadyToMove) else ready


def look_before_moving(store: LakeStore, listed: LakeObject, to: StorageClass, pace: Pace) -> ReadyToMove | TierMove:
    """Looks at an object again: ready to be moved, or why not.

    Raises:
        LakeError: It cannot be looked at.
    """
    found = pace.run(lambda: head(store, listed.key))
    if found is None:
        return TierMove(listed.key, MoveOutcome.LEFT, "it is gone since it was listed")
    now = as_object(listed.key, found)
    if (now.etag, now.size) != (listed.etag, listed.size):
        return TierMove(listed.key, MoveOutcome.LEFT, "it was changed since it was listed")
    if now.tier is to:
        return TierMove(listed.key, MoveOutcome.ALREADY_THERE)
    if why := _why_not(now.tier, to, found):
        return TierMove(listed.key, MoveOutcome.LEFT, why)
    return ReadyToMove(listed.key, to, found)


def _why_not(tier: StorageClass, to: StorageClass, found: Mapping[str, Any]) -> str:
    if tier is StorageClass.OTHER or tier.rank >= to.rank:
        return f"it lies in {found.get('StorageClass')}, from which nothing moves to {to}"
    if tier.is_archived and 'ongoing-request="false"' not in found.get("Restore", ""):
        return f"it is archived in {tier}: without a restored copy only the bucket's own rule can move it to {to}"
    if found.get("ObjectLockMode") or found.get("ObjectLockLegalHoldStatus") == "ON":
        return "S3 Object Lock holds this version: a copy would leave it behind to be paid for twice"
    return ""


def move(store: LakeStore, ready: ReadyToMove, pace: Pace) -> TierMove:
    """Moves an object that was looked at just before.

    Raises:
        LakeError: As for ``move_to_tier``.
    """
    try:
        copied = _copy(store, ready, pace)
    except LakeError as error:
        if error.fault in {LakeFault.CHANGED, LakeFault.MISSING}:
            return TierMove(ready.key, MoveOutcome.LEFT, "it was changed while it was to be moved")
        raise
    now = pace.run(lambda: head(store, ready.key))
    if problem := _difference(ready, copied, now):
        message = f"{ready.key} was copied to {ready.to}, but {problem}; its old version is kept"
        raise LakeError(LakeFault.OTHER, message)
    return TierMove(
        ready.key, MoveOutcome.MOVED, removed_version=_remove_old(store, ready.key, ready.version_id, now, pace)
    )


def finish_move(
    store: LakeStore, key: str, to: StorageClass, *, size: int, etag: str, version_id: str | None, pace: Pace
) -> TierMove:
    """Finishes what a killed run began: where the copy was made, its old version is removed. Copies nothing.

    Raises:
        LakeError: It could not be looked at, or the old version could not be removed.
    """
    now = pace.run(lambda: head(store, key))
    is_copy = (
        now is not None
        and as_object(key, now).tier is to
        and now["ContentLength"] == size
        and (now["ETag"] == etag or not _is_content_tag(etag, now) or not _is_content_tag(now["ETag"], now))
    )
    if not is_copy:
        return TierMove(key, MoveOutcome.LEFT, "the run ended before it was moved")
    removed = _remove_old(store, key, version_id, now, pace)
    return TierMove(key, MoveOutcome.MOVED, removed_version=removed)


def _copy(store: LakeStore, ready: ReadyToMove, pace: Pace) -> str | None:
    """Asks for the copy; where no answer came, looks before asking again. Returns its entity tag where S3 told it."""
    bucket = store.config.bucket

    def ask() -> str:
        with store.told(f"move {ready.key} to {ready.to}"):
            return copy_in_place(store.s3_once, bucket, ready.key, ready.found, str(ready.to))

    for attempt in range(_TRIES):
        try:
            return pace.run(ask)
        except LakeError as error:
            if error.fault is not LakeFault.ENDPOINT or attempt == _TRIES - 1 or error is pace.verdict:
                raise
        now = pace.run(lambda: head(store, ready.key))
        if now is not None and now.get("StorageClass") == ready.to:
            return None
    raise AssertionError


def _difference(ready: ReadyToMove, copied: str | None, now: Mapping[str, Any] | None) -> str | None:
    """Why what lies there now is not the copy that was asked for; None where it is."""
    if now is None:
        return "nothing lies there now"
    if now.get("StorageClass") != ready.to:
        return f"what lies there now is in {now.get('StorageClass', StorageClass.STANDARD)}"
    if now["ContentLength"] != ready.found["ContentLength"]:
        return f"what lies there now has {now['ContentLength']} bytes"
    if copied is not None and now["ETag"].strip('"') != copied.strip('"'):
        return "another object was written since"
    both = (ready.found["ETag"], now["ETag"])
    if all(_is_content_tag(each, now) for each in both) and both[0] != both[1]:
        return "its entity tag differs"
    return None


def _is_content_tag(etag: str, found: Mapping[str, Any]) -> bool:
    """Whether an entity tag follows from the content alone: not where it came in parts, or is encrypted with a key."""
    return "-" not in etag and found.get("ServerSideEncryption") in {None, "AES256"}


def _remove_old(
    store: LakeStore, key: str, version_id: str | None, now: Mapping[str, Any] | None, pace: Pace
) -> str | None:
    """Removes the version that was copied, unless it is the one that lies there now (versioning off or suspended)."""
    current = (now or {}).get("VersionId")
    if not version_id or not current or version_id == current:
        return None

    def remove() -> None:
        with store.told(f"remove version {version_id} of {key}"):
            store.s3.delete_object(Bucket=store.config.bucket, Key=key, VersionId=version_id)

    try:
        pace.run(remove)
    except LakeError as error:
        if error.fault is not LakeFault.MISSING:
            raise
    return version_id
