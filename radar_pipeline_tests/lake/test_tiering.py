from __future__ import annotations

from dataclasses import replace

import pytest

from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake import copying
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.listing import look_at
from radar_pipeline.lake.store import LakeStore
from radar_pipeline.lake.tiering import MoveOutcome, move_to_tier
from radar_pipeline_tests.aws_proxy import Answer, access_denied, aws_proxy, s3_error
from radar_pipeline_tests.lake.aging import through, versions

KEY = "origin=airbyte/database=bronze_radar/promoção/cog_dt_ingestion=2026-10-01/file 1+2.parquet"
IA, GLACIER = StorageClass.STANDARD_IA, StorageClass.GLACIER

pytestmark = pytest.mark.integration
ministack = pytest.mark.parametrize("server", ["ministack"], indirect=True)


def put(store, body=b"rows", **options):
    store.s3.put_object(Bucket=store.config.bucket, Key=KEY, Body=body, **options)
    return look_at(store, KEY)


def everything(store):
    """What HEAD and the tags say, without what a move is allowed to change."""
    found = store.s3.head_object(Bucket=store.config.bucket, Key=KEY)
    tags = store.s3.get_object_tagging(Bucket=store.config.bucket, Key=KEY)["TagSet"]
    changing = {"ResponseMetadata", "LastModified", "VersionId", "StorageClass", "ETag", "AcceptRanges"}
    return {name: value for name, value in found.items() if name not in changing}, tags


DRESSED = {
    "ContentType": "application/vnd.apache.parquet",
    "CacheControl": "no-cache",
    "ContentDisposition": "attachment",
    "Metadata": {"radar-origin-etag": "x", "note": "of a person"},
    "Tagging": "team=dados&cost=a%26b",
}


def test_a_move_changes_the_tier_and_nothing_else(store):
    listed = put(store, **DRESSED)
    before = everything(store)
    moved = move_to_tier(store, listed, IA)
    now = look_at(store, KEY)
    assert moved.outcome is MoveOutcome.MOVED
    assert (now.tier, now.size, now.etag) == (IA, listed.size, listed.etag)
    assert everything(store) == before
    assert store.read(KEY) == b"rows"


# SeaweedFS takes a copy of an object onto itself for a mistake unless it keeps versions.
@pytest.mark.parametrize(
    ("server", "kind"),
    [("ministack", "versioned"), ("seaweed", "versioned"), ("ministack", "unversioned"), ("ministack", "suspended")],
    indirect=["server"],
)
def test_of_a_moved_object_one_version_is_paid_for_whatever_the_bucket_keeps(server, config, kind):
    if kind == "suspended":
        server.client().put_bucket_versioning(Bucket=config.bucket, VersioningConfiguration={"Status": "Suspended"})
    if kind == "unversioned":
        config = replace(config, bucket=f"{config.bucket}-plain")
        server.client().create_bucket(
            Bucket=config.bucket, CreateBucketConfiguration={"LocationConstraint": server.region}
        )
    store = LakeStore(config)
    listed = put(store)
    moved = move_to_tier(store, listed, IA)
    assert moved.outcome is MoveOutcome.MOVED
    assert (moved.removed_version is not None) is (kind == "versioned")
    assert versions(store) == [(KEY, "STANDARD_IA", listed.etag)]
    assert store.read(KEY) == b"rows"


def test_an_object_that_is_there_is_not_copied_again(config, store):
    listed = put(store, StorageClass="STANDARD_IA")
    with aws_proxy(config.endpoint_url) as proxy:
        moved = move_to_tier(through(config, proxy.url), listed, IA)
        assert (moved.outcome, proxy.count("PUT")) == (MoveOutcome.ALREADY_THERE, 0)


@pytest.mark.parametrize(
    ("lies", "to", "why"),
    [
        ("GLACIER", IA, "nothing moves"),
        ("INTELLIGENT_TIERING", GLACIER, "nothing moves"),
        ("GLACIER", StorageClass.DEEP_ARCHIVE, "only the bucket's own rule"),
    ],
)
@ministack
def test_what_may_not_be_moved_is_left_with_the_reason(store, lies, to, why):
    moved = move_to_tier(store, put(store, StorageClass=lies), to)
    assert moved.outcome is MoveOutcome.LEFT
    assert why in moved.why


def test_an_object_that_is_gone_or_was_written_anew_is_left(store):
    listed = put(store)
    put(store, b"other rows")
    assert move_to_tier(store, listed, IA).why == "it was changed since it was listed"
    assert store.read(KEY) == b"other rows"
    store.delete(KEY)
    assert move_to_tier(store, listed, IA).why == "it is gone since it was listed"


