"""Puts finished files into the bucket under the names that destination-s3 would give them."""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import add_expect_header

from radar_pipeline.local.extract.keys import Listing, file_name, first_part, free_key, object_path
from radar_pipeline.local.extract.request import Dialect, FaultKind, Request

# Tries of one request, the first included.
UPLOAD_TRIES = 3

_BLOCK_BYTES = 256 * 1024


class UploadError(Exception):
    """S3 refused or did not answer; the message says which operation, where and why, and holds no secret."""


class Bucket:
    """The destination of one attempt."""

    def __init__(self, request: Request) -> None:
        self._request = request
        try:
            self._client = _client(request)
        except (BotoCoreError, ValueError) as error:
            raise UploadError(self._words(error, "client", "")) from None
        # It would have every body wait for S3's leave, a round trip; ``check`` has asked once for all.
        self._client.meta.events.unregister("before-call.s3", add_expect_header)
        if request.deny_s3:
            self._client.meta.events.register("before-send.s3", _access_denied)
        for order in request.tables:
            if order.fault and order.fault.kind is FaultKind.UPLOAD:
                path = object_path(request.destination, order.name, request.source.database, request.started_at)
                refused = _RefusedUploads(path, order.fault.tries)
                self._client.meta.events.register("before-send.s3.PutObject", refused)

    def check(self) -> None:
        """Asks for one key, so that wrong keys or a wrong bucket show before MySQL is read.

        Raises:
            UploadError: Where the bucket cannot be listed.
        """
        self._call("list_objects_v2", Prefix=self._request.destination.path_prefix, MaxKeys=1)

    def listing(self, path: str) -> Listing:
        """What lies under a path: the first page below 1.0, all of it from 1.0 on."""
        if self._request.dialect is Dialect.V0_3:
            page = self._call("list_objects_v2", Prefix=path)
            return Listing([item["Key"] for item in page.get("Contents", ())], bool(page.get("IsTruncated")))
        keys: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=path, **more)
            keys += [item["Key"] for item in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return Listing(keys)
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def put(self, file: Path, key: str) -> None:
        """Uploads a file; it becomes visible only when it is whole."""
        request = self._request
        metadata = {} if request.dialect is Dialect.V0_3 else {"ab-generation-id": str(request.generation_id)}
        # One PUT: a file ends near ``part_bytes``, far below the 5 GB of S3, and its body is streamed from the disk.
        with _Blocks(file) as body:
            self._call("put_object", Key=key, Body=body, Metadata=metadata, ChecksumCRC32=body.crc32())

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(
                Bucket=self._request.destination.bucket, **arguments
            )
        except (BotoCoreError, ClientError, OSError) as error:
            raise UploadError(self._words(error, operation, arguments.get("Key", ""))) from None
        return answer

    def _words(self, error: Exception, operation: str, key: str) -> str:
        where = f"s3://{self._request.destination.bucket}/{key or self._request.destination.path_prefix}"
        if isinstance(error, ClientError):
            answer = error.response.get("Error", {})
            return f"S3 refused {operation} on {where}: {answer.get('Code')}: {answer.get('Message')}"
        return f"S3 {operation} on {where} failed: {error}"


class _Blocks(io.FileIO):
    """A file that is read in blocks of at least ``_BLOCK_BYTES``: urllib3 would send 16 KB at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next block, however little was asked for."""
        return super().read(size if size is None or size < 0 else max(size, _BLOCK_BYTES)) or b""

    def crc32(self) -> str:
        """The checksum that S3 compares with what arrived; leaves the file at its beginning.

        Left to botocore, it would follow the body, which makes the body an ``aws-chunked`` one: cut up and copied by
        the sender and again by the receiver, half a second of CPU for 240 MB.
        """
        checksum = 0
        while block := self.read(_BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
        self.seek(0)
        return b64encode(checksum.to_bytes(4, "big")).decode()


def _client(request: Request) -> Any:
    target = request.destination
    # botocore itself: boto3 would load its transfer manager too, a fifth of a second that nothing here uses.
    return botocore.session.Session().create_client(
        "s3",
        region_name=target.region,
        endpoint_url=target.endpoint_url,
        # Without keys of its own the connector takes the machine's (instance profile), and so does this.
        aws_access_key_id=target.access_key_id or None,
        aws_secret_access_key=target.secret_access_key or None,
        config=Config(
            # Every body has its CRC32, so it is left out of the signature and not hashed a second time.
            s3={"payload_signing_enabled": False} | ({"addressing_style": "path"} if target.endpoint_url else {}),
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": UPLOAD_TRIES},
            max_pool_connections=max(10, request.concurrency * 2),
        ),
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


class _Body:
    """What botocore reads an answer's body from."""

    def __init__(self, code: str, message: str) -> None:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
        self._text = b'<?xml version="1.0" encoding="UTF-8"?>' + error.encode()

    def stream(self, *_args: Any, **_keywords: Any) -> Collection[bytes]:
        return (self._text,)


def _access_denied(request: Any, **_keywords: Any) -> AWSResponse:
    """Answers in the place of S3 as it answers a key without permission; ministack itself lets every key in."""
    return AWSResponse(request.url, 403, {"Content-Type": "application/xml"}, _Body("AccessDenied", "Access Denied"))


class _RefusedUploads:
    """Answers in the place of S3, as it does on a bad day, to the first tries of one table's uploads."""

    def __init__(self, path: str, tries: int) -> None:
        self._path = path
        self._left = tries

    def __call__(self, request: Any, **_keywords: Any) -> AWSResponse | None:
        if not self._left or f"/{self._path}" not in unquote(urlsplit(request.url).path):
            return None
        self._left -= 1
        body = _Body("InternalError", "We encountered an internal error. Please try again.")
        return AWSResponse(request.url, 500, {"Content-Type": "application/xml"}, body)
