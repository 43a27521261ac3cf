"""Drift: which of registry, Airbyte connection and MySQL is the odd one out."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_pipeline.domain.schema import Change, Hop, ObservedColumn, ObservedTable, judge_schema
from radar_pipeline.tables.drift import Drift, Finding, System, compare
from radar_pipeline.tables.loader import parse_registry
from radar_pipeline.tables.model import ColumnContract, Registry, Table
from radar_pipeline.tables.proposal import propose_registry
from radar_pipeline_tests.tables.strategies import databases, mysql_types

STORE = Table(
    "store", "stores", "team:x", ("Id",), columns=(ColumnContract("Id", "int"), ColumnContract("Name", "varchar(20)"))
)
REGISTRY = Registry((STORE,))


def table(name: str, key: str = "Id", **columns: str) -> ObservedTable:
    columns = columns or {"Id": "int(11)", "Name": "varchar(20)"}
    return ObservedTable(name, tuple(ObservedColumn(n, t) for n, t in columns.items()), tuple(key.split()))


def stream(name: str, key: str = "Id", **columns: str) -> ObservedTable:
    return table(name, key, **(columns or {"Id": "integer", "Name": "string"}))


def brief(findings: tuple[Finding, ...]) -> list[tuple[str, str | None, Drift, System]]:
    return [(each.table, each.column, each.drift, each.system) for each in findings]


def test_three_that_agree_give_no_finding() -> None:
    assert compare(REGISTRY, [table("store")], [stream("store")]) == ()


def test_what_was_not_asked_is_not_judged() -> None:
    assert compare(REGISTRY, None, None) == ()
    assert compare(REGISTRY, None, [stream("store")]) == ()


def test_of_two_that_disagree_both_are_named_in_the_sentence() -> None:
    found = compare(REGISTRY, [], None)
    assert brief(found) == [("store", None, Drift.TABLE_EXTRA, System.REGISTRY)]
    assert found[0].sentence == "the registry has this table, MySQL has not"


@pytest.mark.parametrize(
    ("in_registry", "in_mysql", "in_airbyte", "drift", "system"),
    [
        (True, True, False, Drift.TABLE_MISSING, System.AIRBYTE),
        (True, False, True, Drift.TABLE_MISSING, System.MYSQL),
        (True, False, False, Drift.TABLE_EXTRA, System.REGISTRY),
        (False, True, True, Drift.TABLE_MISSING, System.REGISTRY),
        (False, True, False, Drift.TABLE_EXTRA, System.MYSQL),
        (False, False, True, Drift.TABLE_EXTRA, System.AIRBYTE),
    ],
)
def test_of_three_the_one_that_stands_alone_about_a_table_is_named(
    in_registry: bool, in_mysql: bool, in_airbyte: bool, drift: Drift, system: System
) -> None:
    menu = Table("menu", "stores", "team:x")
    registry = Registry((STORE, menu) if in_registry else (STORE,))
    mysql = [table("store"), *([table("menu", "")] if in_mysql else [])]
    airbyte = [stream("store"), *([stream("menu", "")] if in_airbyte else [])]
    found = compare(registry, mysql, airbyte)
    assert brief(found) == [("menu", None, drift, system)]
    assert found[0].action


def test_a_table_that_airbyte_knows_but_does_not_copy_is_not_selected() -> None:
    unselected = dataclasses.replace(stream("store"), is_selected=False)
    found = compare(REGISTRY, [table("store")], [unselected])
    assert brief(found) == [("store", None, Drift.NOT_SELECTED, System.AIRBYTE)]
    assert "not selected" in found[0].sentence


def test_views_sequences_and_streams_left_out_on_purpose_are_no_drift() -> None:
    view = dataclasses.replace(table("v"), is_view=True)
    sequence = dataclasses.replace(table("sq"), is_sequence=True)
    unselected = dataclasses.replace(stream("menu"), is_selected=False)
    assert compare(REGISTRY, [table("store"), view, sequence, table("menu")], [stream("store"), unselected]) == ()


@pytest.mark.parametrize(
    ("mysql", "airbyte", "expected"),
    [
        ({"Id": "int"}, {"Id": "integer", "Name": "string"}, (Drift.COLUMN_MISSING, System.MYSQL)),
        ({"Id": "int", "Name": "varchar(20)"}, {"Id": "integer"}, (Drift.COLUMN_MISSING, System.AIRBYTE)),
        ({"Id": "int"}, {"Id": "integer"}, (Drift.COLUMN_EXTRA, System.REGISTRY)),
        ({"Id": "int", "Name": "int"}, {"Id": "integer", "Name": "string"}, (Drift.COLUMN_RETYPED, System.MYSQL)),
        ({"Id": "int", "Name": "int"}, {"Id": "integer", "Name": "integer"}, (Drift.COLUMN_RETYPED, System.REGISTRY)),
        (
            {"Id": "int", "Name": "varchar(20)"},
            {"Id": "integer", "Name": "integer"},
            (Drift.COLUMN_RETYPED, System.AIRBYTE),
        ),
        (
            {"Id": "int", "Name": "varchar(40)"},
            {"Id": "integer", "Name": "string"},
            (Drift.COLUMN_REDECLARED, System.REGISTRY),
        ),
    ],
)
def test_the_system_that_changed_a_column_is_named(
    mysql: dict[str, str], airbyte: dict[str, str], expected: tuple[Drift, System]
) -> None:
    found = compare(REGISTRY, [table("store", **mysql)], [stream("store", **airbyte)])
    assert brief(found) == [("store", "Name", *expected)]


@settings(deadline=None)
@given(mysql_types(), mysql_types())
def test_the_check_of_a_day_and_drift_call_the_same_move_a_retyping(before: str, after: str) -> None:
    registry = Registry((dataclasses.replace(STORE, columns=(ColumnContract("Id", before),)),))
    drift = compare(registry, [table("store", Id=after)], None)
    check = judge_schema({"Id": before}, [("Id", "any")], mysql=table("store", Id=after))
    assert (Drift.COLUMN_RETYPED in {each.drift for each in drift}) == (
        Hop.MYSQL in {each.hop for each in check.findings if each.change is Change.RETYPED}
    )


def test_a_retyping_that_the_catalogue_cannot_show_is_blamed_on_the_source_as_the_check_does() -> None:
    mysql = table("store", Id="tinyint(1)", Name="varchar(20)")
    found = compare(REGISTRY, [mysql], [stream("store")])
    assert brief(found) == [("store", "Id", Drift.COLUMN_RETYPED, System.MYSQL)]
    check = judge_schema({"Id": "int"}, [("Id", "bool")], mysql=mysql, airbyte=stream("store"))
    assert [(each.change, each.hop) for each in check.findings if each.column == "Id"] == [(Change.RETYPED, Hop.MYSQL)]


def test_a_column_new_at_the_source_and_one_new_to_the_registry_are_told_apart() -> None:
    columns = {"Id": "int", "Name": "varchar(20)", "New": "date"}
    found = compare(REGISTRY, [table("store", **columns)], [stream("store")])
    assert brief(found) == [("store", "New", Drift.COLUMN_EXTRA, System.MYSQL)]
    with_new = stream("store", Id="integer", Name="string", New="string:date")
    found = compare(REGISTRY, [table("store", **columns)], [with_new])
    assert brief(found) == [("store", "New", Drift.COLUMN_MISSING, System.REGISTRY)]


def test_a_table_without_columns_in_the_registry_promises_none() -> None:
    registry = Registry((dataclasses.replace(STORE, columns=()),))
    assert compare(registry, [table("store", Id="int", Any="json")], None) == ()


@pytest.mark.parametrize(
    ("mysql", "airbyte", "system"),
    [("Id Name", "Id", System.MYSQL), ("Id", "Name", System.AIRBYTE), ("Name", "Name", System.REGISTRY)],
)
def test_a_changed_key_is_named_with_all_three_keys(mysql: str, airbyte: str, system: System) -> None:
    found = compare(REGISTRY, [table("store", mysql)], [stream("store", airbyte)])
    assert brief(found) == [("store", None, Drift.KEY_CHANGED, system)]
    assert "MySQL: " + ", ".join(mysql.split()) in found[0].sentence


def test_a_connection_that_names_no_key_is_no_drift() -> None:
    assert compare(REGISTRY, [table("store")], [stream("store", "")]) == ()


def test_two_tables_that_would_share_a_folder_are_found() -> None:
    registry = Registry((Table("a b", "stores", "team:x"), Table("a_b", "stores", "team:x", asset="other")))
    found = compare(registry, None, None)
    assert brief(found) == [("a_b", None, Drift.FOLDER_SHARED, System.AIRBYTE)]
    assert 'those of table "a b"' in found[0].sentence


@settings(max_examples=40, deadline=None)
@given(databases(), st.data())
def test_any_lost_column_is_found_and_nothing_else_is(found: list[ObservedTable], data: st.DataObject) -> None:
    registry = parse_registry(propose_registry(found).text, "proposed")
    tables = [each for each in found if each.name in registry and len(each.columns) > 1]
    if not tables:
        return
    victim = data.draw(st.sampled_from(tables))
    lost = data.draw(st.sampled_from(victim.columns))
    changed = dataclasses.replace(
        victim,
        columns=tuple(column for column in victim.columns if column != lost),
        primary_key=tuple(name for name in victim.primary_key if name != lost.name),
    )
    after = [changed if each is victim else each for each in found]
    before = compare(registry, found, None)
    news = [each for each in compare(registry, after, None) if each not in before]
    assert (victim.name, lost.name, Drift.COLUMN_EXTRA, System.REGISTRY) in brief(tuple(news))
    assert {each.table for each in news} == {victim.name}
