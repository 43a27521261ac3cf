"""Proposals: a registry for any database, and what people wrote that must survive one."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.tables.drift import Drift, compare
from radar_pipeline.tables.loader import DEFAULT_PATH, RegistryError, parse_registry
from radar_pipeline.tables.proposal import Origin, propose_registry
from radar_pipeline_tests.tables.strategies import CATALOGUE_TYPES, databases

WRITTEN = """\
# Ours. Do not lose this line.
defaults:
  volume_limit: 0.1

areas:
  stores: team:stores  # they sit on the second floor

tables:
  # --- stores ---
  store:
    area: stores
    critical: true   # agreed with finance
    primary_key: Id
    columns:
      Id: int mandatory
      Name: varchar(20) mandatory personal  # legal name

  # --- leavings ---
  old_table:
    area: stores
    columns:
      Id: int

  # --- the rest ---
  menu:
    area: stores
    owner: ana@example.com
    columns:
      Id: int
      Label: text
"""


def observed(name: str, key: str = "", **columns: str) -> ObservedTable:
    return ObservedTable(name, tuple(ObservedColumn(n, t) for n, t in columns.items()), tuple(key.split()))


def test_what_people_wrote_about_known_tables_stays_to_the_letter() -> None:
    tables = [
        observed("store", "Id", Id="int(11)", Name="varchar(20)"),
        observed("old_table", Id="int(11)"),
        observed("menu", Id="int(11)", Label="text"),
    ]
    assert propose_registry(tables, WRITTEN).text == WRITTEN


def test_the_project_s_own_registry_survives_a_proposal_to_the_letter() -> None:
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    tables = [
        ObservedTable(table.name, tuple(ObservedColumn(c.name, c.type) for c in table.columns), table.primary_key)
        for table in parse_registry(text, "f").tables
    ]
    assert propose_registry(tables, text).text == text


def test_changed_columns_follow_the_database_and_keep_their_flags_and_comments() -> None:
    tables = [
        observed("store", "Id Name", Id="bigint unsigned", Email="varchar(90)", Name="varchar(40)", Tail="date"),
        observed("menu", Id="int"),
    ]
    proposal = propose_registry(tables, WRITTEN)
    assert proposal.removed == ("old_table",)
    assert proposal.added == ()
    assert proposal.text == WRITTEN.replace(
        """\
    primary_key: Id
    columns:
      Id: int mandatory
      Name: varchar(20) mandatory personal  # legal name

  # --- leavings ---
  old_table:
    area: stores
    columns:
      Id: int

""",
        """\
    primary_key: [Id, Name]
    columns:
      Id: bigint unsigned mandatory
      Email: varchar(90) personal
      Name: varchar(40) mandatory personal  # legal name
      Tail: date

  # --- leavings ---

