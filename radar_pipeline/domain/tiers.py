"""Storage tiers of S3 as far as the age of data moves through them: what each asks for and forbids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class StorageClass(StrEnum):
    """A storage class by S3's own name.

    ``OTHER`` stands for every class that the policy has no use for: what lies there is left alone.
    """

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"
    OTHER = "OTHER"

    @property
    def is_archived(self) -> bool:
        """Whether an object must be restored before it can be read; Athena skips it without a word until then."""
        return self in {StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE}

    @property
    def minimum_days(self) -> int:
        """Days that are billed even where the object leaves earlier."""
        return _MINIMUM_DAYS.get(self, 0)

    @property
    def rank(self) -> int:
        """How cold it is; objects only ever move to a higher rank."""
        return _RANKS.index(self) if self in _RANKS else -1


# Source: "Amazon S3 storage classes", performance table (minimum storage duration charge).
_MINIMUM_DAYS: Mapping[StorageClass, int] = {
    StorageClass.STANDARD_IA: 30,
    StorageClass.GLACIER_IR: 90,
    StorageClass.GLACIER: 90,
    StorageClass.DEEP_ARCHIVE: 180,
}

_RANKS = (
    StorageClass.STANDARD,
    StorageClass.STANDARD_IA,
    StorageClass.GLACIER_IR,
    StorageClass.GLACIER,
    StorageClass.DEEP_ARCHIVE,
)

# S3's rules leave smaller objects where they are, and STANDARD_IA bills them as if they were that large. Source: S3
# user guide, "Transitioning objects using Amazon S3 Lifecycle", default minimum object size since September 2024.
SMALLEST_MOVED_BYTES = 128 * 1024


def storage_class(name: str | None) -> StorageClass:
    """The class of that name as S3 spells it; none means STANDARD, as in listings of S3-compatible servers."""
    if not name:
        return StorageClass.STANDARD
    return StorageClass(name) if name in set(StorageClass) else StorageClass.OTHER


@dataclass(frozen=True, slots=True)
class LakeObject:
    """One object of the lake as a listing shows it, with its tier.

    Attributes:
        key: Object key.
        size: Bytes.
        modified_at: When it became visible, UTC. A copy in place, as from tier to tier, makes it anew.
        etag: Entity tag, quotes included.
        tier: Where it is stored.
    """

    key: str
    size: int
    modified_at: dt.datetime
    etag: str
    tier: StorageClass = StorageClass.STANDARD


@dataclass(frozen=True)
class RestoredCopy:
    """What S3 says of a temporary copy of an archived object (``x-amz-restore``).

    Attributes:
        is_ongoing: Whether the copy is still being made.
        expires_at: Until when it can be read, UTC; None while it is being made.
    """

    is_ongoing: bool
    expires_at: dt.datetime | None = None
