"""The schema-drift fault on a real table: every change is seen, and every change comes back unharmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from radar_pipeline.local.drift import CHANGES, apply_drift, plan_drift, undo_drift
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import MySqlAddress, connect
from radar_pipeline_tests.servers import MySqlServer

pytestmark = pytest.mark.integration

TABLE = "drift `promoção`"
QUOTED = "`drift ``promoção```"
CREATE = f"""CREATE TABLE {QUOTED} (
    `Id` bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    `Name` varchar(20) NOT NULL DEFAULT 'it''s, ok' COMMENT 'with, comma',
    `Odd ``name` datetime DEFAULT '0000-00-00 00:00:00',
    `Picture` mediumblob DEFAULT NULL,
    KEY `by_name` (`Name`))"""


def ask(admin: MySqlAddress, statement: str) -> tuple:
    with connect(admin) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.fixture
def admin(mariadb: MySqlServer) -> Iterator[MySqlAddress]:
    ask(mariadb.admin, CREATE)
    ask(mariadb.admin, f"INSERT INTO {QUOTED} VALUES (1, 'a', '0000-00-00', x'ff00'), (2, 'b', '2026-01-02', NULL)")
    yield mariadb.admin
    ask(mariadb.admin, f"DROP TABLE {QUOTED}")


@pytest.mark.parametrize("change", CHANGES)
def test_a_column_that_drifted_comes_back_with_its_definition_and_its_values(
    admin: MySqlAddress, tmp_path: Path, change: str
):
    record = tmp_path / "drift.json"
    definition, rows = ask(admin, f"SHOW CREATE TABLE {QUOTED}"), ask(admin, f"SELECT * FROM {QUOTED}")

    drift = plan_drift(admin, record, table=TABLE, change=change)
    assert ask(admin, f"SHOW CREATE TABLE {QUOTED}") == definition
    apply_drift(admin, record, drift)

    columns = {name: kind for name, kind, *_ in ask(admin, f"SHOW COLUMNS FROM {QUOTED}")}
    seen = {
        "added": columns.get("Radar_Drift") == "varchar(40)",
        "lost": "Odd `name" not in columns,
        "retyped": columns.get("Odd `name") == "longtext",
    }
    assert [name for name, is_seen in seen.items() if is_seen] == [change]
    assert undo_drift(admin, record) == (drift,)
    assert ask(admin, f"SHOW CREATE TABLE {QUOTED}") == definition
    assert ask(admin, f"SELECT * FROM {QUOTED}") == rows
    assert undo_drift(admin, record) == ()


@pytest.mark.parametrize("change", CHANGES)
def test_a_drift_noted_and_never_made_is_undone_by_doing_nothing(
    admin: MySqlAddress, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
):
    record = tmp_path / "drift.json"
    definition = ask(admin, f"SHOW CREATE TABLE {QUOTED}")
    drift = plan_drift(admin, record, table=TABLE, change=change)
    with monkeypatch.context() as patch:
        patch.setattr("radar_pipeline.local.drift._execute", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            apply_drift(admin, record, drift)
    assert undo_drift(admin, record) == (drift,)
    assert ask(admin, f"SHOW CREATE TABLE {QUOTED}") == definition


def test_a_table_drifts_once_and_an_unknown_one_not_at_all(admin: MySqlAddress, tmp_path: Path):
    record = tmp_path / "drift.json"
    with pytest.raises(LocalStackError, match="radar has no table nowhere"):
        plan_drift(admin, record, table="nowhere", change="added")
    apply_drift(admin, record, plan_drift(admin, record, table=TABLE, change="added"))
    with pytest.raises(LocalStackError, match="has drifted already: `radar local fault --clear` undoes it"):
        plan_drift(admin, record, table=TABLE, change="lost")
    undo_drift(admin, record)


def test_a_table_of_bytes_alone_has_no_column_to_spare(mariadb: MySqlServer, tmp_path: Path):
    ask(mariadb.admin, "CREATE TABLE only_bytes (a blob, b bit(8))")
    with pytest.raises(LocalStackError, match="no column that can be retyped and come back unharmed"):
        plan_drift(mariadb.admin, tmp_path / "drift.json", table="only_bytes", change="retyped")
    ask(mariadb.admin, "DROP TABLE only_bytes")
