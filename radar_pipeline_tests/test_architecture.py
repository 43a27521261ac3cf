"""The house rules that a reader cannot see at a glance: arrows between rooms, and loading without I/O."""

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "radar_pipeline"

# What each room may import of the others. Whatever is not listed is a wrong arrow.
ALLOWED = {
    "domain": set(),
    "tables": {"domain"},
    "airbyte": {"domain", "tables"},
    "lake": {"domain", "tables"},
    "source": {"domain", "tables"},
    "alerts": {"domain", "tables"},
    "settings": set(),
    "orchestration": {"domain", "tables", "airbyte", "lake", "source", "alerts", "settings"},
    "build": {"orchestration", "settings", "tables"},
    "definitions": {"build", "settings"},
    "local": {"domain", "tables", "airbyte", "lake", "source", "alerts", "settings", "orchestration", "build"},
    "cli": {"domain", "tables", "airbyte", "lake", "source", "alerts", "settings", "orchestration", "build", "local"},
}
OUTSIDE_WORLD = {"dagster", "boto3", "botocore", "obstore", "requests", "pymysql", "pyarrow", "duckdb", "os", "time"}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= (
                {node.module or ""}
                if node.module != "radar_pipeline"
                else {f"radar_pipeline.{a.name}" for a in node.names}
            )
    return frozenset(found)


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_arrows_between_rooms_point_one_way() -> None:
    wrong = {}
    for path in MODULES:
        rooms = {name.split(".")[1] for name in imports(path) if name.startswith("radar_pipeline.")}
        if arrows := rooms - {room(path)} - ALLOWED[room(path)]:
            wrong[str(path.relative_to(PACKAGE))] = arrows
    assert wrong == {}, "these modules import of rooms that theirs must not know"


def test_only_orchestration_build_and_cli_know_dagster() -> None:
    knowing = {room(path) for path in MODULES if any(name.startswith("dagster") for name in packages(path))}
    assert knowing == {"orchestration", "build", "cli"}


def test_the_domain_knows_nothing_of_the_outside_world() -> None:
    domain = [path for path in MODULES if room(path) == "domain"]
    assert len(domain) > 20
    assert {path.name: packages(path) & OUTSIDE_WORLD for path in domain if packages(path) & OUTSIDE_WORLD} == {}
    assert [path.name for path in domain if "now()" in path.read_text()] == [], "time is a parameter"


def test_only_settings_and_the_local_stack_read_the_environment() -> None:
    reading = {
        room(path)
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert reading == {"settings", "local"}


def test_no_module_is_longer_than_a_room() -> None:
    assert {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 360} == {}


def test_every_package_opens_with_its_charter() -> None:
    for init in PACKAGE.rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(init.read_text())) or ""
        assert len(text.splitlines()) >= 3, f"{init} says too little of what belongs there"


LOAD = """
import socket
def refuse(*_args, **_kwargs):
    raise AssertionError("loading definitions opened a socket")
socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
from radar_pipeline.definitions import defs
repository = defs.get_repository_def()
graph = repository.asset_graph
bronze = [key for key in graph.materializable_asset_keys if key.path[0] == "bronze_radar"]
# The four of its own run, and that it is catalogued.
assert len([key for key in graph.asset_check_keys if key.asset_key in bronze]) == 5 * len(bronze) > 400
print(len(bronze))
"""


def test_definitions_load_with_sockets_blocked_and_an_empty_environment(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "85"
