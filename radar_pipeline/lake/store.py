"""The bucket as the rest of the platform sees it: a few verbs, bounded in time, with one kind of error.

Two clients stand behind it. Listings and footers go through ``obstore`` because they come by the thousand: measured on
1,000 tables of 4 files it needs a fifth of the processor time of boto3 and a third of the wall time, as boto3 spends
2.3 ms under the interpreter's lock for each request. So do small writes: a day on which nothing has to be moved never
makes a boto3 client, which takes 0.25 s. What moves files goes through boto3, which knows conditions, metadata and
multipart copies.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import obstore
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import S3Store

from radar_pipeline.lake.clients import Reach, new_client, new_session
from radar_pipeline.lake.copying import copy_object
from radar_pipeline.lake.errors import LakeError, LakeFault, fault_of_boto, fault_of_obstore, lake_error
from radar_pipeline.lake.pages import read_quickly

if TYPE_CHECKING:
    from obstore.store import S3Config

# How long the copy of one object of 5 GB may take, seconds.
_COPY_TIMEOUT = 300.0


@dataclass(frozen=True)
class LakeConfig(Reach):
    """Which bucket, where it is and how patient to be with it.

    Attributes:
        bucket: Bucket name.
    """

    bucket: str


@dataclass(frozen=True)
class StoredObject:
    """One object as a listing or a HEAD shows it.

    Attributes:
        key: Object key.
        size: Bytes.
        modified_at: When it became visible, UTC.
        etag: Entity tag, quotes included.
        metadata: User metadata; empty where it comes from a listing.
    """

    key: str
    size: int
    modified_at: dt.datetime
    etag: str
    metadata: dict[str, str] = field(default_factory=dict)


class LakeStore:
    """One bucket. Safe to share between threads; opens nothing until the first request."""

    def __init__(self, config: LakeConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"LakeStore({self.config.bucket!r}, {self.config.where!r})"

    @cached_property
    def _session(self) -> boto3.Session:
        return new_session(self.config)

    @cached_property
    def s3(self) -> Any:
        """The boto3 client, for the rooms that need more verbs than these."""
        return self._new_client()

    @cached_property
    def lister(self) -> Any:
        """The boto3 client for listings with storage classes."""
        return read_quickly(self._new_client())

    @cached_property
    def s3_once(self) -> Any:
        """The boto3 client for requests that must not be made again unseen, as a copy that is paid for each time.

        It waits longer, too: S3 answers a copy when the last of 5 GB is copied.
        """
        return self._new_client(max_attempts=1, read_timeout=max(self.config.read_timeout, _COPY_TIMEOUT))

    def make_clients(self) -> None:
        """Makes the boto3 clients before threads share them: boto3 must not make them in several at a time."""
        _ = (self.s3, self.s3_once, self.lister)

    def _new_client(self, *, max_attempts: int | None = None, read_timeout: float | None = None) -> Any:
        return new_client(
            self._session,
            "s3",
            self.config,
            max_attempts=max_attempts,
            read_timeout=read_timeout,
            s3={"addressing_style": "path" if self.config.endpoint_url else "auto"},
            # S3-compatible servers disagree about the newer default checksums; AWS needs none for these verbs.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    @cached_property
    def _fast(self) -> S3Store:
        if self._session.get_credentials() is None:
            raise self._error(LakeFault.CREDENTIALS, "sign in", "no access keys found")
        return S3Store(
            self.config.bucket,
            config=self._fast_config,
            credential_provider=Boto3CredentialProvider(self._session),
            client_options={
                "allow_http": (self.config.endpoint_url or "").startswith("http://"),
                "connect_timeout": dt.timedelta(seconds=self.config.connect_timeout),
                "timeout": dt.timedelta(seconds=self.config.read_timeout),
            },
            retry_config={
                "max_retries": self.config.max_attempts - 1,
                "retry_timeout": dt.timedelta(seconds=self.config.max_attempts * self.config.read_timeout),
            },
        )

    @property
    def _fast_config(self) -> S3Config:
        config: S3Config = {
            "region": self.config.region,
            "virtual_hosted_style_request": self.config.endpoint_url is None,
        }
        if self.config.endpoint_url:
            config["endpoint"] = self.config.endpoint_url.rstrip("/")
        return config

    def list_objects(self, prefix: str, *, start_after: str | None = None) -> list[StoredObject]:
        """Every object whose key begins with a prefix that ends in a slash, by key, one request per 1,000."""
        with self.told(f"list {prefix}"):
            try:
                found = self._fast.list(prefix, offset=start_after).collect()
            except (InvalidPathError, ValueError):
                return self._list_odd_keys(prefix, start_after)
        # obstore strips the slash of a "folder" object, which then no longer lies under the prefix.
        objects = (StoredObject(o["path"], o["size"], o["last_modified"], o["e_tag"] or "") for o in found)
        return sorted((each for each in objects if each.key.startswith(prefix)), key=lambda each: each.key)

    def _list_odd_keys(self, prefix: str, start_after: str | None) -> list[StoredObject]:
        """Lists through boto3: obstore refuses a whole listing for one key with ``//`` or ``/./`` in it."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.config.bucket, Prefix=prefix, **({"StartAfter": start_after} if start_after else {})
        )
        return [
            StoredObject(o["Key"], o["Size"], o["LastModified"], o["ETag"])
            for page in pages
            for o in page.get("Contents", ())
        ]

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes ``start`` to ``end`` (exclusive) of an object."""
        with self.told(f"read {key}"):
            try:
                return bytes(obstore.get_range(self._fast, key, start=start, end=end))
            except (InvalidPathError, ValueError):
                answer = self.s3.get_object(Bucket=self.config.bucket, Key=key, Range=f"bytes={start}-{end - 1}")
                return bytes(answer["Body"].read())

    def read(self, key: str) -> bytes:
        """A small object whole."""
        with self.told(f"read {key}"):
            return bytes(obstore.get(self._fast, key).bytes())

    def head(self, key: str) -> StoredObject | None:
        """An object's size, tag and metadata; None where there is no such object."""
        try:
            with self.told(f"look at {key}"):
                answer = self.s3.head_object(Bucket=self.config.bucket, Key=key)
        except LakeError as error:
            if error.fault is LakeFault.MISSING:
                return None
            raise
        return StoredObject(
            key, answer["ContentLength"], answer["LastModified"], answer["ETag"], dict(answer.get("Metadata", {}))
        )

    def put(
        self, key: str, body: bytes, *, content_type: str = "application/octet-stream", only_if_new: bool = False
    ) -> None:
        """Writes a small object whole; with ``only_if_new`` one that is there stays, which is no error."""
        if only_if_new:
            self._put_new(key, body, content_type)
            return
        with self.told(f"write {key}"):
            try:
                obstore.put(self._fast, key, body, attributes={"Content-Type": content_type}, use_multipart=False)
            except (InvalidPathError, ValueError):
                self.s3.put_object(Bucket=self.config.bucket, Key=key, Body=body, ContentType=content_type)

    def _put_new(self, key: str, body: bytes, content_type: str) -> None:
        try:
            with self.told(f"write {key}"):
                self.s3.put_object(
                    Bucket=self.config.bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
                )
        except LakeError as error:
            if error.fault is not LakeFault.CHANGED:
                raise

    def delete(self, key: str, *, only_if: str | None = None) -> None:
        """Removes an object; with ``only_if`` only the one with that entity tag (a changed one raises ``CHANGED``)."""
        with self.told(f"delete {key}"):
            if only_if is None:
                obstore.delete(self._fast, key)
            else:
                self.s3.delete_object(Bucket=self.config.bucket, Key=key, IfMatch=only_if)

    def copy(self, original: StoredObject, target: str, *, metadata: Mapping[str, str]) -> None:
        """Copies an object inside the bucket; one that changed since it was looked at raises ``CHANGED``."""
        with self.told(f"copy {original.key} to {target}"):
            copy_object(
                self.s3,
                self.config.bucket,
                original.key,
                target,
                size=original.size,
                etag=original.etag,
                metadata=metadata,
            )

    def bucket_region(self) -> str | None:
        """The region the bucket says it is in; None where the server does not say."""
        what = "reach anything"
        try:
            with self.told(what):
                answer = self.s3.head_bucket(Bucket=self.config.bucket)
        except LakeError as error:
            if error.fault is LakeFault.MISSING:
                # An answer to HEAD has no body, and so no code that tells a bucket from an object.
                raise self._error(LakeFault.BUCKET, what, "404") from None
            raise
        region = answer.get("BucketRegion") or answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        return str(region) if region else None

    def is_listable(self, prefix: str) -> bool:
        """Whether anything lies under a prefix; raises where listing is refused."""
        with self.told(f"list {prefix}"):
            try:
                # By folders: one page where a listing of every file would be many.
                found = obstore.list_with_delimiter(self._fast, prefix)
            except (InvalidPathError, ValueError):
                return bool(self.s3.list_objects_v2(Bucket=self.config.bucket, Prefix=prefix, MaxKeys=1)["KeyCount"])
        return bool(found["common_prefixes"] or found["objects"])

    def _error(self, fault: LakeFault, what: str, detail: str) -> LakeError:
        return lake_error(fault, what, bucket=self.config.bucket, where=self.config.where, detail=detail)

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Turns whatever a client raises into a ``LakeError``, without its cause: that text may quote a signature."""
        try:
            yield
        except LakeError:
            raise
        except (BaseError, OSError) as error:
            fault, detail = fault_of_obstore(error)
            raise self._error(fault, what, detail) from None
        except Exception as error:  # noqa: BLE001 - boto3 has no common base; fault_of_boto re-raises what is not its own
            fault, detail = fault_of_boto(error)
            raise self._error(fault, what, detail) from None
