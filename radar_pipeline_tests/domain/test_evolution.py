"""A table's columns follow its files, and every day stays queryable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.catalogue import CatalogueColumn, CatalogueTable
from radar_pipeline.domain.evolution import (
    Alteration,
    EvolutionVerdict,
    judge_columns,
    judge_evolution,
    unreadable_columns,
)
from radar_pipeline.domain.hive_types import widens_to
from radar_pipeline.domain.snapshots import Column


def _table(**columns: str) -> CatalogueTable:
    return CatalogueTable("store", "s3://lake/store/", tuple(CatalogueColumn(*each) for each in columns.items()))


def _found(**columns: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in columns.items())


def _types(columns: tuple[CatalogueColumn, ...]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


def _kinds(verdict: EvolutionVerdict) -> dict[str, Alteration]:
    return {change.column: change.alteration for change in verdict.changes}


def test_a_new_table_has_the_columns_of_its_files_in_lower_case() -> None:
    verdict = judge_evolution(None, _found(_airbyte_ab_id="string", Id="int64", Created_At="timestamp[us, tz=UTC]"))
    assert _types(verdict.columns) == {"_airbyte_ab_id": "string", "id": "bigint", "created_at": "timestamp"}
    assert verdict.partition_columns == verdict.columns
    assert (verdict.passed, verdict.changes) == (True, ())
    assert verdict.reasons == ("all 3 columns are as the table has them",)


def test_an_added_column_comes_last_and_the_earlier_days_keep_theirs() -> None:
    verdict = judge_evolution(_table(id="bigint", name="string"), _found(Brand="int64", Id="int64", Name="string"))
    assert list(_types(verdict.columns)) == ["id", "name", "brand"]
    assert list(_types(verdict.partition_columns)) == ["brand", "id", "name"]
    assert verdict.passed
    assert verdict.reasons == ("added to the table: brand (bigint); earlier days read as NULL there",)


def test_a_lost_column_stays_in_the_table_for_the_days_that_have_it() -> None:
    verdict = judge_evolution(_table(id="bigint", phone="string"), _found(Id="int64"))
    assert _types(verdict.columns) == {"id": "bigint", "phone": "string"}
    assert _types(verdict.partition_columns) == {"id": "bigint"}
    assert verdict.passed
    assert _kinds(verdict) == {"phone": Alteration.LOST}
    assert "this one reads as NULL" in verdict.reasons[0]


def test_metadata_columns_of_both_dialects_live_in_one_table_without_a_word() -> None:
    old = judge_evolution(None, _found(_airbyte_ab_id="string", Id="int64"))
    known = CatalogueTable("store", "", old.columns)
    new = judge_evolution(known, _found(_airbyte_raw_id="string", Id="int64"))
    assert list(_types(new.columns)) == ["_airbyte_ab_id", "id", "_airbyte_raw_id"]
    again = judge_evolution(CatalogueTable("store", "", new.columns), _found(_airbyte_raw_id="string", Id="int64"))
    assert again.changes == ()
    assert again.columns == new.columns


def test_a_wider_number_widens_the_table_and_a_narrower_one_is_converted() -> None:
    wider = judge_evolution(_table(rank="int"), _found(Rank="int64"))
    assert (_types(wider.columns), _kinds(wider)) == ({"rank": "bigint"}, {"rank": Alteration.WIDENED})
    narrower = judge_evolution(_table(rank="bigint"), _found(Rank="int32"))
    assert _types(narrower.columns) == {"rank": "bigint"}
    assert _types(narrower.partition_columns) == {"rank": "int"}
    assert _kinds(narrower) == {"rank": Alteration.NARROWER}
    assert wider.passed
    assert narrower.passed


def test_dates_of_the_other_dialect_take_the_table_and_name_where_the_older_days_are() -> None:
    known = _table(id="bigint", created_at="struct<member0:timestamp,member1:string>")
    verdict = judge_evolution(known, _found(Id="int64", Created_At="timestamp[us, tz=UTC]"))
    assert _types(verdict.columns) == {"id": "bigint", "created_at": "timestamp"}
    assert [change.column for change in verdict.retyped] == ["created_at"]
    assert verdict.passed
    assert "kept with theirs in a table of older types" in verdict.reasons[0]


def test_an_earlier_day_of_another_type_leaves_the_table_alone_and_the_column_out() -> None:
    known = _table(id="bigint", created_at="timestamp")
    found = _found(Id="int64", Created_At="struct<member0: timestamp[us, tz=UTC], member1: string>")
    verdict = judge_evolution(known, found, is_newest=False)
    assert _types(verdict.columns) == {"id": "bigint", "created_at": "timestamp"}
    assert _types(verdict.partition_columns) == {"id": "bigint"}
    assert _types(verdict.day_columns)["created_at"] == "struct<member0:timestamp,member1:string>"
    assert verdict.passed


def test_whole_numbers_that_become_fractions_are_retyped_and_not_widened() -> None:
    assert _kinds(judge_evolution(_table(price="bigint"), _found(price="double"))) == {"price": Alteration.RETYPED}


def test_names_that_differ_by_case_only_are_named_and_the_first_stays() -> None:
    verdict = judge_evolution(None, _found(Name="string", NAME="string", id="int64"))
    assert _types(verdict.columns) == {"name": "string", "id": "bigint"}
    assert not verdict.passed
    assert _kinds(verdict) == {"Name": Alteration.NAME_CLASH}
    assert "Name and NAME" in verdict.reasons[0]


def test_a_column_named_as_the_partition_key_is_left_out() -> None:
    verdict = judge_evolution(None, _found(id="int64", COG_DT_INGESTION="string"))
    assert _types(verdict.columns) == {"id": "bigint"}
    assert not verdict.passed


def test_odd_names_and_types_are_left_out_and_named() -> None:
    found = (Column("razão social", "string"), Column("a.b", "int64"), Column("n", "uint64"), Column("id", "int64"))
    verdict = judge_evolution(None, found)
    assert _types(verdict.columns) == {"id": "bigint"}
    assert _kinds(verdict) == {
        "razão social": Alteration.ODD_NAME,
        "a.b": Alteration.ODD_NAME,
        "n": Alteration.UNKNOWN_TYPE,
    }
    assert not verdict.passed
    assert any("uint64" in reason for reason in verdict.reasons)


def test_two_types_in_one_day_are_one_where_one_holds_the_other_and_a_fault_where_not() -> None:
    pair = (Column("rank", "int32"), Column("rank", "int64"), Column("at", "string"), Column("at", "date32[day]"))
    verdict = judge_evolution(None, pair)
    assert _types(verdict.columns) == {"rank": "bigint"}
    assert _kinds(verdict) == {"at": Alteration.TWO_TYPES}
    assert "string and date" in verdict.reasons[0]


def test_a_time_of_day_says_what_its_number_means() -> None:
    (column,) = judge_evolution(None, _found(Opens_At="time64[us]")).columns
    assert (column.type, column.comment) == ("bigint", "time of day in microseconds since midnight")


_NAMES = st.sampled_from(["a", "b", "c", "_airbyte_x"])
_HIVE = st.sampled_from(["int", "bigint", "float", "double", "string", "timestamp", "struct<member0:date>"])
_DAYS = st.dictionaries(_NAMES, _HIVE, min_size=1).map(
    lambda types: tuple(CatalogueColumn(name, kind) for name, kind in types.items())
)


@given(st.lists(_DAYS, min_size=1, max_size=8), st.data())
def test_whatever_order_days_come_in_no_partition_makes_athena_refuse_its_table(
    days: list[tuple[CatalogueColumn, ...]], data: st.DataObject
) -> None:
    known: CatalogueTable | None = None
    partitions: list[tuple[CatalogueColumn, ...]] = []
    for day in days:
        newest = data.draw(st.booleans()) or not partitions
        verdict = judge_columns(known, day, is_newest=newest)
        table = {column.name: column for column in verdict.columns}
        # What the registration does with the days that are there.
        partitions = [
            tuple(column for column in each if column not in unreadable_columns(each, table)) for each in partitions
        ]
        partitions.append(verdict.partition_columns)
        assert all(not unreadable_columns(each, table) for each in partitions)
        assert {column.name for column in known.columns if known} <= set(table) if known else True
        assert all(column.name in table for column in day)
        if newest:
            own = {column.name: column.type for column in day}
            assert all(table[name].type == kind or widens_to(kind, table[name].type) for name, kind in own.items())
        known = CatalogueTable("t", "", verdict.columns)


@given(_DAYS)
def test_the_same_day_again_changes_nothing(day: tuple[CatalogueColumn, ...]) -> None:
    first = judge_columns(None, day)
    again = judge_columns(CatalogueTable("t", "", first.columns), day)
    assert (again.columns, again.partition_columns, again.changes) == (first.columns, first.partition_columns, ())
