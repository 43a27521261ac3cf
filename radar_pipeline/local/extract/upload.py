"""Uploads finished files into the bucket under the names that destination-s3 would give them."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from obstore.exceptions import BaseError

from radar_pipeline.local.extract.keys import LISTING_PAGE, Listing, file_name, first_part, free_key, object_path
from radar_pipeline.local.extract.request import Dialect, FaultKind, Request
from radar_pipeline.local.extract.s3 import BAD_DAY, DENIED, may_pass, open_store, refusal_of, words_of

# Seconds before a request is tried a second and a third time.
PAUSES = (0.2, 0.4)

_Answer = TypeVar("_Answer")


class UploadError(Exception):
    """S3 refused or did not answer; the message says which operation, where and why, and holds no secret."""


class Bucket:
    """The destination of one attempt."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._metadata = {} if request.dialect is Dialect.V0_3 else {"ab-generation-id": str(request.generation_id)}
        # How many more tries S3 is to refuse of the uploads under a table's path.
        self._refusals = {
            object_path(request.destination, order.name, request.source.database, request.started_at): order.fault.tries
            for order in request.tables
            if order.fault and order.fault.kind is FaultKind.UPLOAD
        }
        try:
            self._store = open_store(request.destination)
        except (BaseError, ValueError) as error:
            raise UploadError(self._words(error, "client", "")) from None

    def check(self) -> None:
        """Lists something, so that wrong keys or a wrong bucket show before MySQL is read.

        Raises:
            UploadError: Where the bucket cannot be listed.
        """
        prefix = self._request.destination.path_prefix
        self._call("list_objects_v2", "", lambda: next(iter(self._store.list(prefix)), None))

    def listing(self, path: str) -> Listing:
        """What lies under a path: the first page below 1.0, all of it from 1.0 on."""
        if self._request.dialect is not Dialect.V0_3:
            return Listing(self._call("list_objects_v2", "", lambda: list(self._keys(path))))
        keys = self._call("list_objects_v2", "", lambda: list(islice(self._keys(path), LISTING_PAGE + 1)))
        return Listing(keys[:LISTING_PAGE], truncated=len(keys) > LISTING_PAGE)

    def put(self, file: Path, key: str) -> None:
        """Uploads a file; it becomes visible only when it is whole."""

        def put() -> None:
            self._refuse(key)
            # One PUT: a file ends near ``part_bytes``, far below the 5 GB of S3. Mapped, as obstore would read it into
            # memory: 90 MB took 13 ms of CPU instead of 73.
            with file.open("rb") as opened:
                body = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            self._store.put(key, body, attributes=self._metadata, use_multipart=False)

        self._call("put_object", key, put)

    def _keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix, in order: those of its folder, as obstore knows whole segments only."""
        for page in self._store.list(prefix.rpartition("/")[0], chunk_size=LISTING_PAGE):
            yield from (item["path"] for item in page if item["path"].startswith(prefix))

    def _refuse(self, key: str) -> None:
        """Answers in the place of S3, as it does on a bad day, to the first tries of the uploads of some tables."""
        for path, left in self._refusals.items():
            if left and key.startswith(path):
                self._refusals[path] -= 1
                raise BAD_DAY.as_error()

    def _call(self, operation: str, key: str, ask: Callable[[], _Answer]) -> _Answer:
        pauses = iter(PAUSES)
        while True:
            try:
                if self._request.deny_s3:
                    raise DENIED.as_error()
                return ask()
            except (BaseError, OSError, ValueError) as error:
                pause = next(pauses, None) if may_pass(error) else None
                if pause is None:
                    raise UploadError(self._words(error, operation, key)) from None
                time.sleep(pause)

    def _words(self, error: Exception, operation: str, key: str) -> str:
        target = self._request.destination
        where = f"s3://{target.bucket}/{key or target.path_prefix}"
        if refusal := refusal_of(error):
            return f"S3 refused {operation} on {where}: {refusal.code}: {refusal.message}"
        return f"S3 {operation} on {where} failed: {words_of(error, target)}"


class TableFiles:
    """Names the files of one table in one attempt."""

    def __init__(self, bucket: Bucket, request: Request, table: str) -> None:
        self._bucket = bucket
        self._request = request
        self._path = object_path(request.destination, table, request.source.database, request.started_at)
        self._taken: set[str] | None = None
        self._part: int | None = None
        self.keys: list[str] = []

    def upload(self, file: Path) -> None:
        """Uploads the next file. The first one decides the number from what lies there at that moment."""
        request = self._request
        pattern = request.destination.file_name_pattern
        if self._taken is None:
            listing = self._bucket.listing(self._path)
            self._taken = set(listing.keys)
            self._part = first_part(request.dialect, self._path, pattern, listing)
        name = file_name(pattern, part=self._part, now=request.now(), sync_id=request.sync_id)
        key = free_key(request.dialect, self._path + name, self._taken)
        self._bucket.put(file, key)
        self._taken.add(key)
        self.keys.append(key)
        if self._part is not None:
            self._part += 1
