"""Every MySQL type, row by row, against what a plain client reads: on MariaDB and, where it can run, a real MySQL."""

from __future__ import annotations

import base64
import datetime as dt
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pymysql
import pytest

from radar_pipeline.domain.schema import stored_column
from radar_pipeline_tests.local import extract_harness as harness
from radar_pipeline_tests.servers import MySqlServer, S3Server

UTC = dt.UTC
LONGEST = 2**63 - 1
TABLE = "every type"
RANDOM_ROWS = 300


def number(value: Any) -> float | None:
    return None if value is None else float(value)


def whole(value: Any) -> int | None:
    return None if value is None or not -LONGEST - 1 <= int(value) <= LONGEST else int(value)


def single(value: Any) -> np.float32 | None:
    """Several decimal texts name one FLOAT; which of them is written is another test's matter."""
    return None if value is None else np.float32(value)


def flag(value: Any) -> bool | None:
    if isinstance(value, bytes):
        value = int.from_bytes(value, "big")
    return None if value is None else value > 0


def encoded(value: Any) -> str | None:
    if isinstance(value, str):
        value = value.encode()
    return None if value is None else base64.b64encode(value).decode()


def text(value: Any) -> str | None:
    return value


def date(value: Any) -> dt.date | None:
    return value if isinstance(value, dt.date) else None


def moment(value: Any) -> dt.datetime | None:
    return value.replace(tzinfo=UTC) if isinstance(value, dt.datetime) else None


def time_of_day(value: Any) -> dt.time | None:
    if value is None or not dt.timedelta(0) <= value < dt.timedelta(days=1):
        return None
    return (dt.datetime(1, 1, 1, tzinfo=UTC) + value).time()


# Column name: (MySQL type, what of a plain client's value must be in Parquet, Parquet type of the new dialect).
COLUMNS: dict[str, tuple[str, Callable[[Any], Any], pa.DataType]] = {
    "bool1": ("tinyint(1)", flag, pa.bool_()),
    "tiny": ("tinyint", whole, pa.int64()),
    "tiny_u": ("tinyint unsigned", whole, pa.int64()),
    "small": ("smallint", whole, pa.int64()),
    "small_u": ("smallint unsigned", whole, pa.int64()),
    "medium": ("mediumint", whole, pa.int64()),
    "medium_u": ("mediumint unsigned", whole, pa.int64()),
    "int_": ("int", whole, pa.int64()),
    "int_u": ("int unsigned", whole, pa.int64()),
    "big": ("bigint", whole, pa.int64()),
    "big_u": ("bigint unsigned", whole, pa.int64()),
    "dec_10_0": ("decimal(10,0)", whole, pa.int64()),
    "dec_65_0": ("decimal(65,0)", whole, pa.int64()),
    "dec_12_2": ("decimal(12,2)", number, pa.float64()),
    "dec_15_6": ("decimal(15,6) unsigned", number, pa.float64()),
    "dec_38_10": ("decimal(38,10)", number, pa.float64()),
    "dec_65_30": ("decimal(65,30)", number, pa.float64()),
    "float_": ("float", single, pa.float64()),
    "double_": ("double", number, pa.float64()),
    "bit1": ("bit(1)", flag, pa.bool_()),
    "bit8": ("bit(8)", encoded, pa.string()),
    "bit64": ("bit(64)", encoded, pa.string()),
    "date_": ("date", date, pa.date32()),
    "datetime_": ("datetime", moment, pa.timestamp("us", "UTC")),
    "datetime6": ("datetime(6)", moment, pa.timestamp("us", "UTC")),
    "timestamp_": ("timestamp NULL", moment, pa.timestamp("us", "UTC")),
    "timestamp3": ("timestamp(3) NULL", moment, pa.timestamp("us", "UTC")),
    "time_": ("time", time_of_day, pa.time64("us")),
    "time6": ("time(6)", time_of_day, pa.time64("us")),
    "year_": ("year", whole, pa.int64()),
    "char_": ("char(10)", text, pa.string()),
    "latin": ("varchar(20) CHARACTER SET latin1", text, pa.string()),
    "varchar_": ("varchar(60)", text, pa.string()),
    "collated": ("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", text, pa.string()),
    "binary_": ("binary(4)", encoded, pa.string()),
    "varbinary_": ("varbinary(20)", encoded, pa.string()),
    "blob_": ("blob", encoded, pa.string()),
    "longblob_": ("longblob", encoded, pa.string()),
    "tinytext_": ("tinytext", text, pa.string()),
    "longtext_": ("longtext", text, pa.string()),
    "enum_": ("enum('a','ç','x y')", text, pa.string()),
    "set_": ("set('a','b','c')", text, pa.string()),
    "json_": ("json", text, pa.string()),
    "geometry_": ("geometry", encoded, pa.string()),
    "Preço (R$) `líquido`": ("int", whole, pa.int64()),
    "9lead": ("int", whole, pa.int64()),
    "select": ("int", whole, pa.int64()),
    "hidden": ("varchar(10) INVISIBLE", text, pa.string()),
}
UNIONS = {pa.date32(), pa.timestamp("us", "UTC"), pa.time64("us")}

