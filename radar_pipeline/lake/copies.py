"""What S3 says of the temporary copies of archived objects (``x-amz-restore``)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.restoring import ObservedObject
from radar_pipeline.domain.tiers import LakeObject, RestoredCopy, storage_class
from radar_pipeline.lake.errors import LakeError, LakeFault, fault_of_boto, lake_error
from radar_pipeline.lake.listing import list_prefix
from radar_pipeline.lake.store import LakeStore

_RESTORE_HEADER = re.compile(r'ongoing-request="(true|false)"(?:,\s*expiry-date="([^"]+)")?')

T = TypeVar("T")


def observe_days(
    store: LakeStore, layout: BronzeLayout, table: str, first: dt.date, last: dt.date, *, parallel: int = 16
) -> tuple[ObservedObject, ...]:
    """Every data file of a table between two days, with what S3 says of its temporary copy.

    Raises:
        LakeError: The days cannot be listed, or an archived object cannot be looked at.
    """
    # A folder's name sorts before everything in it, so listing begins at the first day.
    listed = list_prefix(store, layout.table_prefix(table), start_after=layout.folder(table, first))
    end = layout.folder(table, last + dt.timedelta(days=1))
    found = []
    for each in listed:
        if each.key >= end:
            break
        day = layout.day_of(each.key)
        if day is not None and first <= day <= last and is_data_file(each.key):
            found.append(ObservedObject(each, day))
    looked = at_once(parallel, [each for each in found if each.object.tier.is_archived], partial(look_again, store))
    if error := next((each for each in looked.values() if isinstance(each, LakeError)), None):
        raise error
    # What is gone since it was listed is not there.
    seen = (looked.get(each.object.key, each) for each in found)
    return tuple(each for each in seen if isinstance(each, ObservedObject))


def look_again(store: LakeStore, each: ObservedObject) -> ObservedObject | None:
    """The object as it is now, with what S3 says of its copy; None where it is gone.

    Raises:
        LakeError: It cannot be looked at.
    """
    try:
        with told(store, f"look at {each.object.key}"):
            answer = store.s3.head_object(Bucket=store.config.bucket, Key=each.object.key)
    except LakeError as error:
        if error.fault is LakeFault.MISSING:
            return None
        raise
    found = LakeObject(
        key=each.object.key,
        size=answer["ContentLength"],
        modified_at=answer["LastModified"],
        etag=answer["ETag"],
        tier=storage_class(answer.get("StorageClass")),
    )
    return replace(each, object=found, copy=parse_restore(answer.get("Restore")))


def parse_restore(header: str | None) -> RestoredCopy | None:
    """What ``x-amz-restore`` says; None where there is no copy, and where it cannot be understood."""
    found = _RESTORE_HEADER.search(header or "")
    if not found:
        return None
    return RestoredCopy(found[1] == "true", parsedate_to_datetime(found[2]) if found[2] else None)


def at_once(
    parallel: int,
    objects: Sequence[ObservedObject],
    work: Callable[[ObservedObject], T],
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, T | LakeError]:
    """Does the same with every object, some at a time; returns the answers by key, of which an error is one.

    Args:
        parallel: How many at a time.
        objects: The objects.
        work: What is done with each.
        on_progress: Called from this thread with objects done and objects in all.
    """
    answers: dict[str, T | LakeError] = {}
    with ThreadPoolExecutor(max(1, min(parallel, len(objects))), thread_name_prefix="restore") as pool:
        try:
            tried = pool.map(partial(_tried, work), objects)
            for each, answer in zip(objects, tried, strict=True):
                answers[each.object.key] = answer
                if on_progress:
                    on_progress(len(answers), len(objects))
        except BaseException:
            # Whoever interrupts it wants the rest not to be asked for.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return answers


def _tried(work: Callable[[ObservedObject], T], each: ObservedObject) -> T | LakeError:
    try:
        return work(each)
    except LakeError as error:
        return error


class RestoreRefusedError(LakeError):
    """A request failed, with S3's own code.

    Attributes:
        code: The code; empty where S3 did not answer.
    """

    def __init__(self, fault: LakeFault, message: str, code: str) -> None:
        super().__init__(fault, message)
        self.code = code


@contextmanager
def told(store: LakeStore, what: str) -> Iterator[None]:
    """Turns what boto3 raises into a ``LakeError``, without its cause: that text may quote a signature."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - boto3 has no common base; fault_of_boto re-raises what is not its own
        fault, detail = fault_of_boto(error)
        words = lake_error(fault, what, bucket=store.config.bucket, where=store.config.where, detail=detail)
        raise RestoreRefusedError(fault, str(words), detail if isinstance(error, ClientError) else "") from None