""",
    ).replace("      Label: text\n", "")


def test_new_tables_come_last_with_an_area_of_their_own() -> None:
    tables = [
        *map(_as_observed, parse_registry(WRITTEN, "f").tables),
        observed("a b", "No", No="int", Senha="char(60)"),
    ]
    proposal = propose_registry(tables, WRITTEN)
    assert proposal.added == ("a b",)
    new = parse_registry(proposal.text, "f")["a b"]
    assert (new.area, new.owner, new.primary_key) == ("other", "team:data-engineering", ("No",))
    assert [(column.name, column.secret) for column in new.columns] == [("No", False), ("Senha", True)]
    assert proposal.text.startswith(
        WRITTEN.split("tables:", maxsplit=1)[0].rstrip() + "\n  other: team:data-engineering\n\ntables:"
    )


def _as_observed(table: object) -> ObservedTable:
    columns = tuple(ObservedColumn(c.name, c.type) for c in table.columns)  # type: ignore[attr-defined]
    return ObservedTable(table.name, columns, table.primary_key)  # type: ignore[attr-defined]


def test_views_sequences_unselected_streams_and_unknown_types_are_left_out_and_said_so() -> None:
    tables = [
        observed("t", Id="int", Odd="quaternion(4)"),
        dataclasses.replace(observed("v_sales", Id="int"), is_view=True),
        dataclasses.replace(observed("sq", cycle_count="bigint"), is_sequence=True),
        dataclasses.replace(observed("off", Id="int"), is_selected=False),
        observed("hidden\u200b", Id="int"),
    ]
    proposal = propose_registry(tables)
    assert proposal.left_out == (
        "v_sales: a view",
        "sq: a sequence",
        "off: not selected in the Airbyte connection",
        "'hidden\\u200b': the name has characters that cannot be shown",
        "t.Odd: type 'quaternion(4)' is unknown here",
    )
    assert all(f"#   {note}" in proposal.text for note in proposal.left_out)
    assert parse_registry(proposal.text, "f").names == ("t",)


def test_notes_of_an_earlier_proposal_do_not_pile_up() -> None:
    tables = [observed("t", Id="int"), dataclasses.replace(observed("v", Id="int"), is_view=True)]
    first = propose_registry(tables)
    assert propose_registry(tables, first.text).text == first.text


def test_tables_whose_assets_would_clash_get_names_of_their_own() -> None:
    tables = [observed(name, Id="int") for name in ("a-b", "a_b", "a b", "表", "名")]
    registry = parse_registry(propose_registry(tables).text, "f")
    assert [table.asset_name for table in registry.tables] == ["a_b", "a_b_2", "a_b_3", "_", "__2"]


def test_a_database_that_shows_no_table_is_an_error_and_not_an_empty_registry() -> None:
    with pytest.raises(RegistryError, match="no table can be seen there"):
        propose_registry([dataclasses.replace(observed("v", Id="int"), is_view=True)], WRITTEN)


def test_a_broken_registry_is_not_overwritten_by_a_proposal() -> None:
    with pytest.raises(RegistryError, match='the current registry:1: unknown key "tabels"'):
        propose_registry([observed("t", Id="int")], "tabels: {}\n")


def test_a_catalogue_changes_the_type_only_where_it_cannot_come_from_the_column() -> None:
    stream = observed("store", Id="integer", Name="number", Born="string:date")
    store = parse_registry(propose_registry([stream], WRITTEN, Origin.AIRBYTE).text, "f")["store"]
    assert [(column.name, column.type) for column in store.columns] == [
        ("Id", "int"),
        ("Name", "double"),
        ("Born", "date"),
    ]
    assert store.primary_key == ("Id",)


def test_a_catalogue_without_columns_says_nothing_about_columns() -> None:
    streams = [ObservedTable("store", ()), ObservedTable("old_table", ()), ObservedTable("menu", ())]
    assert propose_registry(streams, WRITTEN, Origin.AIRBYTE).text == WRITTEN
    assert compare(parse_registry(WRITTEN, "f"), None, streams) == ()
    new = propose_registry([ObservedTable("new", (), ("Id",))], None, Origin.AIRBYTE)
    assert parse_registry(new.text, "f")["new"].columns == ()


@settings(max_examples=25, deadline=None)
@given(databases(), st.one_of(st.none(), databases()))
def test_any_database_gets_a_registry_that_loads_and_agrees_with_it(
    found: list[ObservedTable], before: list[ObservedTable] | None
) -> None:
    current = propose_registry(before).text if before else None
    proposal = propose_registry(found, current)
    registry = parse_registry(proposal.text, "proposed")
    assert set(registry.names) == {table.name for table in found if not table.is_view and table.name.isprintable()}
    drifts = [each for each in compare(registry, found, None) if each.drift is not Drift.FOLDER_SHARED]
    assert all(not (each.column or "x").isprintable() for each in drifts)
    # Empty lines aside: removing the last table takes the one below it along.
    assert propose_registry(found, proposal.text).text.split() == proposal.text.split()


@settings(max_examples=40, deadline=None)
@given(databases(CATALOGUE_TYPES))
def test_any_catalogue_gets_a_registry_that_agrees_with_it(found: list[ObservedTable]) -> None:
    streams = [dataclasses.replace(table, is_view=False) for table in found]
    registry = parse_registry(propose_registry(streams, origin=Origin.AIRBYTE).text, "proposed")
    drifts = [each for each in compare(registry, None, streams) if each.drift is not Drift.FOLDER_SHARED]
    assert all(not (each.column or "x").isprintable() for each in drifts)