LOWEST = {
    "bool1": "-1", "tiny": "-128", "tiny_u": "0", "small": "-32768", "medium": "-8388608", "int_": "-2147483648",
    "big": "-9223372036854775808", "big_u": "9223372036854775807", "dec_10_0": "-9999999999",
    "dec_65_0": f"'-{9:9>64}'", "dec_12_2": "-1234567890.12", "dec_38_10": "'-0.0000000001'",
    "dec_65_30": "'-1e-30'", "float_": "-3.4e38",
    "double_": "-1.7976931348623157e308", "bit1": "0", "bit8": "0", "date_": "'0000-00-00'",
    "datetime_": "'1969-12-31 23:59:59'", "datetime6": "'0000-00-00'", "timestamp_": "0", "time_": "'-838:59:59'",
    "time6": "'-00:00:00.000001'", "year_": "0", "char_": "''", "varchar_": "''", "enum_": "''", "set_": "''",
    "blob_": "''", "longtext_": "''", "json_": "'null'",
}  # fmt: skip
HIGHEST = {
    "bool1": "2", "tiny": "127", "tiny_u": "255", "small": "32767", "small_u": "65535", "medium": "8388607",
    "medium_u": "16777215", "int_": "2147483647", "int_u": "4294967295", "big": "9223372036854775807",
    "big_u": "18446744073709551615", "dec_10_0": "9999999999", "dec_65_0": f"'{9:9>65}'", "dec_12_2": "9999999999.99",
    "dec_15_6": "123456789.987654", "dec_38_10": "'1234567890123456789012345678.0123456789'",
    "dec_65_30": "'12345678901234567890123456789012345.123456789012345678901234567890'", "float_": "16777216",
    "double_": "5e-324", "bit1": "1", "bit8": "b'10100101'", "bit64": "18446744073709551615", "date_": "'9999-12-31'",
    "datetime_": "'2024-05-00 00:00:00'", "datetime6": "'9999-12-31 23:59:59.999999'",
    "timestamp_": "'2038-01-19 03:14:07'", "timestamp3": "'1970-01-01 00:00:01.123'", "time_": "'24:00:00'",
    "time6": "'23:59:59.999999'", "year_": "2155", "char_": "'ab'", "latin": "'é'", "varchar_": "'😀 ação \\0 \\n'",
    "collated": "'Ç'", "binary_": "'ab'", "varbinary_": "x'00ff'", "blob_": "x'deadbeef'",
    "longblob_": "REPEAT('x', 100000)", "tinytext_": "'t\\tt'", "longtext_": "REPEAT('ç', 70000)", "enum_": "'ç'",
    "set_": "'a,c'", "json_": "'{\"a\": [1, \"ç\"]}'", "geometry_": "ST_GeomFromText('POINT(1 2)')",
    "Preço (R$) `líquido`": "7", "9lead": "8", "select": "9", "hidden": "'here'",
}  # fmt: skip


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def random_row(generator: random.Random) -> dict[str, str]:
    digits = "".join(generator.choice("0123456789") for _ in range(60))
    seconds = generator.randrange(0, 90_000_000_000)
    start = dt.datetime(1900, 1, 1, tzinfo=UTC)
    sign = generator.choice(("", "-"))
    return {
        "dec_12_2": f"{sign}{digits[:10]}.{digits[10:12]}",
        "dec_15_6": f"{digits[:9]}.{digits[9:15]}",
        "dec_38_10": f"'{sign}{digits[:28]}.{digits[28:38]}'",
        "dec_65_30": f"'{sign}{digits[: generator.randrange(1, 35)]}.{digits[30:]}'",
        "float_": repr(generator.uniform(-1e6, 1e6)),
        "double_": repr(generator.uniform(-1e300, 1e300)),
        "big": str(generator.randrange(-(2**63), 2**63)),
        "datetime6": f"'{start + dt.timedelta(microseconds=seconds * 70_000):%Y-%m-%d %H:%M:%S.%f}'",
        "time6": f"'{dt.timedelta(microseconds=seconds)}'" if seconds < 86_400_000_000 else "'838:00:00'",
    }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("mariadb", marks=pytest.mark.integration),
        pytest.param("real_mysql", marks=pytest.mark.mysql),
    ],
)
def server(request: pytest.FixtureRequest) -> Iterator[MySqlServer]:
    server: MySqlServer = request.getfixturevalue(request.param)
    generator = random.Random(20260301)
    rows = [{}, LOWEST, HIGHEST, {"float_": "0.1"}, *(random_row(generator) for _ in range(RANDOM_ROWS))]
    with connected(server) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(f"DROP TABLE IF EXISTS {quoted(TABLE)}")
        columns = ", ".join(f"{quoted(name)} {declared}" for name, (declared, _, _) in COLUMNS.items())
        cursor.execute(f"CREATE TABLE {quoted(TABLE)} (Id int PRIMARY KEY, {columns}) CHARACTER SET utf8mb4")
        for number_, row in enumerate(rows):
            names = ", ".join(["Id", *map(quoted, row)])
            cursor.execute(f"INSERT INTO {quoted(TABLE)} ({names}) VALUES ({', '.join([str(number_), *row.values()])})")
        connection.commit()
    yield server
    with connected(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {quoted(TABLE)}")


def connected(server: MySqlServer) -> pymysql.connections.Connection:
    return pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.reader.database,
        charset="utf8mb4",
        ssl={"check_hostname": False},
    )


