"""Demonstration data in a real database: seeded, advanced, interrupted, read back."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.local.demo import advance, is_seeded, seed, seeding
from radar_pipeline.local.demo.database import session
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.source.columns import observe_tables
from radar_pipeline.source.connection import SourceAddress, Tls
from radar_pipeline.tables.drift import compare
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.servers import MySqlServer

pytestmark = pytest.mark.integration

REGISTRY = load_registry()
SCALE = 0.01


@pytest.fixture
def database(mariadb: MySqlServer, request: pytest.FixtureRequest) -> Iterator[MySqlAddress]:
    """A schema of the test's own, gone afterwards with its state."""
    name = "demo_" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    with session(mariadb.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield dataclasses.replace(mariadb.admin, database=name)
    with session(mariadb.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"DROP DATABASE IF EXISTS {name}_demo_state")


def ask(address: MySqlAddress, question: str) -> list[tuple[Any, ...]]:
    with session(address) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


def observe(address: MySqlAddress) -> tuple[ObservedTable, ...]:
    source = SourceAddress(address.host, address.port, address.user, address.password, address.database, Tls.PREFERRED)
    return observe_tables(source)


def checksums(address: MySqlAddress) -> dict[str, int]:
    names = ", ".join(f"`{name}`" for name in REGISTRY.names)
    return {str(name).partition(".")[2]: int(value) for name, value in ask(address, f"CHECKSUM TABLE {names}")}


def counts(address: MySqlAddress) -> dict[str, int]:
    parts = (f"SELECT '{name}', COUNT(*) FROM `{name}`" for name in REGISTRY.names)
    return {name: int(rows) for name, rows in ask(address, " UNION ALL ".join(parts))}


def only(*names: str) -> Registry:
    return Registry(tuple(REGISTRY[name] for name in names))


def test_a_seeded_database_is_the_registry_s_and_holds_what_it_promises(database: MySqlAddress) -> None:
    assert not is_seeded(database)
    told: list[tuple[str, int]] = []
    sizes = seed(database, scale=SCALE, progress=lambda table, rows: told.append((table, rows)))
    assert is_seeded(database)
    assert is_seeded(database, scale=SCALE)
    assert not is_seeded(database, scale=1.0)
    assert counts(database) == sizes
    assert sum(rows for _, rows in told) == sum(sizes.values())
    assert compare(REGISTRY, observe(database), None) == ()
    # mandatory columns have no gap; the others do, and zero dates and emoji are there
    assert ask(database, "SELECT COUNT(*) FROM store WHERE Id IS NULL OR Name IS NULL OR Status IS NULL") == [(0,)]
    assert ask(database, "SELECT COUNT(*) > 0 FROM store WHERE Disabled_At IS NULL") == [(1,)]
    assert ask(database, "SELECT COUNT(*) > 0 FROM transacoes WHERE status IS NULL") == [(1,)]
    assert ask(database, "SELECT COUNT(*) > 0 FROM user_notification WHERE Title LIKE '%🏆%'") == [(1,)]
    orphans = "SELECT COUNT(*) FROM user_access u LEFT JOIN store s ON s.Id = u.Id_Store WHERE s.Id IS NULL"
    assert ask(database, orphans) == [(0,)]
    assert ask(database, "SELECT COUNT(*), COUNT(DISTINCT CNPJ) FROM store") == [(sizes["store"],) * 2]


def test_the_ends_of_every_type_are_stored_exactly(database: MySqlAddress) -> None:
    seed(database, scale=1.0, registry=only("source_type_sample"))
    text = "SELECT CAST({} AS CHAR) FROM source_type_sample ORDER BY Id LIMIT 4"

    def first(column: str) -> list[Any]:
        return [row[0] for row in ask(database, text.format(column))]

    assert first("Big_Unsigned") == ["0", "18446744073709551615", "9223372036854775808", None]
    assert first("Exact") == [
        "-9999999999999999999999999999.9999999999",
        "9999999999999999999999999999.9999999999",
        "0.0000000000",
        None,
    ]
    assert first("Moment") == ["1000-01-01 00:00:00", "9999-12-31 23:59:59", "0000-00-00 00:00:00", None]
    assert first("Clock") == ["-838:59:59", "838:59:59", "00:00:00", None]
    assert first("Stamp") == ["1970-01-01 00:00:01", "2038-01-19 03:14:07", "0000-00-00 00:00:00", None]
    assert first("Text_Short") == ["", "👩🏽‍⚕️ coração", 'aspas "duplas", vírgula, barra \\ e\nnova linha\tç', None]
    assert first("HEX(Raw)") == ["", "00", "FF" * 32, None]
    assert first("HEX(Raw_Long)") == ["", "00" * 1000, "0A0D2C225C09", None]
    assert first("JSON_VALUE(Document, '$.nome')") == [None, None, 'João "Zé"', None]


def test_seeding_twice_gives_the_same_rows_and_so_does_the_next_day(database: MySqlAddress) -> None:
    seed(database, scale=SCALE)
    first = checksums(database)
    advance(database)
    second = checksums(database)
    seed(database, scale=SCALE)
    assert checksums(database) == first
    advance(database)
    assert checksums(database) == second
    changed = {name for name in first if first[name] != second[name]}
    assert {"transacoes", "store", "user_access"} <= changed
    assert "payment_method" not in changed


def test_two_days_at_once_are_the_same_as_one_after_the_other(database: MySqlAddress) -> None:
    seed(database, scale=SCALE)
    assert advance(database).isoformat() == "2025-08-09"
    assert advance(database).isoformat() == "2025-08-10"
    apart = checksums(database)
    seed(database, scale=SCALE)
    assert advance(database, days=2).isoformat() == "2025-08-10"
    assert checksums(database) == apart


def test_a_day_adds_changes_and_deletes_rows(database: MySqlAddress) -> None:
    registry = only("transacoes", "store", "product", "user_access")
    sizes = seed(database, scale=0.05, registry=registry)
    before = ask(database, "SELECT SUM(valor_total * 100) FROM transacoes WHERE id <= 1000")
    advance(database, registry=registry)
    lasting, total = ask(database, f"SELECT SUM(id <= {sizes['transacoes']}), COUNT(*) FROM transacoes")[0]
    assert total > sizes["transacoes"]
    assert lasting <= sizes["transacoes"]
    assert ask(database, "SELECT COUNT(*) FROM store WHERE Modified_At = '2025-08-09 03:00:00'")[0][0] > 0
    newest = ask(database, "SELECT MAX(data_transacao) >= '2025-08-08' FROM transacoes")
    assert newest == [(1,)]
    assert before[0][0] > 0
    orphans = "SELECT COUNT(*) FROM transacoes t LEFT JOIN store s ON s.Id = t.id_loja WHERE s.Id IS NULL"
    assert ask(database, orphans) == [(0,)]


def test_rows_disappear_from_tables_that_nobody_refers_to(database: MySqlAddress) -> None:
    sizes = seed(database, scale=SCALE)
    advance(database, days=3)
    parts = (
        f"SELECT '{name}', COUNT(*) FROM `{name}` WHERE Id <= {rows}"
        for name, rows in sizes.items()
        if REGISTRY[name].primary_key == ("Id",) and name != "user_session"
    )
    lost = {name: kept - sizes[name] for name, kept in ask(database, " UNION ALL ".join(parts))}
    assert sum(gap < 0 for gap in lost.values()) >= 5
    assert lost["store"] == lost["product"] == lost["contest"] == 0


def test_an_interrupted_seed_counts_as_none_and_is_done_again(
    database: MySqlAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = only("store", "menu", "order")
    calls = []

    def broken(cursor: Any, batch: Any) -> None:
        calls.append(batch.table.name)
        if len(calls) == 2:
            message = "the disk is full"
            raise OSError(message)
        original(cursor, batch)

    original = seeding.load
    monkeypatch.setattr(seeding, "load", broken)
    with pytest.raises(OSError, match="the disk is full"):
        seed(database, scale=SCALE, registry=registry)
    assert not is_seeded(database, registry=registry)
    with pytest.raises(LocalStackError, match="was not seeded"):
        advance(database, registry=registry)
    monkeypatch.undo()
    seed(database, scale=SCALE, registry=registry)
    assert is_seeded(database, registry=registry)


def test_an_interrupted_day_is_finished_and_never_applied_twice(
    database: MySqlAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(database, scale=SCALE)
    advance(database)
    whole = checksums(database)
    seed(database, scale=SCALE)
    original, calls = seeding.load, []

    def broken(cursor: Any, batch: Any) -> None:
        original(cursor, batch)
        calls.append(batch.table.name)
        if len(calls) == 30:
            message = "killed"
            raise OSError(message)

    monkeypatch.setattr(seeding, "load", broken)
    with pytest.raises(OSError, match="killed"):
        advance(database)
    monkeypatch.undo()
    assert advance(database).isoformat() == "2025-08-09"
    assert checksums(database) == whole


def test_a_database_seeded_from_other_tables_is_not_taken_for_this_one(database: MySqlAddress) -> None:
    seed(database, scale=SCALE, registry=only("menu"))
    assert not is_seeded(database)
    with pytest.raises(LocalStackError, match="was seeded from another table registry"):
        advance(database)


@pytest.mark.parametrize("scale", [0, -1, 101])
def test_a_scale_that_makes_no_sense_is_refused_before_anything_is_dropped(
    database: MySqlAddress, scale: float
) -> None:
    with pytest.raises(LocalStackError, match="must be above 0 and at most 100"):
        seed(database, scale=scale)


def test_advancing_by_no_day_is_refused(database: MySqlAddress) -> None:
    with pytest.raises(LocalStackError, match="must be at least 1"):
        advance(database, days=0)