@ministack
def test_an_object_written_while_it_is_to_be_moved_is_not_overwritten(config, store):
    listed = put(store)

    def another_writer(seen):
        if seen.method == "PUT":
            proxy.rules.clear()
            put(store, b"newer rows")

    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(another_writer)
        moved = move_to_tier(through(config, proxy.url), listed, IA)
    assert (moved.outcome, moved.why) == (MoveOutcome.LEFT, "it was changed while it was to be moved")
    assert store.read(KEY) == b"newer rows"
    assert look_at(store, KEY).tier is StorageClass.STANDARD


def test_a_large_object_is_moved_in_parts_with_all_that_belongs_to_it(config, store, monkeypatch):
    monkeypatch.setattr(copying, "SINGLE_COPY_LIMIT", 6 * 1024**2)
    monkeypatch.setattr(copying, "PART_BYTES", 5 * 1024**2)
    body = bytes(range(256)) * (12 * 4096)
    listed = put(store, body, **DRESSED)
    before = everything(store)
    with aws_proxy(config.endpoint_url) as proxy:
        moved = move_to_tier(through(config, proxy.url), listed, IA)
        assert proxy.count("PUT", "partNumber") == 3
        # Said here, as ministack forgets the tags of an upload in parts.
        (begun,) = (each for each in proxy.seen if each.method == "POST" and each.path.endswith("?uploads"))
        assert begun.headers["x-amz-tagging"] == "cost=a%26b&team=dados"
    assert moved.outcome is MoveOutcome.MOVED
    assert look_at(store, KEY).tier is IA
    assert everything(store)[0] == before[0]
    assert store.read(KEY) == body
    assert len(versions(store)) == 1
    # Its tag is of another kind now, and still it is known to be there.
    assert move_to_tier(store, look_at(store, KEY), IA).outcome is MoveOutcome.ALREADY_THERE


@ministack
def test_an_object_encrypted_with_a_key_stays_encrypted_with_it(store, monkeypatch):
    for limit in (copying.SINGLE_COPY_LIMIT, 1):
        monkeypatch.setattr(copying, "SINGLE_COPY_LIMIT", limit)
        listed = put(store, ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/bronze")
        assert move_to_tier(store, listed, IA).outcome is MoveOutcome.MOVED
        found = store.s3.head_object(Bucket=store.config.bucket, Key=KEY)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/bronze")


@ministack
def test_a_copy_whose_answer_was_lost_is_not_asked_for_twice(config, store):
    listed = put(store)

    def copied_and_silent(seen):
        if seen.method != "PUT":
            return None
        proxy.rules.clear()
        source = {"Bucket": config.bucket, "Key": KEY}
        store.s3.copy_object(Bucket=config.bucket, Key=KEY, CopySource=source, StorageClass="STANDARD_IA")
        return s3_error(500, "InternalError")

    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(copied_and_silent)
        moved = move_to_tier(through(config, proxy.url), listed, IA)
        assert (moved.outcome, proxy.count("PUT")) == (MoveOutcome.MOVED, 1)
    assert versions(store) == [(KEY, "STANDARD_IA", listed.etag)]


@ministack
def test_the_old_version_is_removed_only_after_the_new_one_was_seen(config, store):
    listed = put(store)
    with aws_proxy(config.endpoint_url) as proxy:
        # Nobody can look any more once the copy is made.
        proxy.rules.append(lambda seen: access_denied() if seen.method == "HEAD" and proxy.count("PUT") else None)
        with pytest.raises(LakeError) as caught:
            move_to_tier(through(config, proxy.url), listed, IA)
        assert caught.value.fault is LakeFault.POLICY
        assert proxy.count("DELETE") == 0
    assert [tier for _, tier, _ in versions(store)] == ["STANDARD", "STANDARD_IA"]


@ministack
def test_a_copy_that_came_out_different_costs_no_version(config, store):
    listed = put(store)

    def wrong_class(seen):
        if seen.method == "PUT":
            proxy.rules.clear()
            source = {"Bucket": config.bucket, "Key": KEY}
            answer = store.s3.copy_object(Bucket=config.bucket, Key=KEY, CopySource=source, StorageClass="GLACIER_IR")
            body = f"<CopyObjectResult><ETag>{answer['CopyObjectResult']['ETag']}</ETag></CopyObjectResult>"
            return Answer(200, body.encode())
        return None

    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(wrong_class)
        with pytest.raises(LakeError, match="is in GLACIER_IR; its old version is kept"):
            move_to_tier(through(config, proxy.url), listed, IA)
    assert len(versions(store)) == 2
