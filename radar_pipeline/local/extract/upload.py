"""Uploads finished files into the bucket under the names that destination-s3 would give them.

Through ``obstore``, as the platform lists: loading botocore, making its client and 2 requests for each table of the
demonstration database took 0.28 s of CPU.
"""

from __future__ import annotations

import datetime as dt
import html
import mmap
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from obstore.exceptions import BaseError, GenericError
from obstore.store import S3Store

from radar_pipeline.local.extract.keys import LISTING_PAGE, Listing, file_name, first_part, free_key, object_path
from radar_pipeline.local.extract.request import Destination, Dialect, FaultKind, Request

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential

# Seconds before a request is tried a second and a third time.
PAUSES = (0.2, 0.4)

_ANSWER = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_FOR_GOOD = re.compile(r"status code: 4\d\d")

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
            self._store = _store(request.destination)
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
                raise _answer(500, "InternalError", "We encountered an internal error. Please try again.")

    def _call(self, operation: str, key: str, ask: Callable[[], _Answer]) -> _Answer:
        pauses = iter(PAUSES)
        while True:
            try:
                if self._request.deny_s3:
                    # As S3 answers a key without permission; the local endpoint lets every key in.
                    raise _answer(403, "AccessDenied", "Access Denied")
                return ask()
            except (BaseError, OSError, ValueError) as error:
                pause = next(pauses, None) if _may_pass(error) else None
                if pause is None:
                    raise UploadError(self._words(error, operation, key)) from None
                time.sleep(pause)

    def _words(self, error: Exception, operation: str, key: str) -> str:
        target, text = self._request.destination, str(error)
        where = f"s3://{target.bucket}/{key or target.path_prefix}"
        if answer := _ANSWER.search(text):
            code, message = map(html.unescape, answer.groups())
            return f"S3 refused {operation} on {where}: {code}: {message}"
        if "error sending request" in text:
            text = f'Could not connect to the endpoint URL: "{target.endpoint_url or f"S3 in {target.region}"}"'
        return f"S3 {operation} on {where} failed: {text.splitlines()[0]}"


def _answer(status: int, code: str, message: str) -> GenericError:
    """What obstore would raise of such an answer."""
    return GenericError(f"status code: {status}: <Error><Code>{code}</Code><Message>{message}</Message></Error>")


def _may_pass(error: Exception) -> bool:
    """Whether another try may go better: the connection failed, or the server did, but nothing was refused."""
    return isinstance(error, GenericError) and not _FOR_GOOD.search(str(error))


def _store(target: Destination) -> S3Store:
    config: S3Config = {
        "region": target.region,
        "virtual_hosted_style_request": target.endpoint_url is None,
        # Hashing 90 MB takes 50 ms of CPU, sending them 13. TLS protects a body, and on loopback nothing harms it.
        "unsigned_payload": True,
    }
    if target.endpoint_url:
        config["endpoint"] = target.endpoint_url.rstrip("/")
    keys: S3Credential = {
        "access_key_id": target.access_key_id,
        "secret_access_key": target.secret_access_key,
        "token": None,
        "expires_at": None,
    }
    return S3Store(
        target.bucket,
        config=config,
        # Without keys of its own the connector takes the machine's (instance profile), and so does this. Given as
        # configuration, a session token of the environment would be sent with them.
        credential_provider=(lambda: keys) if target.access_key_id else None,
        client_options={
            "allow_http": (target.endpoint_url or "").startswith("http://"),
            "connect_timeout": dt.timedelta(seconds=5),
            "timeout": dt.timedelta(seconds=60),
        },
        retry_config={"max_retries": 0},
    )


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