@pytest.fixture(scope="module")
def plain(server: MySqlServer) -> dict[int, dict[str, Any]]:
    """The rows as PyMySQL reads them. FLOAT by way of DOUBLE: MySQL prints it with six digits only."""
    names = ["Id", *COLUMNS]
    exprs = [f"CAST({quoted(n)} AS DOUBLE)" if n == "float_" else quoted(n) for n in names]
    with connected(server) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(f"SELECT {', '.join(exprs)} FROM {quoted(TABLE)}")
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


@pytest.fixture(scope="module", params=["0.3", "1.x"])
def copied(
    request: pytest.FixtureRequest, server: MySqlServer, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, pa.Table]:
    """The rows as the worker wrote them, in the order of their Id."""
    bucket, folder = s3.new_bucket(), tmp_path_factory.mktemp("types")
    document = harness.order(
        server, s3, bucket, folder / "spool", dialect=request.param, tables=harness.tables(TABLE), source={"tls": True}
    )
    outcome = harness.run(document)
    assert outcome.exit_code == 0, outcome
    files = outcome.one("table_done", TABLE)["files"]
    return request.param, harness.read(s3, bucket, files, folder).sort_by("Id")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_type_arrives_as_a_plain_client_reads_it(
    name: str, copied: tuple[str, pa.Table], plain: dict[int, dict[str, Any]]
):
    dialect, table = copied
    _, expected, new_type = COLUMNS[name]
    column = table.column(stored_column(name))
    values = column.to_pylist()
    if dialect == "0.3" and new_type in UNIONS:
        assert column.type == pa.struct([("member0", new_type), ("member1", pa.string())])
        values = [value and value["member0"] for value in values]
    else:
        assert column.type == new_type
    if expected is single:
        values = [single(value) for value in values]
    wanted = [expected(plain[number_][name]) for number_ in table.column("Id").to_pylist()]
    assert len(wanted) == RANDOM_ROWS + 4
    assert values == wanted


def test_every_column_is_there_in_order_between_the_metadata(copied: tuple[str, pa.Table]):
    dialect, table = copied
    data = ["Id", *map(stored_column, COLUMNS)]
    if dialect == "0.3":
        assert table.schema.names == ["_airbyte_ab_id", "_airbyte_emitted_at", *data, "_airbyte_additional_properties"]
    else:
        first = ["_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id"]
        assert table.schema.names == [*first, *data]
    assert "_9lead" in data
    assert "Preco__R____liquido_" in data


def test_what_the_new_dialect_cannot_hold_is_noted_beside_the_row(copied: tuple[str, pa.Table]):
    dialect, table = copied
    if dialect == "0.3":
        pytest.skip("the old dialect has no such column")
    changes = {
        row["Id"]: {change["field"]: change["reason"] for change in row["_airbyte_meta"]["changes"]}
        for row in table.select(["Id", "_airbyte_meta"]).to_pylist()
    }
    too_large, no_time = "DESTINATION_FIELD_SIZE_LIMITATION", "SOURCE_SERIALIZATION_ERROR"
    assert changes[0] == {}
    assert changes[1] == {"dec_65_0": too_large, "time_": no_time, "time6": no_time}
    assert changes[2] == {"big_u": too_large, "dec_65_0": too_large, "time_": no_time}
    assert {change["change"] for row in table.column("_airbyte_meta").to_pylist() for change in row["changes"]} == {
        "NULLED"
    }


def test_a_duration_that_is_no_time_of_day_is_text_in_the_old_dialect(copied: tuple[str, pa.Table]):
    dialect, table = copied
    if dialect != "0.3":
        pytest.skip("the new dialect has no member for it")
    rows = table.select(["time_", "time6"]).slice(0, 3).to_pylist()
    assert rows[0] == {"time_": None, "time6": None}
    assert rows[1]["time_"] == {"member0": None, "member1": "-838:59:59"}
    assert rows[1]["time6"] == {"member0": None, "member1": "-00:00:00.000001"}
    assert rows[2]["time_"] == {"member0": None, "member1": "24:00:00"}
    assert rows[2]["time6"] == {"member0": dt.time(23, 59, 59, 999999), "member1": None}


def test_a_float_is_the_decimal_a_person_wrote_and_not_its_binary_tail(copied: tuple[str, pa.Table]):
    _, table = copied
    assert table.column("float_").to_pylist()[1:4] == [-3.4e38, 16777216.0, 0.1]


def test_the_expectations_themselves_see_a_difference():
    assert number(Decimal("0.1")) == 0.1
    assert whole(Decimal(2**63)) is None
    assert flag(b"\x00") is False
    assert flag(-1) is False
    assert single(0.1) != single(0.1000001)
    assert time_of_day(dt.timedelta(days=1)) is None
