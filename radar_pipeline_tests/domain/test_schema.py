"""Which column changed, and at which hop."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.schema import Change, Hop, ObservedColumn, ObservedTable, judge_schema, stored_column
from radar_pipeline.domain.value_kinds import guess_mysql_type
from radar_pipeline.local.extract.casts import Kind, cast_column
from radar_pipeline.local.extract.dialects import parquet_schema
from radar_pipeline.local.extract.request import Dialect
from radar_pipeline.tables.loader import load_registry

CONTRACT = {"Id": "int(11)", "Name": "varchar(80)", "Created_At": "datetime", "Preço": "decimal(12,2)"}
OLD = [
    ("_airbyte_ab_id", "string"),
    ("_airbyte_emitted_at", "timestamp[ms, tz=UTC]"),
    ("Id", "int64"),
    ("Name", "string"),
    ("Created_At", "struct<member0: timestamp[us, tz=UTC], member1: string>"),
    ("Preco", "double"),
    ("_airbyte_additional_properties", "map<string, string>"),
]
NEW = [
    ("_airbyte_raw_id", "string"),
    ("Id", "int64"),
    ("Name", "string"),
    ("Created_At", "timestamp[us, tz=UTC]"),
    ("Preco", "double"),
]


def observed(**columns: str) -> ObservedTable:
    return ObservedTable("store", tuple(ObservedColumn(name, kind) for name, kind in columns.items()))


MYSQL = observed(**CONTRACT)
AIRBYTE = observed(Id="integer", Name="string", Created_At="string:date-time", Preço="number")


@pytest.mark.parametrize("parquet", [OLD, NEW], ids=["below 1.0", "from 1.0"])
def test_both_dialects_match_the_same_contract(parquet: list[tuple[str, str]]) -> None:
    assert judge_schema(CONTRACT, parquet, mysql=MYSQL, airbyte=AIRBYTE).passed


def without(name: str, columns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [column for column in columns if column[0] != name]


@pytest.mark.parametrize(
    ("mysql", "airbyte", "hop"),
    [
        (observed(Id="int", Created_At="datetime", Preço="decimal(12,2)"), AIRBYTE, Hop.MYSQL),
        (MYSQL, observed(Id="integer"), Hop.AIRBYTE),
        (MYSQL, AIRBYTE, Hop.PARQUET),
    ],
)
def test_a_lost_column_is_blamed_on_the_first_hop_that_lacks_it(mysql, airbyte, hop: Hop) -> None:
    verdict = judge_schema(CONTRACT, without("Name", NEW), mysql=mysql, airbyte=airbyte)
    finding = next(each for each in verdict.findings if each.column == "Name")
    assert (finding.change, finding.hop) == (Change.LOST, hop)
    assert not verdict.passed


def test_a_column_added_at_the_source_is_found_before_it_reaches_the_bucket() -> None:
    verdict = judge_schema(CONTRACT, NEW, mysql=observed(**CONTRACT, CPF="char(11)"), airbyte=AIRBYTE)
    assert [(f.column, f.change, f.hop) for f in verdict.findings] == [("CPF", Change.ADDED, Hop.MYSQL)]


def test_a_column_added_on_the_way_is_blamed_on_the_file() -> None:
    verdict = judge_schema(CONTRACT, [*NEW, ("Extra", "string")], mysql=MYSQL)
    assert [(f.column, f.change, f.hop) for f in verdict.findings] == [("Extra", Change.ADDED, Hop.PARQUET)]


def test_a_retyped_column_is_named_once_at_the_hop_that_changed_it() -> None:
    retyped = observed(**{**CONTRACT, "Id": "varchar(20)"})
    parquet = [("Id", "string"), *without("Id", NEW)]
    verdict = judge_schema(CONTRACT, parquet, mysql=retyped)
    assert [(f.column, f.change, f.hop, f.found) for f in verdict.findings] == [
        ("Id", Change.RETYPED, Hop.MYSQL, "varchar(20)")
    ]


def test_a_widened_type_is_no_change() -> None:
    assert judge_schema(CONTRACT, NEW, mysql=observed(**{**CONTRACT, "Id": "bigint unsigned", "Name": "text"})).passed


def test_two_types_for_one_column_in_one_snapshot_are_a_change() -> None:
    verdict = judge_schema(CONTRACT, [*NEW, ("Preco", "string")])
    assert verdict.findings[0].found == "double and string"


def test_an_empty_contract_checks_nothing_and_says_so() -> None:
    assert judge_schema({}, NEW).reasons == ("the registry states no columns for this table",)


@pytest.mark.parametrize(("name", "stored"), [("Preço", "Preco"), ("a b", "a_b"), ("2fa", "_2fa"), ("Id", "Id")])
def test_column_names_in_the_bucket(name: str, stored: str) -> None:
    assert stored_column(name) == stored


@pytest.mark.parametrize(
    ("before", "after", "stored"),
    [
        ("int", "tinyint(1)", "bool"),
        ("tinyint(1)", "int", "int64"),
        ("decimal(12,2)", "float", "double"),
        ("double", "decimal(12,2)", "double"),
        ("datetime", "date", "date32[day]"),
        ("int", "decimal(10,2)", "double"),
        ("decimal(12,4)", "decimal(12,2)", "double"),
    ],
)
def test_a_type_that_mysql_moved_is_blamed_on_mysql(before: str, after: str, stored: str) -> None:
    verdict = judge_schema({"c": before}, [("c", stored)], mysql=observed(c=after))
    assert [(f.change, f.hop, f.expected, f.found) for f in verdict.findings] == [
        (Change.RETYPED, Hop.MYSQL, before, after)
    ]


@pytest.mark.parametrize(
    ("contract", "told", "stored", "hop"),
    [
        ("int", "integer", "double", Hop.PARQUET),
        ("int", "", "bool", Hop.PARQUET),
        ("int", "boolean", "bool", Hop.AIRBYTE),
        ("int", "number", "double", Hop.AIRBYTE),
        ("bigint unsigned", "integer", "string", Hop.PARQUET),
        ("decimal(12,2)", "integer", "int64", Hop.AIRBYTE),
        ("decimal(12,2)", "number", "int64", Hop.PARQUET),
        ("double", "number", "float", Hop.PARQUET),
        ("datetime", "string:date-time", "string", Hop.PARQUET),
        ("datetime", "string", "string", Hop.AIRBYTE),
        ("date", "string:date", "struct<member0: timestamp[us, tz=UTC], member1: string>", Hop.PARQUET),
        ("bit(1)", "boolean", "string", Hop.PARQUET),
        ("varchar(20)", "string", "binary", Hop.PARQUET),
    ],
)
def test_a_kind_of_value_that_no_connector_writes_for_the_type_is_a_change(
    contract: str, told: str, stored: str, hop: Hop
) -> None:
    verdict = judge_schema({"c": contract}, [("c", stored)], mysql=observed(c=contract), airbyte=observed(c=told))
    assert [(f.change, f.hop, f.expected, f.found) for f in verdict.findings] == [
        (Change.RETYPED, hop, contract, stored)
    ]


@pytest.mark.parametrize(
    ("contract", "stored"),
    [("tinyint(1)", "int64"), ("year", "string"), ("year", "int64"), ("decimal(10,0)", "double"), ("int", "int32")],
)
def test_where_releases_of_a_connector_differ_each_of_them_passes(contract: str, stored: str) -> None:
    assert judge_schema({"c": contract}, [("c", stored)], mysql=observed(c=contract)).passed


REGISTRY = load_registry()
TYPES = sorted({column.type for name in REGISTRY.names for column in REGISTRY.get(name).columns})


def kind_written(mysql_type: str) -> Kind:
    """What the local worker, which knows nothing of the judgement, makes of a type."""
    return cast_column(ObservedColumn("c", mysql_type)).kind


RETYPINGS = [
    (one, other) for one, other in itertools.permutations(TYPES, 2) if kind_written(one) != kind_written(other)
]
# What other releases of the connectors write for the type.
TOLERATED = {("tinyint(1)", Kind.INTEGER), ("year", Kind.STRING), ("decimal(20,0)", Kind.NUMBER)}


def written(dialect: Dialect, kind: str) -> list[tuple[str, str]]:
    """The columns of a file that the local worker writes for a table of one column."""
    fields = parquet_schema(dialect, [cast_column(ObservedColumn("c", kind))])
    return [(field.name, str(field.type)) for field in fields]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", TYPES)
def test_what_the_worker_writes_for_a_type_of_the_registry_passes(kind: str, dialect: Dialect) -> None:
    verdict = judge_schema({"c": kind}, written(dialect, kind), mysql=observed(c=kind))
    assert verdict.passed, verdict.reasons


@given(st.sampled_from(RETYPINGS), st.sampled_from(Dialect))
def test_a_move_to_a_type_that_is_read_differently_is_found_at_the_source(
    moved: tuple[str, str], dialect: Dialect
) -> None:
    before, after = moved
    verdict = judge_schema({"c": before}, written(dialect, after), mysql=observed(c=after))
    assert [(f.change, f.hop, f.found) for f in verdict.findings] == [(Change.RETYPED, Hop.MYSQL, after)]


@given(st.sampled_from(RETYPINGS), st.sampled_from(Dialect))
def test_files_alone_tell_a_move_unless_releases_of_a_connector_differ_about_the_type(
    moved: tuple[str, str], dialect: Dialect
) -> None:
    before, after = moved
    verdict = judge_schema({"c": before}, written(dialect, after))
    expected = [] if (before, kind_written(after)) in TOLERATED else [(Change.RETYPED, Hop.PARQUET)]
    assert [(f.change, f.hop) for f in verdict.findings] == expected


# What the catalogue of a current source-mysql says of a column that the worker reads as one of these.
IN_CATALOGUE = {
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.STRING: "string",
    Kind.DATE: "string:date",
    Kind.TIMESTAMP: "string:date-time",
    Kind.TIME: "string:time",
}


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", TYPES)
def test_a_registry_that_was_pulled_from_airbyte_agrees_with_the_source_that_tells_more(
    kind: str, dialect: Dialect
) -> None:
    told = IN_CATALOGUE[kind_written(kind)]
    verdict = judge_schema(
        {"c": guess_mysql_type(told)}, written(dialect, kind), mysql=observed(c=kind), airbyte=observed(c=told)
    )
    assert verdict.passed, verdict.reasons


def test_a_whole_number_that_becomes_a_boolean_is_found_in_a_registry_from_airbyte_too() -> None:
    verdict = judge_schema(
        {"c": guess_mysql_type("integer")},
        written(Dialect.V0_3, "tinyint(1)"),
        mysql=observed(c="tinyint(1)"),
        airbyte=observed(c="integer"),
    )
    assert [(f.change, f.hop) for f in verdict.findings] == [(Change.RETYPED, Hop.MYSQL)]
