"""The source room against real servers: MariaDB every day, a real MySQL where the machine can run one."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pymysql
import pytest

from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.source import Problem, SourceAddress, SourceError, Tls, connect, count_rows, observe_tables, probe
from radar_pipeline.source.connection import cursor_at
from radar_pipeline_tests.servers import MySqlServer

SCHEMA = "source_tests"
READER = "source-tests"
PASSWORD = "pä55 '\"\\wörd"

TABLES = """
CREATE TABLE `order` (`Id` int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `select` varchar(20) NOT NULL);
CREATE TABLE `distribuição` (`Id_Loja` int, `Código` char(3));
CREATE TABLE `odd `` name` (`b` int NOT NULL, `a` int NOT NULL, `tick``` int, `a.b` int, PRIMARY KEY (`a`, `b`));
CREATE TABLE `empty` (`Id` int);
CREATE TABLE `kinds` (`k_dec` decimal(12,2), `k_enum` enum('x','y z'), `k_json` json, `k_bit` bit(1),
  `k_tiny` tinyint(1), `k_big` bigint unsigned, `k_time` time(3), `k_blob` mediumblob);
CREATE VIEW `a_view` AS SELECT `Id` FROM `order`;
INSERT INTO `order` (`select`) VALUES ('a'), ('b'), ('c');
INSERT INTO `distribuição` VALUES (1, 'ç');
INSERT INTO `odd `` name` VALUES (1, 2, 3, 4);
"""


@dataclass(frozen=True)
class Source:
    """A server with the tables above, as a reader sees it."""

    address: SourceAddress
    admin: Callable[[str], None]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("mariadb", marks=pytest.mark.integration),
        pytest.param("real_mysql", marks=pytest.mark.mysql),
    ],
)
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    server: MySqlServer = request.getfixturevalue(request.param)

    def admin(statement: str) -> None:
        with (
            pymysql.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                charset="utf8mb4",
                ssl={"check_hostname": False},
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {SCHEMA} CHARACTER SET utf8mb4")
            cursor.execute(f"USE {SCHEMA}")
            cursor.execute(statement)
            connection.commit()

    admin(f"DROP DATABASE {SCHEMA}")
    for statement in filter(str.strip, TABLES.split(";\n")):
        admin(statement)
    admin(f"DROP USER IF EXISTS '{READER}'@'127.0.0.1'")
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    admin(f"CREATE USER '{READER}'@'127.0.0.1' IDENTIFIED BY '{quoted}'")
    admin(f"GRANT SELECT ON {SCHEMA}.* TO '{READER}'@'127.0.0.1'")
    yield Source(SourceAddress(server.host, server.port, READER, PASSWORD, SCHEMA), admin)
    admin(f"DROP USER '{READER}'@'127.0.0.1'")
    admin(f"DROP DATABASE {SCHEMA}")


def test_a_probe_says_who_is_there_and_what_may_be_read(source: Source):
    result = probe(source.address)
    assert result.flavour == ("MariaDB" if "MariaDB" in result.version else "MySQL")
    assert result.version[0].isdigit()
    assert result.readable_tables == 6
    assert result.can_read
    assert 0 < result.latency_seconds < 2
    assert result.tls_cipher, "both servers offer TLS, and it is preferred"


def test_tls_can_be_switched_off_and_required(source: Source):
    assert probe(dataclasses.replace(source.address, tls=Tls.REQUIRED)).tls_cipher
    assert probe(dataclasses.replace(source.address, tls=Tls.DISABLED)).tls_cipher is None


def test_the_session_cannot_write(source: Source):
    with pytest.raises(SourceError, match="while writing") as caught, cursor_at(source.address, "writing") as cursor:
        cursor.execute("INSERT INTO `empty` VALUES (1)")
    assert caught.value.problem is Problem.QUERY


def test_every_table_is_counted_and_a_missing_one_is_named(source: Source):
    counts = count_rows(source.address, ["order", "gone", "distribuição", "odd ` name", "empty", "a_view", "order"])
    assert counts.rows == {"order": 3, "distribuição": 1, "odd ` name": 1, "empty": 0, "a_view": 3}
    assert counts.missing == ("gone",)
    assert counts.taken_at <= counts.finished_at


@contextmanager
def user_with(source: Source, *grants: str) -> Iterator[SourceAddress]:
    """A further user who has these grants and no other."""
    source.admin(f"CREATE USER 'half'@'127.0.0.1' IDENTIFIED BY 'half{READER}'")
    try:
        for grant in grants:
            source.admin(f"GRANT {grant} TO 'half'@'127.0.0.1'")
        yield dataclasses.replace(source.address, user="half", password=f"half{READER}")
    finally:
        source.admin("DROP USER 'half'@'127.0.0.1'")


def test_a_table_that_may_not_be_read_is_named_and_the_others_are_counted(source: Source):
    grants = (
        f"INSERT ON {SCHEMA}.`order`",
        f"INSERT (`Id_Loja`) ON {SCHEMA}.`distribuição`",
        f"SELECT ON {SCHEMA}.`empty`",
        f"SELECT ON {SCHEMA}.a_view",
    )
    with user_with(source, *grants) as half:
        counts = count_rows(half, ["order", "empty", "distribuição", "gone", "a_view", "kinds"])
    assert counts.rows == {"empty": 0, "a_view": 3}
    assert counts.missing == ("order", "distribuição", "gone", "kinds")


@pytest.mark.parametrize("connections", [1, 2, 4])
def test_counts_do_not_depend_on_the_number_of_connections(source: Source, connections: int):
    tables = ["order", "distribuição", "empty"]
    assert count_rows(source.address, tables, connections=connections).rows == {
        "order": 3,
        "distribuição": 1,
        "empty": 0,
    }


def test_no_tables_need_no_connection():
    nowhere = SourceAddress("127.0.0.1", 1, "nobody", "x", "nothing")
    assert count_rows(nowhere, []).rows == {}


def test_columns_keys_and_views_are_seen_as_the_server_has_them(source: Source):
    tables: dict[str, ObservedTable] = {table.name: table for table in observe_tables(source.address)}
    assert set(tables) == {"order", "distribuição", "odd ` name", "empty", "kinds", "a_view"}
    odd = tables["odd ` name"]
    assert [column.name for column in odd.columns] == ["b", "a", "tick`", "a.b"], "in the table's order"
    assert odd.primary_key == ("a", "b"), "in the key's order, not the table's"
    assert tables["distribuição"].primary_key == ()
    assert [table.name for table in tables.values() if table.is_view] == ["a_view"]
    assert [(column.name, column.nullable) for column in tables["order"].columns] == [("Id", False), ("select", False)]


def test_types_are_spelled_as_the_server_spells_them(source: Source):
    kinds = next(table for table in observe_tables(source.address) if table.name == "kinds")
    types = {column.name: column.type for column in kinds.columns}
    assert types["k_json"] in {"json", "longtext"}, "MariaDB has no JSON type of its own"
    assert types["k_big"] in {"bigint unsigned", "bigint(20) unsigned"}, "MySQL 8 dropped display widths"
    assert {name: types[name] for name in ("k_dec", "k_enum", "k_bit", "k_tiny", "k_time", "k_blob")} == {
        "k_dec": "decimal(12,2)",
        "k_enum": "enum('x','y z')",
        "k_bit": "bit(1)",
        "k_tiny": "tinyint(1)",
        "k_time": "time(3)",
        "k_blob": "mediumblob",
    }


def test_a_table_whose_columns_may_not_be_read_is_named_by_the_probe(source: Source):
    with user_with(source, f"INSERT ON {SCHEMA}.`order`", f"SELECT ON {SCHEMA}.`empty`") as half:
        result = probe(half)
    assert (result.readable_tables, result.unreadable, result.can_read) == (1, ("order",), False)


@contextmanager
def created(source: Source, *statements: str) -> Iterator[None]:
    """Further tables, each `name (columns)`, for the time of a test."""
    for statement in statements:
        source.admin(f"CREATE TABLE {statement}")
    try:
        yield
    finally:
        for statement in statements:
            source.admin(f"DROP TABLE {statement.split(' (')[0]}")


def test_tables_whose_names_differ_only_in_case_or_accents_keep_their_own_columns_and_keys(source: Source):
    with created(source, "distribuicao (Id int PRIMARY KEY, Nome text)", "`EMPTY` (x int, y int PRIMARY KEY)"):
        tables = {table.name: table for table in observe_tables(source.address)}
        counts = count_rows(source.address, ["distribuição", "distribuicao", "empty", "EMPTY"])
        with user_with(source, f"INSERT ON {SCHEMA}.`EMPTY`", f"SELECT ON {SCHEMA}.`empty`") as half:
            result = probe(half)
    columns = {name: [column.name for column in table.columns] for name, table in tables.items()}
    assert columns["distribuição"] == ["Id_Loja", "Código"]
    assert columns["distribuicao"] == ["Id", "Nome"]
    assert (columns["empty"], columns["EMPTY"]) == (["Id"], ["x", "y"])
    keys = [tables[name].primary_key for name in ("distribuição", "distribuicao", "empty", "EMPTY")]
    assert keys == [(), ("Id",), (), ("y",)]
    assert counts.rows == {"distribuição": 1, "distribuicao": 0, "empty": 0, "EMPTY": 0}
    assert (result.readable_tables, result.unreadable) == (1, ("EMPTY",))


def test_a_schema_whose_name_differs_only_in_case_is_another(source: Source):
    source.admin(f"CREATE DATABASE {SCHEMA.upper()}")
    try:
        source.admin(f"CREATE TABLE {SCHEMA.upper()}.`empty` (other int PRIMARY KEY)")
        source.admin(f"GRANT SELECT ON {SCHEMA.upper()}.* TO '{READER}'@'127.0.0.1'")
        tables = {table.name: table for table in observe_tables(source.address)}
        result = probe(source.address)
    finally:
        source.admin(f"DROP DATABASE {SCHEMA.upper()}")
    assert [column.name for column in tables["empty"].columns] == ["Id"]
    assert tables["empty"].primary_key == ()
    assert result.readable_tables == 6


@pytest.mark.parametrize(
    ("change", "problem", "words"),
    [
        ({"password": "not it"}, Problem.ACCESS_DENIED, "password is wrong, or the user does not exist"),
        ({"user": "nobody"}, Problem.ACCESS_DENIED, "refused user 'nobody'"),
        ({"database": "no_such"}, Problem.ACCESS_DENIED, "may not read database 'no_such'"),
    ],
)
def test_what_the_server_refuses_is_one_sentence_without_the_password(
    source: Source, change: dict[str, str], problem: Problem, words: str
):
    address = dataclasses.replace(source.address, **change)
    with pytest.raises(SourceError, match=words) as caught:
        connect(address)
    assert caught.value.problem is problem
    assert address.password not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_database_is_named_to_a_user_who_may_read_all(source: Source):
    source.admin("CREATE USER 'all'@'127.0.0.1' IDENTIFIED BY 'all-of-it'")
    source.admin("GRANT SELECT ON *.* TO 'all'@'127.0.0.1'")
    try:
        with pytest.raises(SourceError, match="has no database 'no_such'") as caught:
            connect(dataclasses.replace(source.address, user="all", password="all-of-it", database="no_such"))
    finally:
        source.admin("DROP USER 'all'@'127.0.0.1'")
    assert caught.value.problem is Problem.UNKNOWN_DATABASE


def test_a_refused_connection_says_so():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = SourceAddress("127.0.0.1", bound.getsockname()[1], "reader", "s3cret-word", "radar")
        with pytest.raises(SourceError, match="cannot be reached: Connection refused") as caught:
            probe(address)
    assert caught.value.problem is Problem.UNREACHABLE


def test_a_port_that_accepts_and_says_nothing_counts_as_timed_out():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = SourceAddress("127.0.0.1", silent.getsockname()[1], "reader", "s3cret-word", "radar")
        started = time.monotonic()
        with pytest.raises(SourceError, match=r"did not answer within 0\.3 s") as caught:
            connect(address, connect_timeout=0.3)
    assert caught.value.problem is Problem.TIMED_OUT
    assert time.monotonic() - started < 3


def test_a_server_that_closes_at_once_is_unreachable_and_no_stack_trace():
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen()

        def hang_up() -> None:
            connection, _ = rude.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        address = SourceAddress("127.0.0.1", rude.getsockname()[1], "reader", "s3cret-word", "radar")
        with pytest.raises(SourceError) as caught:
            connect(address)
        thread.join()
    assert caught.value.problem is Problem.UNREACHABLE


def test_a_host_that_no_one_knows_is_unreachable():
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        connect(SourceAddress("host.invalid", 3306, "reader", "s3cret-word", "radar"))
    assert caught.value.problem is Problem.UNREACHABLE


def test_the_password_is_in_no_repr():
    address = SourceAddress("h", 1, "u", "s3cret-word", "d")
    assert "s3cret-word" not in f"{address!r} {address}"


def test_one_failing_count_stops_the_others_and_is_raised(source: Source):
    source.admin("CREATE TABLE dropped (Id int)")
    source.admin("CREATE VIEW broken AS SELECT Id FROM dropped")
    source.admin("DROP TABLE dropped")
    try:
        with pytest.raises(SourceError, match="while counting rows") as caught:
            count_rows(source.address, ["order", "broken", "empty"])
    finally:
        source.admin("DROP VIEW broken")
    assert caught.value.problem is Problem.QUERY
