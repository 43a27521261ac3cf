"""Copies inside the bucket without a byte passing through this machine, of any size S3 allows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# S3 copies objects of up to 5 GB in one request; larger ones go in parts.
SINGLE_COPY_LIMIT = 5 * 1024**3
PART_BYTES = 512 * 1024**2
_PARALLEL_PARTS = 8


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
    origin = {"Bucket": bucket, "Key": source}
    if size <= SINGLE_COPY_LIMIT:
        s3.copy_object(
            Bucket=bucket,
            Key=target,
            CopySource=origin,
            CopySourceIfMatch=etag,
            Metadata=dict(metadata),
            MetadataDirective="REPLACE",
        )
        return
    upload = s3.create_multipart_upload(Bucket=bucket, Key=target, Metadata=dict(metadata))["UploadId"]

    def part(number: int, start: int) -> dict[str, Any]:
        end = min(start + PART_BYTES, size) - 1
        answer = s3.upload_part_copy(
            Bucket=bucket,
            Key=target,
            UploadId=upload,
            PartNumber=number,
            CopySource=origin,
            CopySourceIfMatch=etag,
            CopySourceRange=f"bytes={start}-{end}",
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    starts = range(0, size, PART_BYTES)
    try:
        with ThreadPoolExecutor(_PARALLEL_PARTS) as pool:
            parts = list(pool.map(part, range(1, len(starts) + 1), starts))
        s3.complete_multipart_upload(Bucket=bucket, Key=target, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        # Parts of an upload that nobody completes are stored, and paid for, without ever being listed.
        s3.abort_multipart_upload(Bucket=bucket, Key=target, UploadId=upload)
        raise
