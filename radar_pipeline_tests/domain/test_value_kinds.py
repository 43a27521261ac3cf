"""Which types are read alike, and what connectors make of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_pipeline.domain.mysql_types import is_mysql_type
from radar_pipeline.domain.value_kinds import arrow_kind, fits_catalogue, guess_mysql_type, keeps_values
from radar_pipeline_tests.tables.strategies import mysql_types


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int(11)", "bigint"),
        ("int", "int(10) unsigned"),
        ("tinyint(4)", "tinyint"),
        ("bool", "tinyint(1)"),
        ("bit", "bit(1)"),
        ("int", "decimal(10,0)"),
        ("varchar(40)", "varchar(80)"),
        ("varchar(40)", "enum('a','b')"),
        ("json", "longtext"),
        ("decimal(10,2)", "decimal(12,2)"),
        ("decimal(12,2)", "decimal(14,4)"),
        ("float", "double"),
        ("datetime", "datetime(6)"),
        ("datetime", "datetime /* mariadb-5.3 */"),
        ("binary(16)", "varbinary(32)"),
    ],
)
def test_a_width_is_no_retyping(before: str, after: str) -> None:
    assert keeps_values(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int", "tinyint(1)"),
        ("tinyint(1)", "tinyint"),
        ("int", "bool"),
        ("bit(8)", "bit(1)"),
        ("int", "decimal(10,2)"),
        ("decimal(10,2)", "decimal(10)"),
        ("decimal(12,4)", "decimal(12,2)"),
        ("decimal(12,2)", "float"),
        ("decimal(12,2)", "double"),
        ("double", "decimal(12,2)"),
        ("double", "float"),
        ("int", "double"),
        ("datetime", "date"),
        ("datetime", "timestamp"),
        ("datetime(6)", "datetime"),
        ("datetime", "varchar(20)"),
        ("time", "datetime"),
        ("year", "int"),
        ("varchar(20)", "varbinary(20)"),
        ("uuid", "binary(16)"),
    ],
)
def test_a_type_whose_values_are_lost_or_read_differently_is_a_retyping(before: str, after: str) -> None:
    assert not keeps_values(before, after)


@settings(deadline=None)
@given(mysql_types())
def test_every_type_keeps_its_own_values_in_any_spelling(kind: str) -> None:
    assert keeps_values(kind, kind)
    assert keeps_values(kind, kind.upper())


@pytest.mark.parametrize(
    ("arrow", "kind"),
    [
        ("struct<member0: timestamp[us, tz=UTC], member1: string>", "timestamp"),
        ("struct<member0: date32[day], member1: string>", "date"),
        ("struct<member0: time64[us], member1: string>", "time"),
        ("struct<member0: int64, member1: double>", "struct<member0: int64, member1: double>"),
        ("int32", "integer"),
        ("double", "number"),
        ("float", "single"),
        ("large_string", "string"),
        ("decimal128(12, 2)", "decimal128(12, 2)"),
    ],
)
def test_a_date_or_time_of_the_old_dialect_counts_as_itself(arrow: str, kind: str) -> None:
    assert arrow_kind(arrow) == kind


@pytest.mark.parametrize(
    ("mysql_type", "catalogue_type", "fits"),
    [
        ("int", "integer", True),
        ("int", "number", False),
        ("int", "string", False),
        ("bigint unsigned", "integer", True),
        ("tinyint(1)", "boolean", True),
        ("tinyint(1)", "integer", True),
        ("tinyint", "boolean", False),
        ("bit(1)", "boolean", True),
        ("decimal(12,2)", "number", True),
        ("decimal(12,2)", "string", False),
        ("decimal(12,2)", "integer", False),
        ("decimal(10,0)", "integer", True),
        ("decimal(10,0)", "number", True),
        ("date", "string:date", True),
        ("date", "string", False),
        ("date", "string:date-time", False),
        ("datetime", "string:date-time", True),
        ("varchar(20)", "string", True),
        ("varchar(20)", "string:date", False),
        ("varchar(20)", "integer", False),
        ("time", "string:time", True),
        ("year", "integer", True),
        ("year", "string", True),
        ("json", "object", True),
        ("varchar(20)", "object", False),
        ("blob", "string", True),
        ("int", "", True),
    ],
)
def test_a_catalogue_type_fits_what_some_connector_version_makes_of_the_column(
    mysql_type: str, catalogue_type: str, fits: bool
) -> None:
    assert fits_catalogue(mysql_type, catalogue_type) is fits


@settings(deadline=None)
@given(
    st.sampled_from(
        ["integer", "number", "boolean", "string", "string:date", "string:date-time", "string:time", "object", "array"]
    )
)
def test_the_guess_for_a_catalogue_type_fits_that_type(catalogue_type: str) -> None:
    guess = guess_mysql_type(catalogue_type)
    assert is_mysql_type(guess)
    assert fits_catalogue(guess, catalogue_type)
