from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace

import pytest

from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.listing import list_prefix, list_quarantine, list_tables, look_at
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.aws_proxy import Answer, access_denied, aws_proxy, slow_down
from radar_pipeline_tests.lake.aging import through

DAY = dt.date(2026, 11, 23)
ODD = ["a+b&c#d", "50%_off", "promoção", "with blank", "<x>\"'&amp;", "a%20b", "tab\there"]

pytestmark = pytest.mark.integration


def put(store, key, body=b"1", tier="STANDARD"):
    store.s3.put_object(Bucket=store.config.bucket, Key=key, Body=body, StorageClass=tier)


def pages_of(store, size):
    """Makes a store's listings come in small pages, so that a test needs no thousand objects."""
    store.lister.meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.setdefault("MaxKeys", size)
    )
    return store


def test_a_listing_tells_what_boto3_tells_page_by_page_odd_names_included(store):
    classes = ["STANDARD", "STANDARD_IA", "GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"]
    for number, name in enumerate([*ODD, "plain", "x/y", "z"]):
        put(store, f"p/{name}", b"x" * number, classes[number % len(classes)])
    put(store, "p2/neighbour")

    found = list(list_prefix(pages_of(store, 3), "p/"))

    told = store.s3.list_objects_v2(Bucket=store.config.bucket, Prefix="p/")["Contents"]
    assert [(each.key, each.size, each.etag, each.modified_at) for each in found] == [
        (each["Key"], each["Size"], each["ETag"], each["LastModified"]) for each in told
    ]
    assert {each.key: each.tier for each in found} == {
        each["Key"]: StorageClass.OTHER
        if each["StorageClass"] == "INTELLIGENT_TIERING"
        else StorageClass(each["StorageClass"])
        for each in told
    }
    assert len(found) == len(ODD) + 3
    assert [each.key for each in list_prefix(store, "p/", start_after=found[4].key)] == [each.key for each in found[5:]]
    assert list(list_prefix(store, "nothing/")) == []


def test_an_object_looked_at_is_the_object_listed(store):
    put(store, "p/promoção", b"four", "STANDARD_IA")
    (listed,) = list_prefix(store, "p/")
    looked = look_at(store, "p/promoção")
    assert replace(looked, modified_at=looked.modified_at.replace(microsecond=0)) == replace(
        listed, modified_at=listed.modified_at.replace(microsecond=0)
    )
    assert look_at(store, "p/none") is None


def test_tables_come_in_order_and_what_is_wrong_with_one_is_said_of_it_alone(config, store, layout):
    tables = [f"t{number}" for number in range(6)]
    for table in tables:
        for part in range(3):
            put(store, f"{layout.folder(table, DAY)}{part}.parquet")
    put(store, layout.quarantine_key(layout.folder("t1", DAY) + "old.parquet"))
    refused = {"t2": access_denied(), "t4": Answer(200, b"<html>a page of something in between</html")}
    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(
            lambda seen: next((answer for table, answer in refused.items() if f"%2F{table}%2F" in seen.path), None)
        )
        found = list(list_tables(through(config, proxy.url), layout, tables, parallel=3))
    assert [each.table for each in found] == tables
    assert [len(each.objects) for each in found] == [3, 3, 0, 3, 0, 3]
    assert [each.table for each in found if each.problem] == ["t2", "t4"]
    assert "/t2/" in found[2].problem
    assert "check the IAM policy" in found[2].problem
    assert "does not answer as it should" in found[4].problem
    assert [each.key for each in list_quarantine(store, layout).objects] == [
        layout.quarantine_key(layout.folder("t1", DAY) + "old.parquet")
    ]


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_page_in_another_spelling_is_read_too_and_one_without_its_end_is_an_error(config):
    rows = (
        "<s:Contents><s:Key>p/a%20b</s:Key><s:LastModified>2026-11-23T02:00:01.250Z</s:LastModified>"
        '<s:ETag>"e"</s:ETag><s:Size>7</s:Size><s:StorageClass>GLACIER</s:StorageClass></s:Contents>'
    )
    page = f'<s:ListBucketResult xmlns:s="urn:x"><s:EncodingType>url</s:EncodingType>{rows}MORE</s:ListBucketResult>'
    endless = page.replace("MORE", "<s:IsTruncated>true</s:IsTruncated>")
    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(lambda _: Answer(200, page.replace("MORE", "").encode()))
        (found,) = list_prefix(through(config, proxy.url), "p/")
        assert (found.key, found.size, found.etag, found.tier) == ("p/a b", 7, '"e"', StorageClass.GLACIER)
        assert found.modified_at == dt.datetime(2026, 11, 23, 2, 0, 1, 250_000, tzinfo=dt.UTC)
        proxy.rules[:] = [lambda _: Answer(200, endless.encode())]
        with pytest.raises(LakeError, match="there is more, and not where"):
            list(list_prefix(through(config, proxy.url), "p/"))


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_only_a_few_listings_are_ahead_of_whoever_looks_at_them(config, layout):
    with aws_proxy(config.endpoint_url) as proxy:
        found = list_tables(through(config, proxy.url), layout, [f"t{number}" for number in range(40)], parallel=4)
        for number in range(1, 4):
            assert next(found).table == f"t{number - 1}"
            time.sleep(0.05)
            assert proxy.count("GET", "list-type=2") <= number + 4
        found.close()
        assert proxy.count("GET", "list-type=2") <= 8


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_listing_is_asked_for_again_while_s3_asks_to_slow_down(config, store, layout):
    for number in range(9):
        put(store, f"{layout.folder('store', DAY)}{number}.parquet")
    with aws_proxy(config.endpoint_url) as proxy:
        proxy.rules.append(lambda _: slow_down() if len(proxy.seen) in {1, 3, 4} else None)
        (found,) = list_tables(pages_of(through(config, proxy.url), 4), layout, ["store"])
    assert (found.problem, len(found.objects), len(proxy.seen)) == (None, 9, 6)


def test_an_endpoint_that_is_away_is_said_of_every_table_in_seconds(layout):
    store = LakeStore(
        LakeConfig(
            "bronze",
            region="us-east-2",
            endpoint_url="http://127.0.0.1:9",
            access_key_id="key",
            secret_access_key="secret",
            max_attempts=1,
        )
    )
    begin = time.monotonic()
    found = list(list_tables(store, layout, [f"t{number}" for number in range(300)]))
    assert all("does not answer" in each.problem for each in found)
    assert time.monotonic() - begin < 10
    with pytest.raises(LakeError) as caught:
        list(list_prefix(store, "a/"))
    assert caught.value.fault is LakeFault.ENDPOINT
