"""The registry file: what it holds, and what the loader says about each way of getting it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from radar_pipeline.tables.loader import DEFAULT_PATH, RegistryError, load_registry, parse_registry
from radar_pipeline.tables.model import ColumnContract, LoadMode

HEAD = "areas:\n  stores: team:stores\ntables:\n"

DOCUMENTED = [
    "store",
    "store_metrics",
    "brand_metrics_average",
    "economic_group",
    "store_general_strategy",
    "store_document",
    "store_distributor",
    "store_import",
    "user_access",
    "user_store",
    "user_document",
    "user_terms",
    "user_permission",
    "role_permission",
    "login",
    "product",
    "product_ean",
    "product_pbm",
    "product_category",
    "product_export",
    "contest",
    "contest_objective",
    "contest_score",
    "contest_ganhadores",
    "objectives",
    "voucher",
    "document_request",
    "legal_terms_users",
    "distributor",
    "distributor_user",
    "menu",
    "lives",
    "transacoes",
    "performance_indicators",
    "dashboard_data",
]


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(RegistryError) as caught:
        parse_registry(text, "f.yaml")
    return caught.value.problems


def test_the_registry_has_85_tables_and_all_documented_ones() -> None:
    registry = load_registry()
    assert len(registry.tables) == 85
    assert set(DOCUMENTED) <= set(registry.names)
    assert registry.path == DEFAULT_PATH


def test_the_critical_tables_are_the_documented_ones() -> None:
    critical = {table.name for table in load_registry().tables if table.critical}
    assert critical == {"store", "store_metrics", "brand_metrics_average", "user_access", "product"}


def test_the_documented_facts_of_store_login_and_the_keyless_tables_hold() -> None:
    registry = load_registry()
    assert registry["store"].volume_limit == 0.05
    assert {column.name for column in registry["store"].columns if column.mandatory} >= {"Id", "Name", "Status"}
    secrets = {column.name for column in registry["login"].columns if column.secret}
    assert secrets == {"Password", "Recovery_Id", "Refresh_Token"}
    assert registry["user_access"].primary_key == ("Id_User",)
    assert {table.name for table in registry.tables if not table.primary_key} == {"contest_score", "contest_ganhadores"}
    assert {table.name for table in registry.tables if table.may_be_empty} == {"store_closure_request"}
    assert all(column.type.startswith("varchar") for column in registry["brand_metrics_average"].columns[2:])


def test_every_asset_name_is_one_that_dagster_takes() -> None:
    registry = load_registry()
    names = [table.asset_name for table in registry.tables]
    assert len(set(names)) == len(names)
    assert registry["promoção"].asset_name == "promocao"
    assert all(name.isascii() and name.isidentifier() for name in names)


def test_everything_that_can_be_said_of_a_table_is_read() -> None:
    table = parse_registry(
        "defaults:\n  load: incremental\n  volume_limit: 0.3\n" + HEAD + "  order items:\n    area: stores\n"
        "    owner: ana@example.com\n    description: Lines, of orders.\n    primary_key: [B, A]\n    critical: yes\n"
        "    may_be_empty: true\n    load: full\n    volume_limit: 1\n    asset: lines\n    columns:\n"
        "      A: int(11) unsigned mandatory\n      B: enum('a  b', 'mandatory') personal secret\n      No: json\n",
        "f.yaml",
    )["order items"]
    assert table.owner == "ana@example.com"
    assert table.primary_key == ("B", "A")
    assert table.critical
    assert table.may_be_empty
    assert table.load is LoadMode.FULL
    assert table.volume_limit == 1
    assert table.asset_name == "lines"
    assert table.columns == (
        ColumnContract("A", "int(11) unsigned", mandatory=True),
        ColumnContract("B", "enum('a  b', 'mandatory')", personal=True, secret=True),
        ColumnContract("No", "json"),
    )


def test_defaults_and_the_owner_of_the_area_apply_where_a_table_says_nothing() -> None:
    text = "defaults:\n  load: incremental\n  volume_limit: 0.3\n" + HEAD + "  t:\n    area: stores\n"
    table = parse_registry(text, "f.yaml")["t"]
    assert (table.owner, table.load, table.volume_limit) == ("team:stores", LoadMode.INCREMENTAL, 0.3)
    assert table.columns == ()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("    volume_limit: 5%\n", 'f.yaml:6: table "store": volume_limit must be between 0 and 1, found "5%"'),
        ("    volume_limit: -0.1\n", 'f.yaml:6: table "store": volume_limit must be between 0 and 1, found "-0.1"'),
        ("    volume_limit: .nan\n", 'f.yaml:6: table "store": volume_limit must be between 0 and 1, found ".nan"'),
        ("    critical: maybe\n", 'f.yaml:6: table "store": critical must be true or false, found "maybe"'),
        ("    critical: 'true'\n", 'f.yaml:6: table "store": critical must be true or false, found "true"'),
        ("    critical: [true]\n", 'f.yaml:6: table "store": critical must be true or false, found a list'),
        ("    load: all\n", 'f.yaml:6: table "store": load must be full or incremental, found "all"'),
        ("    owner: ana\n", 'owner must be "team:name" or an e-mail address, found "ana"'),
        ("    owner: 'team:'\n", 'owner must be "team:name" or an e-mail address, found "team:"'),
        (
            "    kritical: true\n",
            'f.yaml:6: table "store": unknown key "kritical" in a table; did you mean "critical"?',
        ),
        ("    area: store\n", 'table "store": "area" is in a table twice, first on line 5'),
        ("    asset: a b\n", 'asset must be letters, digits and _ only (a Dagster name), found "a b"'),
        ("    columns: [a]\n", "columns must be lines of 'name: value', found a list"),
        ("    columns:\n      Id: int\n      Id: int\n", '"Id" is in columns twice, first on line 7'),
        ("    columns:\n      Id: int madatory\n", 'unknown flag "madatory"; did you mean "mandatory"?'),
        ("    columns:\n      Id: varchr(20)\n", '"varchr(20)" is no MySQL type; expected a MySQL type, then any of'),
        ("    columns:\n      Id: secret\n", "the type is missing; expected a MySQL type, then any of"),
        ("    columns:\n      Id: int secret secret\n", "a flag is there twice"),
        ("    columns:\n      Id: {}\n", "a column must be text, found a mapping"),
        (
            "    primary_key: Idd\n    columns:\n      Id: int\n",
            'f.yaml:6: table "store": primary_key column "Idd" is not under columns; did you mean "Id"?',
        ),
        ("    primary_key: [A, A]\n", 'primary_key names "A" twice'),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(lines: str, expected: str) -> None:
    found = problems(HEAD + "  store:\n    area: stores\n" + lines)
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("f.yaml:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml: is empty; expected the sections defaults, areas, tables"),
        ("# nothing\n", "f.yaml: is empty; expected the sections"),
        ("- a\n", "f.yaml:1: the file must be lines of 'name: value', found a list"),
        ("tables:\n", "f.yaml:1: no table is listed under 'tables'"),
        ("areas:\n  a: team:x\ntabels: {}\n", 'f.yaml:3: unknown key "tabels" in the file; did you mean "tables"?'),
        ("areas:\n  a: team:x\n   b: c\n", "f.yaml:3: not readable as YAML: mapping values are not allowed"),
        ("tables:\n\ta: 1\n", "f.yaml:2: not readable as YAML: found character that cannot start any token"),
        ("a: [1\n", "f.yaml:2: not readable as YAML"),
        ("a: x\nb: \x00\n", "f.yaml:2: not readable as YAML: a character that text must not hold"),
        ("a: 1\n---\nb: 2\n", "not readable as YAML"),
        (HEAD + "  t:\n    area: store\n", 'area "store" is not under areas; did you mean "stores"?'),
        (HEAD + "  t:\n", 'f.yaml:4: table "t": area is missing; known: stores'),
        (HEAD + '  "":\n    area: stores\n', "a name must not be empty"),
        (HEAD + f"  {'x' * 65}:\n    area: stores\n", "at most 64 printable characters"),
        ("areas:\n  a b: team:x\ntables:\n  t:\n    area: a b\n", 'area "a b": a name of up to 63 letters'),
        (
            HEAD + "  a_b:\n    area: stores\n  a-b:\n    area: stores\n",
            'f.yaml:6: table "a-b": its asset would be called "a_b", as that of table "a_b"; give one of them an',
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert expected in found[0]


def test_all_mistakes_are_named_at_once_and_in_file_order() -> None:
    found = problems(HEAD + "  a:\n    area: x1\n    critical: 7\n  b:\n    area: stores\n    load: none\n")
    assert [line.split(":")[1] for line in found] == ["5", "6", "9"]


def test_a_flood_of_mistakes_is_cut_short() -> None:
    text = HEAD + "".join(f"  t{i}:\n    area: nowhere\n" for i in range(100))
    with pytest.raises(RegistryError) as caught:
        parse_registry(text, "f.yaml")
    assert len(caught.value.problems) == 100
    assert str(caught.value).endswith("and 60 more mistakes")


def test_a_file_that_is_missing_unreadable_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        load_registry(tmp_path / "gone.yaml")
    with pytest.raises(RegistryError, match=r"cannot be read: Is a directory"):
        load_registry(tmp_path)
    (tmp_path / "latin1.yaml").write_bytes("tables: promoção".encode("latin-1"))
    with pytest.raises(RegistryError, match=r"latin1\.yaml: cannot be read: byte 13 is not UTF-8 text"):
        load_registry(tmp_path / "latin1.yaml")


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + "  t:\n    area: stores\n").replace("\n", "\r\n").encode())
    assert load_registry(path).names == ("t",)
