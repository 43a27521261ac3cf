"""What a bucket that keeps versions holds under one key: the object, or the delete marker that hides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radar_pipeline.lake.store import LakeStore


@dataclass(frozen=True)
class KeyState:
    """What lies under a key.

    Attributes:
        current: The object that readers see, as S3 lists it (``VersionId``, ``ETag``, ``Size``); None where there is
            none.
        marker_id: Version id of the delete marker on top; None where there is none.
        hidden: How many older versions there are.
    """

    current: Mapping[str, Any] | None
    marker_id: str | None
    hidden: int


def state_of(store: LakeStore, key: str) -> KeyState:
    """Looks at one key with all its versions. Needs ``s3:ListBucketVersions``.

    Raises:
        LakeError: They cannot be listed.
    """
    versions, markers = [], []
    with store.told(f"list the versions of {key}"):
        pages = store.s3.get_paginator("list_object_versions").paginate(Bucket=store.config.bucket, Prefix=key)
        for page in pages:
            found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            versions += [each for each in page.get("Versions", ()) if each["Key"] == key]
            markers += [each for each in page.get("DeleteMarkers", ()) if each["Key"] == key]
            # Longer keys that begin like this one come after it.
            if any(each["Key"] != key for each in found):
                break
    current = next((each for each in versions if each["IsLatest"]), None)
    marker = next((str(each["VersionId"]) for each in markers if each["IsLatest"]), None)
    return KeyState(current, marker, len(versions) - (current is not None))
