"""Names, marks and whose table is whose."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.model import (
    PARTITION_KEY,
    VERSION_OF,
    CatalogueColumn,
    CataloguePartition,
    CatalogueTable,
    Mark,
    catalogue_name,
    clashing_names,
    mark_of,
    strange_tables,
    versions_of,
    why_not_ours,
    with_mark,
)

DAY = dt.date(2026, 11, 23)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
PLACE = "s3://lake/origin=airbyte/database=bronze_radar/store/"


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("store", "store"),
        ("Store_Group", "store_group"),
        ("promoção", "promocao"),
        ("price list", "price_list"),
        ("a-b.c", "a_b_c"),
    ],
)
def test_a_table_is_called_as_its_folder_in_lower_case(table: str, name: str) -> None:
    assert catalogue_name(table) == name


@given(st.text(min_size=1, max_size=40))
def test_every_name_is_one_that_athena_takes(table: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]*", catalogue_name(table))


def test_tables_that_differ_by_case_or_accents_only_clash() -> None:
    names = ["Store", "store", "user", "acao", "ação", "a b", "a_b"]
    assert clashing_names(names) == {
        "store": ("Store", "store"),
        "acao": ("acao", "ação"),
        "a_b": ("a b", "a_b"),
    }


_MARKS = st.builds(
    Mark,
    st.sampled_from([each for each in StorageClass if each is not StorageClass.OTHER]),
    st.none() | st.datetimes(timezones=st.just(dt.UTC)),
)
_OTHERS = st.dictionaries(st.sampled_from(["radar.rows", "classification", "x"]), st.text(max_size=5))


@given(_MARKS, _MARKS, _OTHERS)
def test_a_mark_is_read_back_as_it_was_written_and_replaces_the_one_before(
    first: Mark, second: Mark, others: dict[str, str]
) -> None:
    marked = with_mark(with_mark(others, first), second)
    assert mark_of(CataloguePartition(DAY, PLACE, parameters=marked)) == second
    assert {name: value for name, value in marked.items() if name in others} == others


def test_an_archived_day_is_readable_only_while_its_copy_lives() -> None:
    until = NOON + dt.timedelta(hours=1)
    assert Mark(StorageClass.STANDARD_IA).is_readable(NOON)
    assert Mark(StorageClass.GLACIER_IR).is_readable(NOON)
    assert not Mark(StorageClass.GLACIER).is_readable(NOON)
    assert Mark(StorageClass.GLACIER, until).is_readable(NOON)
    assert not Mark(StorageClass.GLACIER, until).is_readable(until)


def test_a_day_without_a_mark_has_none_and_a_spoilt_end_is_no_end() -> None:
    assert mark_of(CataloguePartition(DAY, PLACE)) is None
    spoilt = {"radar.tier": "GLACIER", "radar.readable_until": "soon"}
    assert mark_of(CataloguePartition(DAY, PLACE, parameters=spoilt)) == Mark(StorageClass.GLACIER)


def test_only_a_table_of_the_same_place_format_and_key_is_registered_into() -> None:
    ours = CatalogueTable("store", PLACE, (), {}, (PARTITION_KEY,))
    assert why_not_ours(ours, PLACE) is None
    assert why_not_ours(replace(ours, location=PLACE.rstrip("/")), PLACE) is None
    dated = replace(ours, partition_keys=(CatalogueColumn("cog_dt_ingestion", "date"),))
    assert why_not_ours(dated, PLACE) is None
    elsewhere = why_not_ours(replace(ours, location="s3://other/store/"), PLACE)
    assert elsewhere is not None
    assert "s3://other/store/" in elsewhere
    assert "not read as Parquet" in (why_not_ours(replace(ours, is_parquet=False), PLACE) or "")
    crawled = replace(ours, partition_keys=(CatalogueColumn("partition_0", "string"),))
    assert "partition_0 string" in (why_not_ours(crawled, PLACE) or "")


def test_tables_of_older_types_are_no_strangers() -> None:
    tables = {
        name: CatalogueTable(name, PLACE, (), {VERSION_OF: of} if of else {})
        for name, of in {
            "store": "",
            "store__v1": "store",
            "store__v10": "store",
            "store__v2": "store",
            "x": "",
        }.items()
    }
    assert [table.name for table in versions_of("store", tables)] == ["store__v1", "store__v2", "store__v10"]
    assert strange_tables(["Store"], tables) == ("x",)
    assert strange_tables(["user"], tables) == tuple(sorted(tables))
    view = CatalogueTable("all_stores", "", (), is_view=True)
    assert strange_tables(["Store"], {**tables, "all_stores": view}) == ("x",), "a view is not ours to judge"
