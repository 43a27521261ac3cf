"""Whole files between this machine and the bucket, and removal that leaves no old version behind."""

from __future__ import annotations

import shutil
from pathlib import Path

from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.store import LakeStore, StoredObject


def read_same(store: LakeStore, found: StoredObject) -> bytes:
    """The object that was looked at, whole; one that was changed since raises ``CHANGED``.

    Raises:
        LakeError: It cannot be read, or it is another one.
    """
    with store.told(f"read {found.key}"):
        answer = store.s3.get_object(Bucket=store.config.bucket, Key=found.key, IfMatch=found.etag)
        return bytes(answer["Body"].read())


def upload(store: LakeStore, key: str, source: Path) -> None:
    """Uploads a file of up to 5 GB in one request, so that it is there whole or not at all.

    Raises:
        LakeError: It cannot be written.
    """
    with store.told(f"write {key}"), source.open("rb") as body:
        store.s3.put_object(Bucket=store.config.bucket, Key=key, Body=body)


def download(store: LakeStore, key: str, target: Path) -> None:
    """Downloads an object into a file.

    Raises:
        LakeError: It cannot be read.
    """
    with store.told(f"read {key}"), target.open("wb") as file:
        answer = store.s3.get_object(Bucket=store.config.bucket, Key=key)
        shutil.copyfileobj(answer["Body"], file)


def remove_for_good(store: LakeStore, key: str) -> None:
    """Removes an object of this platform's own with all of its versions.

    A versioned bucket would keep, and bill, them for a year. Keys that may not remove versions leave them to it.

    Raises:
        LakeError: It cannot be removed.
    """
    place = {"Bucket": store.config.bucket, "Key": key}
    try:
        with store.told(f"delete {key} for good"):
            # Without the newest alone, the one before it would stand again.
            found = store.s3.list_object_versions(Bucket=store.config.bucket, Prefix=key)
            for version in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
                if version["Key"] == key:
                    store.s3.delete_object(**place, VersionId=version["VersionId"])
    except LakeError as error:
        if error.fault is not LakeFault.POLICY:
            raise
        store.delete(key)
