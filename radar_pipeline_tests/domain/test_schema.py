"""Which column changed, and at which hop."""

import pytest

from radar_pipeline.domain.schema import Change, Hop, ObservedColumn, ObservedTable, judge_schema, stored_column

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
