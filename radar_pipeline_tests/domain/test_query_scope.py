"""What a query would silently not see: never too little, and nothing that it does not touch."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.model import Mark
from radar_pipeline.domain.catalogue.query_scope import days_read, skipped, tables_named

FIRST = dt.date(2026, 1, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(20)]
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT * FROM store", ("store",)),
        ('select * from bronze_radar."Store" s', ("store",)),
        ("SELECT 'store' FROM login -- store", ("login",)),
        ("SELECT * FROM store /* login */ JOIN user_access USING (id)", ("store", "user_access")),
        ("SELECT * FROM storehouse", ()),
        ("SELECT * FROM `order`", ("order",)),
        ("SELECT * FROM store ORDER BY id", ("store",)),
        ("SELECT '--', '/*' FROM store WHERE note = '*/'", ("store",)),
        ("-- whose don't come\nSELECT * FROM store WHERE name = 'login'", ("store",)),
        ("SELECT \"it's\" FROM store WHERE name = 'login'", ("store",)),
    ],
)
def test_a_table_is_named_where_its_name_stands_as_one(sql: str, named: tuple[str, ...]) -> None:
    assert tables_named(sql, ["store", "login", "user_access", "order"]) == named


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("", 20),
        ("WHERE cog_dt_ingestion = '2026-01-03'", 1),
        ("s WHERE s.cog_dt_ingestion >= '2026-01-03' AND name = 'x'", 18),
        ("WHERE cog_dt_ingestion BETWEEN '2026-01-03' AND '2026-01-05'", 3),
        ("WHERE cog_dt_ingestion IN ('2026-01-03', '2026-01-05') LIMIT 5", 2),
        ("WHERE cog_dt_ingestion > '2026-01-18' AND cog_dt_ingestion < '2026-01-20' GROUP BY name", 1),
        ("WHERE cog_dt_ingestion = '2026-01-03' OR name = 'x'", 20),
        ("WHERE NOT cog_dt_ingestion = '2026-01-03'", 20),
        ("WHERE (cog_dt_ingestion = '2026-01-03') = false", 20),
        ("a, other b WHERE b.cog_dt_ingestion = '2026-01-03'", 20),
        ("WHERE old_cog_dt_ingestion = '2026-01-03'", 20),
        ("ORDER BY cog_dt_ingestion = '2026-01-03'", 20),
        ("WHERE note = 'AND cog_dt_ingestion = ''2026-01-03'''", 20),
        ("WHERE cog_dt_ingestion = '2026-01-03' AND name = '--' OR name = 'x'", 20),
        ("WHERE cog_dt_ingestion = '2026-01-03' AND name = '/*' OR name = '*/'", 20),
        ("WHERE cog_dt_ingestion = '2026-01-03' -- OR name isn't 'x'", 1),
        ("WHERE id IN (SELECT id FROM x WHERE cog_dt_ingestion = '2026-01-03')", 20),
    ],
)
def test_only_plain_conditions_on_the_day_narrow_what_is_read(where: str, count: int) -> None:
    assert len(days_read(f"SELECT * FROM store {where}", DAYS, tables=1)) == count


literals = st.sampled_from([f"'{day}'" for day in DAYS])
comparisons = st.builds(
    lambda sign, day: f"cog_dt_ingestion {sign} {day}", st.sampled_from(["=", ">=", ">", "<", "<=", "<>"]), literals
)
atoms = st.one_of(
    comparisons,
    st.builds("cog_dt_ingestion BETWEEN {} AND {}".format, literals, literals),
    st.builds("cog_dt_ingestion IN ({})".format, st.lists(literals, min_size=1, max_size=4).map(", ".join)),
    st.sampled_from(
        ["n > 3", "name = 'x'", "name = '--'", "name = '/*'", "name = 'cog_dt_ingestion = ''2026-01-02'''"]
    ),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("({}) = 0".format, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE store (n INTEGER, name TEXT, cog_dt_ingestion TEXT)")
    rows = [(number, name, day.isoformat()) for number, day in enumerate(DAYS) for name in ("x", "y")]
    connection.executemany("INSERT INTO store VALUES (?, ?, ?)", rows)
    return connection


@given(where=conditions)
def test_no_day_that_a_query_reads_is_left_out(database: sqlite3.Connection, where: str) -> None:
    sql = f"SELECT DISTINCT cog_dt_ingestion FROM store WHERE {where}"
    really = {dt.date.fromisoformat(day) for (day,) in database.execute(sql)}
    assert really <= set(days_read(sql, DAYS, tables=1))


def test_archived_days_are_named_with_how_to_bring_them_back_and_restored_ones_with_their_end() -> None:
    until = NOW + dt.timedelta(days=2)
    marks = {
        "store": {
            DAYS[0]: Mark(StorageClass.GLACIER),
            DAYS[1]: Mark(StorageClass.GLACIER, until),
            DAYS[2]: Mark(StorageClass.GLACIER, NOW - dt.timedelta(days=1)),
            DAYS[3]: Mark(StorageClass.STANDARD_IA),
        },
        "login": {DAYS[0]: Mark(StorageClass.DEEP_ARCHIVE)},
    }
    (found,) = skipped("SELECT count(*) FROM store", marks, now=NOW, sources={"store": "Store"})
    assert found.days == (DAYS[0], DAYS[2])
    assert found.restored == {DAYS[1]: until}
    assert "radar restore Store --from 2026-01-01 --to 2026-01-03" in found.words
    assert "1 archived day can be read until 2026-11-26 12:00 UTC" in found.words
    assert skipped("SELECT count(*) FROM store WHERE cog_dt_ingestion > '2026-01-03'", marks, now=NOW) == ()


def test_of_a_view_every_table_with_archived_days_is_named() -> None:
    cold = {dt.date(2026, 1, 10): Mark(StorageClass.GLACIER), dt.date(2026, 6, 1): Mark(StorageClass.STANDARD)}
    marks = {"store": cold, "menu": cold, "login": {}}
    sql = "SELECT * FROM all_stores WHERE cog_dt_ingestion = '2026-11-24'"
    assert skipped(sql, marks, now=NOW) == ()
    found = skipped(sql, marks, now=NOW, views=("all_stores", "others"))
    assert [(each.table, each.days) for each in found] == [
        ("store", (dt.date(2026, 1, 10),)),
        ("menu", (dt.date(2026, 1, 10),)),
    ]
