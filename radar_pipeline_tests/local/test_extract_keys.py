"""Object keys, against the worked examples of destination-s3's documentation and the customer's own."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.local.extract.keys import Listing, file_name, first_part, free_key, object_path
from radar_pipeline.local.extract.request import Destination, Dialect

START = dt.datetime(2025, 8, 8, 3, 15, 9, 7000, tzinfo=dt.UTC)
FORMAT = "${STREAM_NAME}/cog_dt_ingestion=${YEAR}-${MONTH}-${DAY}/file_${STREAM_NAME}"
PATTERN = "_part_{part_number}{format_extension}"


def destination(path_format: str = FORMAT, prefix: str = "origin=airbyte/database=bronze_radar") -> Destination:
    return Destination(None, "us-east-2", "bucket", "id", "secret", prefix, path_format)


def test_the_customers_settings_make_the_customers_keys():
    path = object_path(destination(), "store", "radar", START)
    name = file_name(PATTERN, part=0, now=START, sync_id=7)
    expected = "origin=airbyte/database=bronze_radar/store/cog_dt_ingestion=2025-08-08/file_store_part_0.parquet"
    assert path + name == expected


def test_the_day_is_utc_whatever_the_zone_of_the_start():
    sao_paulo = dt.timezone(dt.timedelta(hours=-3))
    path = object_path(destination(), "store", "radar", dt.datetime(2025, 8, 7, 22, 0, tzinfo=sao_paulo))
    assert "cog_dt_ingestion=2025-08-08" in path


def test_accents_go_and_unsafe_characters_become_underscores():
    assert "/distribuicao/" in object_path(destination(), "distribuição", "radar", START)
    assert "/a_b/" in object_path(destination(), "a b", "radar", START)


def test_every_path_variable_is_filled():
    variables = ("NAMESPACE", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "EPOCH")
    path = object_path(destination("/".join("${" + name + "}" for name in variables), "p"), "t", "radar", START)
    assert path == f"p/radar/2025/08/08/03/15/09/0007/{int(START.timestamp() * 1000)}"
    assert re.fullmatch(r"p/[0-9a-f-]{36}", object_path(destination("${UUID}", "p"), "t", "radar", START))


def test_double_slashes_collapse_and_a_last_slash_stays():
    assert object_path(destination("/${STREAM_NAME}//", "p/"), "t", "radar", START) == "p/t/"


def test_without_a_pattern_the_file_is_named_by_its_number_alone():
    assert file_name("", part=3, now=START, sync_id=7) == "3.parquet"


def test_file_variables_are_the_time_of_the_upload():
    now = START + dt.timedelta(days=1)
    name = file_name("{date} {timestamp}_{sync_id}{format_extension}", part=0, now=now, sync_id=7)
    assert name == f"2025_08_09_{int(now.timestamp() * 1000)}_7.parquet"


def test_below_1_0_the_number_is_the_count_of_what_lies_there():
    keys = [f"p/file_store_part_{number}.parquet" for number in (0, 7)]
    assert first_part(Dialect.V0_3, "p/file_store", PATTERN, Listing(keys)) == 2


def test_below_1_0_a_second_page_of_the_listing_makes_it_a_uuid():
    assert first_part(Dialect.V0_3, "p/file_store", PATTERN, Listing(["a"], truncated=True)) is None
    assert re.fullmatch(r"_part_[0-9a-f-]{36}\.parquet", file_name(PATTERN, part=None, now=START, sync_id=7))


def test_from_1_0_the_number_follows_the_highest_of_its_own_form():
    keys = ["p/file_store_part_0.parquet", "p/file_store_part_7.parquet-1", "p/file_store_part_9.csv", "p/_SUCCESS"]
    assert first_part(Dialect.V1, "p/file_store", PATTERN, Listing(keys)) == 8
    assert first_part(Dialect.V1, "p/file_store", "{timestamp}{format_extension}", Listing(keys)) == 0


def test_a_taken_key_gets_a_suffix_from_1_0_and_is_overwritten_below():
    taken = {"k.parquet", "k.parquet-1"}
    assert free_key(Dialect.V1, "k.parquet", taken) == "k.parquet-2"
    assert free_key(Dialect.V1, "other", taken) == "other"
    assert free_key(Dialect.V0_3, "k.parquet", taken) == "k.parquet"


@given(st.sets(st.integers(0, 500)), st.sampled_from(["", PATTERN, "{timestamp}_{part_number}{format_extension}"]))
def test_from_1_0_a_new_file_never_takes_the_name_of_an_old_one(parts: set[int], pattern: str):
    old = {"p/t" + file_name(pattern, part=part, now=START, sync_id=7) for part in parts}
    first = first_part(Dialect.V1, "p/t", pattern, Listing(sorted(old)))
    new = {"p/t" + file_name(pattern, part=first + more, now=START, sync_id=7) for more in range(3)}
    assert not new & old


@pytest.mark.parametrize("secret", ["s3cret-word"])
def test_the_secret_is_in_no_repr(secret: str):
    assert secret not in repr(Destination(None, "r", "b", "id", secret, "p", "f"))
