from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from radar_pipeline.lake.errors import LakeError, LakeFault, fault_of_boto, fault_of_obstore
from radar_pipeline.lake.probe import probe
from radar_pipeline.lake.store import LakeConfig, LakeStore

CONFIG = LakeConfig(
    "bronze",
    region="us-east-2",
    endpoint_url="http://127.0.0.1:9",
    access_key_id="AKIDEXAMPLE",
    secret_access_key="s3cr3t-key",
    max_attempts=1,
)


def answer(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("SignatureDoesNotMatch", 403, LakeFault.CREDENTIALS),
        ("ExpiredToken", 400, LakeFault.CREDENTIALS),
        ("AccessDenied", 403, LakeFault.POLICY),
        ("NoSuchBucket", 404, LakeFault.BUCKET),
        ("PermanentRedirect", 301, LakeFault.REGION),
        ("NoSuchKey", 404, LakeFault.MISSING),
        ("PreconditionFailed", 412, LakeFault.CHANGED),
        ("SlowDown", 503, LakeFault.ENDPOINT),
        ("SomethingNew", 503, LakeFault.ENDPOINT),
        ("SomethingNew", 400, LakeFault.OTHER),
    ],
)
def test_both_clients_agree_on_what_an_answer_of_s3_means(code, status, fault):
    text = f"Generic S3 error: Server returned non-2xx status code: {status} X: <Error><Code>{code}</Code></Error>"
    assert fault_of_boto(answer(code, status)) == (fault, code)
    assert fault_of_obstore(OSError(text)) == (fault, code)


def test_a_mistake_of_this_program_is_no_fault_of_the_bucket():
    with pytest.raises(ZeroDivisionError):
        fault_of_boto(ZeroDivisionError())


@pytest.mark.parametrize("ask", [lambda s: s.list_objects("a/"), lambda s: s.read("a"), lambda s: s.put("a", b"")])
def test_an_endpoint_that_is_away_is_named_by_reads_and_writes_alike(ask):
    with pytest.raises(LakeError, match=r"127\.0\.0\.1:9 does not answer") as caught:
        ask(LakeStore(CONFIG))
    assert caught.value.fault is LakeFault.ENDPOINT


def test_neither_errors_nor_reprs_show_a_key():
    store = LakeStore(CONFIG)
    with pytest.raises(LakeError) as caught:
        store.list_objects("a/")
    shown = f"{CONFIG!r} {store!r} {caught.value!r} {caught.value.__cause__!r}"
    assert "s3cr3t" not in shown
    assert "AKIDEXAMPLE" not in shown


@pytest.mark.integration
@pytest.mark.parametrize("ask_region", [True, False])
def test_a_ready_bucket_passes_the_probe_and_keeps_nothing_of_it(store, layout, ask_region):
    result = probe(store, layout, ask_region=ask_region)
    assert result.is_ready, result.problem
    assert store.list_objects(f"{layout.control_prefix}/") == []


@pytest.mark.integration
@pytest.mark.parametrize("server", ["ministack"], indirect=True)
@pytest.mark.parametrize("stray", ["/stray.txt", "./stray.txt", "../stray.txt"])
def test_a_stray_key_with_an_odd_segment_does_not_make_the_bucket_unusable(store, layout, stray):
    store.s3.put_object(Bucket=store.config.bucket, Key=f"{layout.prefix}/{stray}", Body=b"x")
    result = probe(store, layout, ask_region=False)
    assert result.is_ready, result.problem
    assert store.is_listable(f"{layout.prefix}/")
    assert not store.is_listable("another//prefix/")


@pytest.mark.integration
@pytest.mark.parametrize("ask_region", [True, False])
def test_a_wrong_bucket_is_named(config, layout, ask_region):
    result = probe(LakeStore(replace(config, bucket="no-such-bucket-of-ours")), layout, ask_region=ask_region)
    assert not result.is_ready
    assert result.fault is LakeFault.BUCKET
    assert "no-such-bucket-of-ours" in (result.problem or "")
    with pytest.raises(LakeError, match="check S3_BUCKET_NAME"):
        LakeStore(replace(config, bucket="no-such-bucket-of-ours")).list_objects("a/")


@pytest.mark.integration
def test_an_object_that_is_not_there_is_missing_and_not_a_broken_bucket(store):
    assert store.head("nothing") is None
    with pytest.raises(LakeError) as caught:
        store.read("nothing")
    assert caught.value.fault is LakeFault.MISSING


@pytest.mark.integration
def test_a_listing_goes_on_past_a_thousand_keys_and_begins_where_it_is_told(store):
    for number in range(1005):
        store.put(f"many/{number:04d}", b"")
    store.put("many-more/0", b"")
    assert len(store.list_objects("many/")) == 1005
    assert [each.key for each in store.list_objects("many/", start_after="many/1002")] == ["many/1003", "many/1004"]


@pytest.mark.integration
def test_only_the_object_that_was_looked_at_is_deleted(store):
    store.put("a/x", b"one")
    seen = store.head("a/x")
    store.put("a/x", b"two")
    with pytest.raises(LakeError) as caught:
        store.delete("a/x", only_if=seen.etag)
    assert caught.value.fault is LakeFault.CHANGED
    assert store.read("a/x") == b"two"
