"""`radar tables` as a person types it, against a real database and a running Airbyte-compatible server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from radar_pipeline.cli.tables import tables_group
from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID
from radar_pipeline.local.airbyte_server.discovery import discover
from radar_pipeline.local.demo import seed
from radar_pipeline.local.demo.database import session
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.settings import Settings
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.local.airbyte_harness import Server, running
from radar_pipeline_tests.servers import MySqlServer

# What the developer's own shell points at must not reach a test.
NOTHING_SET = dict.fromkeys(str(field.validation_alias) for field in Settings.model_fields.values())

SMALL = """\
areas:
  stores: team:stores
tables:
  store:  # agreed with finance
    area: stores
    critical: true
    primary_key: Id
    columns:
      Id: int mandatory
  product:
    area: stores
    primary_key: Id
    columns:
      Id: int mandatory
  contest_score:
    area: stores
    primary_key: Id
    columns:
      Id: int mandatory
"""


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a file of variables."""
    monkeypatch.chdir(tmp_path)


def tables(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(tables_group, arguments, env={**NOTHING_SET, "RADAR_ENV_FILE": None, **environment})


def written(path: Path, text: str = SMALL) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_registry_in_use_is_checked_and_counted() -> None:
    result = tables("check")
    assert result.exit_code == 0
    assert "85 tables" in result.stdout
    assert "5 of them critical" in result.stdout


def test_each_mistake_of_a_file_is_printed_with_its_line_and_no_stack_trace(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.yaml", SMALL.replace("true", "maybe").replace("Id: int", "Id: itn", 1))
    result = tables("check", str(path))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: mine.yaml:6: ")
    assert 'mine.yaml:9: table "store", column "Id": "itn mandatory"' not in result.stderr
    assert 'mine.yaml:9: table "store", column "Id": "itn" is no MySQL type' in lines[1]
    assert "Traceback" not in result.output


def test_mistakes_are_json_for_programs(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.yaml", "tables:\n")
    result = tables("check", str(path), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"] == ["mine.yaml:1: no table is listed under 'tables'"]
    path = written(path)
    assert json.loads(tables("check", str(path), "--json").stdout)["critical"] == ["store"]


def test_with_nothing_to_compare_with_the_missing_variables_are_named() -> None:
    result = tables("diff")
    assert result.exit_code == 2
    assert "RADAR_HOST" in result.stderr
    assert "AIRBYTE_SERVER_HOST" in result.stderr
    assert "--from airbyte needs AIRBYTE_SERVER_HOST" in tables("pull", "--from", "airbyte").stderr


def test_a_server_that_is_away_is_an_error_and_not_a_difference() -> None:
    result = tables("diff", RADAR_HOST="127.0.0.1", RADAR_PORT="1", RADAR_PASS="s3cr3t")
    assert result.exit_code == 2
    assert "127.0.0.1:1 cannot be reached" in result.stderr
    assert "s3cr3t" not in result.output


@pytest.fixture(scope="module")
def address(mariadb: MySqlServer) -> Iterator[MySqlAddress]:
    """Three seeded tables, a view beside them."""
    registry = load_registry()
    address = dataclasses.replace(mariadb.admin, database="cli_tables")
    with session(mariadb.admin) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE cli_tables CHARACTER SET utf8mb4")
    seed(address, scale=0.001, registry=Registry((registry["menu"], registry["order"], registry["promoção"])))
    with session(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE VIEW `top menu` AS SELECT * FROM menu")
    yield address
    with session(mariadb.admin) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE cli_tables")
        cursor.execute("DROP DATABASE cli_tables_demo_state")


def variables(address: MySqlAddress) -> dict[str, str]:
    return {
        "RADAR_HOST": address.host,
        "RADAR_PORT": str(address.port),
        "RADAR_USER": address.user,
        "RADAR_PASS": address.password,
        "RADAR_DATABASE": address.database,
    }


@pytest.mark.integration
def test_a_registry_is_made_from_a_database_and_then_agrees_with_it(address: MySqlAddress, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    shown = tables("pull", "--output", str(path), **variables(address))
    assert shown.exit_code == 0
    assert "+  promoção:" in shown.stdout
    assert "left out: top menu: a view" in shown.stderr
    assert "--write writes it" in shown.stderr
    assert not path.exists()
    assert tables("pull", "--output", str(path), "--write", **variables(address)).exit_code == 0
    assert load_registry(path).names == ("menu", "order", "promoção")
    assert list(tmp_path.iterdir()) == [path]
    same = tables("diff", RADAR_TABLES_FILE=str(path), **variables(address))
    assert same.exit_code == 0
    assert "no difference between the registry (3 tables) and MySQL" in same.stdout
    assert "is up to date" in tables("pull", "--output", str(path), **variables(address)).stderr


@pytest.mark.integration
def test_names_that_differ_only_in_case_or_accents_are_tables_of_their_own(
    address: MySqlAddress, tmp_path: Path
) -> None:
    path = tmp_path / "new.yaml"
    with session(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE promocao (Code INT PRIMARY KEY, Day DATE)")
        cursor.execute("CREATE TABLE Menu (Other INT, PRIMARY KEY (Other))")
    try:
        pulled = tables("pull", "--output", str(path), "--write", **variables(address))
        same = tables("diff", "--json", RADAR_TABLES_FILE=str(path), **variables(address))
        catalogue = discover({**dataclasses.asdict(address), "tls": False}, modern=True)
    finally:
        with session(address) as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE promocao, `Menu`")
    assert pulled.exit_code == 0, pulled.output
    registry = load_registry(path)
    assert set(registry.names) == {"menu", "Menu", "order", "promocao", "promoção"}
    assert [column.name for column in registry["promocao"].columns] == ["Code", "Day"]
    assert [column.name for column in registry["Menu"].columns] == ["Other"]
    assert registry["Menu"].primary_key == ("Other",)
    found = json.loads(same.stdout)["findings"]
    assert [(each["table"], each["drift"]) for each in found] == [("promoção", "folder_shared")]
    streams = {each["stream"]["name"]: each["stream"] for each in catalogue["streams"]}
    assert [list(streams[name]["jsonSchema"]["properties"]) for name in ("promocao", "Menu")] == [
        ["Code", "Day"],
        ["Other"],
    ]
    assert streams["Menu"]["sourceDefinedPrimaryKey"] == [["Other"]]


@pytest.mark.integration
def test_a_sequence_of_mariadb_is_left_out_and_said_so_and_no_stream_is_offered_for_it(
    address: MySqlAddress, tmp_path: Path
) -> None:
    path = tmp_path / "new.yaml"
    with session(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE sq")
    try:
        pulled = tables("pull", "--output", str(path), "--write", **variables(address))
        same = tables("diff", RADAR_TABLES_FILE=str(path), **variables(address))
        catalogue = discover({**dataclasses.asdict(address), "tls": False}, modern=True)
    finally:
        with session(address) as connection, connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE sq")
    assert "left out: sq: a sequence" in pulled.stderr
    assert load_registry(path).names == ("menu", "order", "promoção")
    assert same.exit_code == 0, same.output
    assert [each["stream"]["name"] for each in catalogue["streams"]] == ["menu", "order", "promoção", "top menu"]


MYSQL_TABLES = """
CREATE TABLE `order` (`Id` int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `E-mail` varchar(60) NOT NULL);
CREATE TABLE `promoção` (`Loja` int NOT NULL, `Código` char(3) NOT NULL, `Preço` decimal(12,2),
  PRIMARY KEY (`Código`, `Loja`));
CREATE TABLE no_key (a bigint unsigned, b smallint, c tinyint(1), d mediumint, e bit(8), f year, g double, h float,
  i date, j datetime(3), k timestamp NULL, l time(6), m enum('x','y z','it''s'), n set('p','q'), o json, p tinytext,
  q longtext, r varbinary(20), s binary(4), t mediumblob, u point, v decimal(30,10) unsigned,
  w int GENERATED ALWAYS AS (b + 1) VIRTUAL, x bool, y varchar(10) CHARACTER SET latin1);
CREATE VIEW `top orders` AS SELECT * FROM `order`
"""


@pytest.mark.mysql
def test_a_registry_is_made_from_a_real_mysql_and_then_agrees_with_it(real_mysql: MySqlServer, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    using = {"RADAR_TABLES_FILE": str(path), **variables(dataclasses.replace(real_mysql.admin, database="cli_tables"))}
    with session(real_mysql.admin) as connection, connection.cursor() as cursor:
        for statement in ("CREATE DATABASE cli_tables CHARACTER SET utf8mb4", "USE cli_tables"):
            cursor.execute(statement)
        for statement in MYSQL_TABLES.split(";\n"):
            cursor.execute(statement)
        try:
            pulled = tables("pull", "--output", str(path), "--write", **using)
            same = tables("diff", **using)
            again = tables("pull", **using)
        finally:
            cursor.execute("DROP DATABASE cli_tables")
    assert pulled.exit_code == 0, pulled.output
    assert [line for line in pulled.stderr.splitlines() if "left out" in line] == ["left out: top orders: a view"]
    registry = load_registry(path)
    assert registry.names == ("no_key", "order", "promoção")
    assert [registry[name].primary_key for name in registry.names] == [(), ("Id",), ("Código", "Loja")]
    types = {column.name: column.type for column in registry["no_key"].columns}
    assert len(types) == 25
    assert {name: types[name] for name in "acmouv"} == {
        "a": "bigint unsigned",
        "c": "tinyint(1)",
        "m": "enum('x','y z','it''s')",
        "o": "json",
        "u": "point",
        "v": "decimal(30,10) unsigned",
    }
    assert same.exit_code == 0, same.output
    assert "is up to date" in again.stderr


@pytest.mark.integration
def test_drift_is_shown_with_what_to_do_and_a_pull_keeps_what_people_wrote(
    address: MySqlAddress, tmp_path: Path
) -> None:
    path = written(tmp_path / "mine.yaml")
    using = {"RADAR_TABLES_FILE": str(path), **variables(address)}
    result = tables("diff", **using)
    assert result.exit_code == 1
    assert "store (critical)" in result.stdout
    assert "the registry has this table, MySQL has not" in result.stdout
    assert "radar tables pull" in result.stdout
    found = json.loads(tables("diff", "--json", **using).stdout)
    assert found["compared"] == ["registry", "mysql"]
    assert {"table": "menu", "column": None, "drift": "table_missing"}.items() <= found["findings"][1].items()

    with session(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE store (Id INT PRIMARY KEY, Name VARCHAR(20) NOT NULL)")
    try:
        pulled = tables("pull", "--write", **using)
    finally:
        with session(address) as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE store")
    assert pulled.exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert "  store:  # agreed with finance\n    area: stores\n    critical: true\n" in text
    assert load_registry(path).names == ("store", "menu", "order", "promoção")
    (kept,) = tmp_path.glob("mine.yaml.*.bak")
    assert kept.read_text(encoding="utf-8") == SMALL


@pytest.mark.integration
def test_a_program_learns_what_a_pull_proposes_and_what_it_wrote(address: MySqlAddress, tmp_path: Path) -> None:
    path = written(tmp_path / "mine.yaml")
    using = {"RADAR_TABLES_FILE": str(path), **variables(address)}
    proposed = json.loads(tables("pull", "--json", **using).stdout)
    assert proposed["file"] == str(path)
    assert (proposed["from"], proposed["written"], proposed["kept"]) == ("mysql", False, None)
    assert (proposed["added"], proposed["removed"]) == (
        ["menu", "order", "promoção"],
        ["contest_score", "product", "store"],
    )
    assert any(line.startswith("top menu: a view") for line in proposed["left_out"])
    assert f"+++ {path} (proposed)" in proposed["diff"]
    assert "+  promoção:" in proposed["diff"]
    assert path.read_text(encoding="utf-8") == SMALL
    pulled = json.loads(tables("pull", "--json", "--write", **using).stdout)
    assert (pulled["written"], Path(pulled["kept"]).read_text(encoding="utf-8")) == (True, SMALL)
    again = json.loads(tables("pull", "--json", "--write", **using).stdout)
    assert (again["diff"], again["written"], again["kept"]) == ([], False, None)


@pytest.mark.integration
def test_a_critical_table_that_is_gone_is_warned_about(address: MySqlAddress, tmp_path: Path) -> None:
    path = written(tmp_path / "mine.yaml")
    result = tables("pull", RADAR_TABLES_FILE=str(path), **variables(address))
    assert "warning: table store is critical and is not there any more" in result.stderr
    assert path.read_text(encoding="utf-8") == SMALL


@pytest.mark.integration
def test_a_file_that_cannot_be_written_is_named_and_stays_as_it_was(address: MySqlAddress, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "new.yaml"
    result = tables("pull", "--output", str(path), "--write", **variables(address))
    assert result.exit_code == 2
    assert f"{path}: cannot be written: No such file or directory" in result.stderr


@pytest.fixture
def airbyte(tmp_path: Path) -> Iterator[Server]:
    """An Airbyte-compatible server whose connection copies store, product and contest_score, one column each."""
    with running(tmp_path / "airbyte", "0.39") as server:
        yield server


@pytest.mark.integration
def test_the_airbyte_connection_is_compared_and_pulled_from(airbyte: Server, tmp_path: Path) -> None:
    path = written(tmp_path / "mine.yaml")
    using = {
        "RADAR_TABLES_FILE": str(path),
        "AIRBYTE_SERVER_HOST": "127.0.0.1",
        "AIRBYTE_SERVER_PORT": airbyte.port,
        "RADAR_CONNECTION_ID": CONNECTION_ID,
    }
    same = tables("diff", **using)
    assert same.exit_code == 0, same.output
    assert "and Airbyte" in same.stdout
    written(path, SMALL.replace("  product:", "  produto:"))
    differs = tables("diff", "--json", **using)
    assert differs.exit_code == 1
    found = [(each["table"], each["drift"], each["system"]) for each in json.loads(differs.stdout)["findings"]]
    assert found == [("product", "table_missing", "registry"), ("produto", "table_extra", "registry")]
    assert tables("pull", "--from", "airbyte", "--write", **using).exit_code == 0
    assert load_registry(path)["product"].columns[0].type == "bigint"
    assert tables("diff", **using).exit_code == 0
