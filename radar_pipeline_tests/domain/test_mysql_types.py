"""MySQL types: spellings that mean the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from radar_pipeline.domain.mysql_types import (
    base_type,
    canonical_type,
    is_mysql_type,
    plain_type,
    same_type,
    type_arguments,
)
from radar_pipeline_tests.tables.strategies import mysql_types


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int(11)", "int"),
        ("BIGINT(20) UNSIGNED", "bigint unsigned"),
        ("integer", "int(10)"),
        ("numeric(12, 2)", "decimal(12,2)"),
        ("decimal", "decimal(10,0)"),
        ("decimal(8)", "decimal(8,0)"),
        ("double precision", "double"),
        ("bool", "tinyint(1)"),
        ("year(4)", "year"),
        ("bit", "bit(1)"),
        ("datetime(0)", "datetime"),
        ("enum('a', 'b')", "enum('a','b')"),
        ("json", "longtext"),
        ("int(5) zerofill", "int(5) unsigned zerofill"),
    ],
)
def test_two_spellings_of_one_type_are_the_same(one: str, other: str) -> None:
    assert same_type(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int", "bigint"),
        ("int", "int unsigned"),
        ("tinyint(1)", "tinyint"),
        ("decimal(12,2)", "decimal(12,4)"),
        ("varchar(20)", "varchar(40)"),
        ("datetime", "datetime(6)"),
        ("datetime", "timestamp"),
        ("enum('a','b')", "enum('a','b','c')"),
        ("enum('a  b')", "enum('a b')"),
        ("json", "text"),
    ],
)
def test_two_types_that_readers_can_tell_apart_are_not_the_same(one: str, other: str) -> None:
    assert not same_type(one, other)


@settings(deadline=None)
@given(mysql_types())
def test_every_type_is_a_type_and_its_canonical_spelling_is_stable(kind: str) -> None:
    assert is_mysql_type(kind)
    assert canonical_type(canonical_type(kind)) == canonical_type(kind)
    assert is_mysql_type(canonical_type(kind))
    assert same_type(kind, kind.upper()) or "'" in kind


@settings(deadline=None)
@given(st.text(max_size=30))
@example("(")
def test_no_text_makes_the_type_reader_fail(text: str) -> None:
    canonical_type(text)
    base_type(text)
    assert is_mysql_type(text) or canonical_type(text) == text.strip()


def test_values_of_an_enum_are_read_with_their_quotes_and_brackets() -> None:
    assert type_arguments("enum('a''b','c(d)',' e ')") == ["a'b", "c(d)", " e "]
    assert type_arguments("decimal(12,2) unsigned") == ["12", "2"]
    assert type_arguments("text") == []


def test_remarks_of_a_server_are_no_part_of_the_type() -> None:
    assert plain_type("datetime /* mariadb-5.3 */") == "datetime"
    assert plain_type("text /*M!100301 COMPRESSED*/") == "text"
    assert plain_type("enum('/* x */')") == "enum('/* x */')"
