"""The casts as pure decisions; that MySQL agrees with them is test_extract_types' part."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.schema import ObservedColumn, stored_column
from radar_pipeline.local.extract.casts import Kind, cast_column, select
from radar_pipeline.local.extract.dialects import RowIds


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("tinyint(1)", Kind.BOOLEAN),
        ("TINYINT(1)", Kind.BOOLEAN),
        ("tinyint(1) unsigned", Kind.INTEGER),
        ("tinyint(4)", Kind.INTEGER),
        ("bit(1)", Kind.BOOLEAN),
        ("bit(8)", Kind.STRING),
        ("int(11) unsigned zerofill", Kind.INTEGER),
        ("decimal(10,0)", Kind.INTEGER),
        ("decimal(10,2) unsigned", Kind.NUMBER),
        ("double unsigned", Kind.NUMBER),
        ("float(7,3)", Kind.NUMBER),
        ("year(4)", Kind.INTEGER),
        ("datetime(6)", Kind.TIMESTAMP),
        ("timestamp", Kind.TIMESTAMP),
        ("date", Kind.DATE),
        ("time(3)", Kind.TIME),
        ("enum('date','time')", Kind.STRING),
        ("geometry", Kind.STRING),
        ("inet6", Kind.STRING),
        ("a type of next year", Kind.STRING),
    ],
)
def test_a_type_has_its_kind(declared: str, kind: Kind):
    assert cast_column(ObservedColumn("c", declared)).kind is kind


@pytest.mark.parametrize(
    ("declared", "loses"),
    [
        ("bigint unsigned", True),
        ("bigint(20) unsigned zerofill", True),
        ("bigint", False),
        ("int unsigned", False),
        ("decimal(18,0)", False),
        ("decimal(19,0)", True),
        ("decimal(65,30)", False),
        ("time", True),
        ("datetime", False),
    ],
)
def test_only_types_that_can_exceed_the_destination_are_watched_for_it(declared: str, loses: bool):
    assert (cast_column(ObservedColumn("c", declared)).lost is not None) == loses


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30), st.integers(0, 10**12))
def test_no_name_can_leave_its_quotes(table: str, column: str, limit: int):
    query = select((cast_column(ObservedColumn(column, "int")),), table, "radar", limit)
    before, _, literal = query.partition("mysql_query('source', '")
    assert before == "SELECT c0 AS c0 FROM "
    inner = literal.removesuffix("')").replace("''", "'")
    assert "'" not in literal.removesuffix("')").replace("''", "")
    name, other = (text.replace("`", "``") for text in (column, table))
    assert inner == f"SELECT `{name}` AS c0 FROM `radar`.`{other}` LIMIT {limit}"


@given(st.text(max_size=40))
def test_stored_names_are_what_avro_allows(name: str):
    stored = stored_column(name)
    assert all(letter.isascii() and (letter.isalnum() or letter == "_") for letter in stored)
    assert not stored[:1].isdigit()


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_row_ids_are_unique_and_have_the_form_of_a_uuid(batches: list[int]):
    ids = RowIds()
    found = [each for count in batches for each in ids.take(count).to_pylist()]
    assert len(set(found)) == sum(batches)
    assert str(uuid.UUID(found[-1])) == found[-1]
    assert uuid.UUID(found[-1]).version == 4


def test_row_ids_rise_across_batches_and_carries():
    ids = RowIds()
    found = [each for count in (1, 0, 5000, *[2] * 300, 16**4 + 3, 7) for each in ids.take(count).to_pylist()]
    counted = [int(each[-12:], 16) for each in found]
    assert counted == sorted(set(counted))
    assert len({each[:-12] for each in found}) == 1


def test_two_tables_do_not_share_ids():
    assert RowIds().take(1) != RowIds().take(1)
