"""Copies inside the bucket without a byte passing through this machine, of any size S3 allows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

# S3 copies objects of up to 5 GB in one request; larger ones go in parts.
SINGLE_COPY_LIMIT = 5 * 1024**3
PART_BYTES = 512 * 1024**2
_PARALLEL_PARTS = 8

# What HEAD tells of an object that a copy in parts has to be told again, as boto3 names it on both sides.
_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata")

# A copy in one request keeps the headers and the tags by itself, but takes the bucket's own encryption.
_ENCRYPTION = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")


def copy_object(
    s3: Any, bucket: str, source: str, target: str, *, size: int, etag: str, metadata: Mapping[str, str]
) -> None:
    """Copies the object with that entity tag; another one in its place makes the request fail.

    Args:
        s3: A boto3 client.
        bucket: Bucket of both.
        source: Key to copy from.
        target: Key to copy to.
        size: Bytes of the object.
        etag: Its entity tag.
        metadata: User metadata of the copy.
    """
    origin = {"CopySource": {"Bucket": bucket, "Key": source}, "CopySourceIfMatch": etag}
    place = {"Bucket": bucket, "Key": target}
    if size <= SINGLE_COPY_LIMIT:
        s3.copy_object(**place, **origin, Metadata=dict(metadata), MetadataDirective="REPLACE")
        return
    _copy_in_parts(s3, place, origin, size, kept={"Metadata": dict(metadata)})


def copy_in_place(s3: Any, bucket: str, key: str, found: Mapping[str, Any], storage_class: str) -> str:
    """Copies an object onto itself into a storage class: content, headers, tags and encryption stay the same.

    Both ends carry a condition: neither is another object copied, nor one overwritten that came in the meantime.

    Args:
        s3: A boto3 client.
        bucket: Bucket name.
        key: Object key.
        found: What HEAD said of it.
        storage_class: The class, by S3's name.

    Returns:
        Entity tag of the copy, as the server spells it.
    """
    place = {"Bucket": bucket, "Key": key}
    # No version id: the condition is then on what lies there now, and not on what may lie under it.
    origin = {"CopySource": place, "CopySourceIfMatch": found["ETag"]}
    encryption = {name: found[name] for name in _ENCRYPTION if found.get(name)}
    if found["ContentLength"] <= SINGLE_COPY_LIMIT:
        answer = s3.copy_object(
            **place,
            **origin,
            **encryption,
            IfMatch=found["ETag"],
            StorageClass=storage_class,
            MetadataDirective="COPY",
            TaggingDirective="COPY",
        )
        return str(answer["CopyObjectResult"]["ETag"])
    headers = {name: found[name] for name in _HEADERS if found.get(name)}
    if found.get("ExpiresString"):
        headers["Expires"] = found["ExpiresString"]
    if tags := s3.get_object_tagging(**place)["TagSet"]:
        headers["Tagging"] = urlencode(sorted((tag["Key"], tag["Value"]) for tag in tags))
    kept = {**headers, **encryption, "StorageClass": storage_class}
    return _copy_in_parts(s3, place, origin, found["ContentLength"], kept=kept, only_if=found["ETag"])


def _copy_in_parts(
    s3: Any,
    place: Mapping[str, str],
    origin: Mapping[str, Any],
    size: int,
    *,
    kept: Mapping[str, Any],
    only_if: str | None = None,
) -> str:
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, **kept)["UploadId"]}

    def part(number: int, start: int) -> dict[str, Any]:
        end = min(start + PART_BYTES, size) - 1
        answer = s3.upload_part_copy(**upload, **origin, PartNumber=number, CopySourceRange=f"bytes={start}-{end}")
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    starts = range(0, size, PART_BYTES)
    condition = {"IfMatch": only_if} if only_if else {}
    try:
        with ThreadPoolExecutor(_PARALLEL_PARTS) as pool:
            parts = list(pool.map(part, range(1, len(starts) + 1), starts))
        return str(s3.complete_multipart_upload(**upload, **condition, MultipartUpload={"Parts": parts})["ETag"])
    except BaseException:
        # Parts of an upload that nobody completes are stored, and paid for, without ever being listed.
        s3.abort_multipart_upload(**upload)
        raise
