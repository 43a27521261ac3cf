"""What S3 says of the temporary copies of archived objects (``x-amz-restore``)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.restoring import ObservedObject
from radar_pipeline.domain.tiers import RestoredCopy
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.listing import as_object, head, list_prefix
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
    answer = head(store, each.object.key)
    if answer is None:
        return None
    return replace(each, object=as_object(each.object.key, answer), copy=parse_restore(answer.get("Restore")))


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
