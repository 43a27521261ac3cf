"""Demonstration data as a generator: numbers that check, keys that never repeat, the same rows everywhere."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_pipeline.local.demo import numbers
from radar_pipeline.local.demo.database import create_statement
from radar_pipeline.local.demo.keys import capacity, key_values
from radar_pipeline.local.demo.oddities import columns_of
from radar_pipeline.local.demo.rows import Batch, World, parent_of
from radar_pipeline.local.demo.sizes import new_rows, rows_at_start
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import ColumnContract, Table

REGISTRY = load_registry()
SIZES = {table.name: rows_at_start(table) for table in REGISTRY.tables}
DAY = dt.date(2025, 8, 8)
WORLD = World(SIZES, SIZES, DAY, DAY)
KEYED = [table.name for table in REGISTRY.tables if table.primary_key and SIZES[table.name]]


def test_the_database_has_the_documented_sizes_and_about_1_3_million_rows() -> None:
    assert SIZES["store"] == 5_000
    assert SIZES["product"] == SIZES["product_export"] == 50_000
    assert SIZES["login"] == SIZES["user_access"] == 8_000
    assert SIZES["contest"] == 50
    assert max(SIZES, key=lambda name: SIZES[name]) == "transacoes"
    assert 1_200_000 < sum(SIZES.values()) < 1_400_000


def modulo_11(digits: str, weights: list[int]) -> str:
    rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return "0" if rest < 2 else str(11 - rest)


@settings(deadline=None)
@given(st.integers(0, 10**12))
def test_every_cnpj_has_valid_check_digits(number: int) -> None:
    (cnpj,) = numbers.cnpj(np.array([number])).to_pylist()
    weights = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    assert len(cnpj) == 14
    assert cnpj[12] == modulo_11(cnpj[:12], weights)
    assert cnpj[13] == modulo_11(cnpj[:13], [6, *weights])


@settings(deadline=None)
@given(st.integers(0, 10**12))
def test_every_cpf_has_valid_check_digits(number: int) -> None:
    (cpf,) = numbers.cpf(np.array([number])).to_pylist()
    assert len(cpf) == 11
    assert cpf[9] == modulo_11(cpf[:9], list(range(10, 1, -1)))
    assert cpf[10] == modulo_11(cpf[:10], list(range(11, 1, -1)))


@settings(deadline=None)
@given(st.integers(0, 10**12))
def test_every_ean_is_brazilian_and_has_a_valid_check_digit(number: int) -> None:
    (ean,) = numbers.ean13(np.array([number])).to_pylist()
    assert len(ean) == 13
    assert ean.startswith("789")
    assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(ean)) % 10 == 0


def test_known_numbers_check_as_the_authorities_say() -> None:
    # 11.222.333/0001-81 and 111.444.777-35 are the textbook examples of the two rules.
    assert numbers.cnpj(np.array([1_222_333])).to_pylist() == ["11222333000181"]
    assert numbers.cpf(np.array([11_444_777])).to_pylist() == ["11144477735"]


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12).map(abs), st.integers(0, 10))
def test_decimals_are_exact_text(unscaled: int, scale: int) -> None:
    (text,) = numbers.decimal_text(np.array([unscaled]), scale).to_pylist()
    assert int(text.replace(".", "")) == unscaled
    assert (len(text.partition(".")[2]) if scale else 0) == scale


@pytest.mark.parametrize("name", KEYED)
def test_no_key_comes_twice_in_the_seed_and_in_a_year_of_growth(name: str) -> None:
    table, rows = REGISTRY[name], min(SIZES[name], 20_000)
    grown = min(int(SIZES[name] * 1.5) + 400, capacity(table, SIZES))
    later = World(SIZES, {other: size * 2 for other, size in SIZES.items()}, DAY + dt.timedelta(365), DAY)
    seen = set()
    for batch in (Batch(table, 0, rows, WORLD), Batch(table, SIZES[name], grown - SIZES[name], later)):
        columns = key_values(batch)
        assert set(columns) == set(table.primary_key)
        seen |= set(zip(*(columns[column].to_pylist() for column in table.primary_key), strict=True))
    assert len(seen) == rows + grown - SIZES[name]


def test_references_exist_at_the_seed_and_after_growth() -> None:
    for name in ("user_access", "transacoes", "store_metrics"):
        table = REGISTRY[name]
        values = columns_of(Batch(table, 0, 3_000, WORLD))
        for column in table.columns:
            parent = parent_of(table, column, SIZES)
            if parent:
                present = [value for value in values[column.name].to_pylist() if value is not None]
                assert min(present) >= 1
                assert max(present) <= SIZES[parent]


def test_the_same_rows_are_made_every_time_and_other_days_make_others() -> None:
    table = REGISTRY["transacoes"]
    one, again = (columns_of(Batch(table, 0, 500, WORLD)) for _ in range(2))
    assert all(one[name].equals(again[name]) for name in one)
    tomorrow = World(SIZES, SIZES, DAY + dt.timedelta(1), DAY)
    other = columns_of(Batch(table, 500, 500, tomorrow))
    assert not any(one[name].equals(other[name]) for name in one)
    assert set(other["data_transacao"].cast("date32").to_pylist()) == {DAY}


@settings(deadline=None)
@given(st.sampled_from(REGISTRY.tables), st.integers(1, 10**6), st.integers(1, 3_000))
def test_growth_of_a_day_is_nothing_or_up_to_two_percent(table: Table, rows: int, day: int) -> None:
    gained = new_rows(table, rows, day)
    assert gained == 0 or max(1, int(rows * 0.001)) <= gained <= max(1, rows * 0.02)


def test_some_tables_stand_still_and_most_of_the_large_ones_live() -> None:
    still = {name for name in SIZES if not any(new_rows(REGISTRY[name], SIZES[name], day) for day in range(1, 15))}
    assert {"store_closure_request", "payment_method", "menu"} <= still
    assert not {"store", "transacoes", "order", "user_access"} & still
    assert 20 < len(still) < 60


def test_names_are_quoted_and_keys_are_in_the_ddl() -> None:
    table = Table("or`der", "a", "team:x", ("B", "A"), columns=(ColumnContract("A", "int"), ColumnContract("B", "int")))
    ddl = create_statement(table)
    assert ddl.startswith("CREATE TABLE `or``der` (")
    assert "PRIMARY KEY (`B`, `A`)" in ddl
    assert "`A` int NOT NULL" in ddl
