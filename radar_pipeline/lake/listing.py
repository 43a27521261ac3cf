"""What lies in the bucket with its storage class: every table's objects, tables in parallel, one after another out."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention_plan import QUARANTINE
from radar_pipeline.domain.tiers import LakeObject, storage_class
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.pages import OBJECTS
from radar_pipeline.lake.store import LakeStore


@dataclass(frozen=True)
class TableListing:
    """What lies in a table's folder.

    Attributes:
        table: Table name; ``quarantine`` for the quarantine.
        objects: Every object below the table's prefix, by key.
        problem: Why it could not be listed, in a sentence for a person; None where it could. No objects then.
    """

    table: str
    objects: tuple[LakeObject, ...] = ()
    problem: str | None = None


def list_tables(
    store: LakeStore, layout: BronzeLayout, tables: Sequence[str], *, parallel: int = 16
) -> Iterator[TableListing]:
    """Lists tables in parallel and gives them in the order asked for. Never raises for what is wrong in the bucket.

    Only a few listings are ahead of the one that is being looked at, so that memory does not grow with the lake.

    Args:
        store: The bucket.
        layout: Where tables lie in it.
        tables: Table names.
        parallel: Tables that are listed at the same time.
    """
    pace = Pace(parallel)
    left = iter(tables)
    store.make_clients()
    with ThreadPoolExecutor(parallel, thread_name_prefix="listing") as pool:
        ahead: deque[Future[TableListing]] = deque()

        def go_on() -> None:
            if (table := next(left, None)) is not None:
                ahead.append(pool.submit(_list_table, store, pace, table, layout.table_prefix(table)))

        try:
            for _ in range(parallel):
                go_on()
            while ahead:
                found = ahead.popleft().result()
                go_on()
                yield found
        finally:
            # Whoever stops looking is not kept waiting for what was still to be listed.
            for each in ahead:
                each.cancel()


def list_quarantine(store: LakeStore, layout: BronzeLayout) -> TableListing:
    """What lies in the quarantine, as the listing of a table of that name."""
    return _list_table(store, Pace(1), QUARANTINE, layout.quarantine_prefix)


def list_prefix(store: LakeStore, prefix: str, *, start_after: str | None = None) -> Iterator[LakeObject]:
    """Every object whose key begins with a prefix, by key, as the pages come in.

    Raises:
        LakeError: It cannot be listed.
    """
    return _pages(store, Pace(1), prefix, start_after)


def look_at(store: LakeStore, key: str) -> LakeObject | None:
    """One object as it is now; None where there is none. HEAD tells whole seconds, a listing milliseconds.

    Raises:
        LakeError: It cannot be looked at.
    """
    answer = head(store, key)
    return None if answer is None else as_object(key, answer)


def head(store: LakeStore, key: str) -> dict[str, Any] | None:
    """Everything that S3 says of an object without giving it; None where there is none.

    Raises:
        LakeError: It cannot be looked at.
    """
    try:
        with store.told(f"look at {key}"):
            return dict(store.s3.head_object(Bucket=store.config.bucket, Key=key))
    except LakeError as error:
        if error.fault is LakeFault.MISSING:
            return None
        raise


def as_object(key: str, answer: dict[str, Any]) -> LakeObject:
    """What ``head`` gave as an object of the lake."""
    return LakeObject(
        key,
        answer["ContentLength"],
        answer["LastModified"].astimezone(dt.UTC),
        answer["ETag"],
        storage_class(answer.get("StorageClass")),
    )


def _list_table(store: LakeStore, pace: Pace, table: str, prefix: str) -> TableListing:
    try:
        return TableListing(table, tuple(_pages(store, pace, prefix, None)))
    except LakeError as error:
        return TableListing(table, problem=str(error))


def _pages(store: LakeStore, pace: Pace, prefix: str, start_after: str | None) -> Iterator[LakeObject]:
    asked = {"StartAfter": start_after} if start_after else {}
    while True:
        page = pace.run(lambda asked=asked: _page(store, prefix, asked))  # type: ignore[misc]
        yield from page[OBJECTS]
        if not page.get("IsTruncated"):
            return
        asked = {"ContinuationToken": page["NextContinuationToken"]}


def _page(store: LakeStore, prefix: str, asked: dict[str, str]) -> dict[str, Any]:
    with store.told(f"list {prefix}"):
        page = dict(store.lister.list_objects_v2(Bucket=store.config.bucket, Prefix=prefix, **asked))
    if OBJECTS not in page:
        page[OBJECTS] = [_from_boto(each) for each in page.get("Contents", ())]
    if page.get("IsTruncated") and not page.get("NextContinuationToken"):
        message = f"cannot list {prefix} in bucket {store.config.bucket}: S3 says that there is more, and not where"
        raise LakeError(LakeFault.OTHER, message)
    return page


def _from_boto(found: dict[str, Any]) -> LakeObject:
    tier = storage_class(found.get("StorageClass"))
    return LakeObject(found["Key"], found["Size"], found["LastModified"].astimezone(dt.UTC), found["ETag"], tier)
