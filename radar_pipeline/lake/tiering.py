"""Moves an object to a colder tier where it lies: a copy onto itself, verified, and the old version removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.tiers import LakeObject, StorageClass
from radar_pipeline.lake.store import LakeStore


class MoveOutcome(StrEnum):
    """What became of one object that was to be moved."""

    MOVED = "moved"
    ALREADY_THERE = "already there"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True)
class TierMove:
    """One object after moving.

    Attributes:
        key: Object key.
        outcome: What became of it.
        found: The object as it is now; None where it is gone.
        removed_version: Version id of the old version, removed because it holds the same bytes; None where there was
            none.
    """

    key: str
    outcome: MoveOutcome
    found: LakeObject | None
    removed_version: str | None = None


def move_to_tier(store: LakeStore, listed: LakeObject, to: StorageClass) -> TierMove:
    """Moves an object to a tier unless it is there already or was changed since it was listed.

    Raises:
        LakeError: It could not be moved; it then lies where it lay, or verified in its new tier with its old version
            still beside it, which the next call removes.
    """
    raise NotImplementedError
