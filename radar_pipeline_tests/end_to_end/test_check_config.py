"""`radar check-config --connect`: each system answers, or is named with what is wrong and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from radar_pipeline.cli.main import main
from radar_pipeline.local.ports import free_port
from radar_pipeline_tests.end_to_end.world import NEW, OLD, World, small_registry_text

pytestmark = pytest.mark.e2e

WRONG = "geheim-und-falsch"

WHO = [
    "bucket",
    "source",
    "Glue",
    "Athena",
    "Airbyte",
    "Airbyte's connection",
    "Airbyte's source",
    "Airbyte's destination",
]


def check(world: World, *options: str, **environment: str) -> Result:
    assert world.registry_file.is_file()
    return CliRunner().invoke(main, ["check-config", "--connect", *options], env=environment)


def answers(world: World, status: int, **environment: str) -> dict[str, list[str]]:
    result = check(world, "--json", **environment)
    assert result.exit_code == status, result.output
    document: dict[str, list[str]] = json.loads(result.stdout)
    assert WRONG not in result.output
    return document


def test_every_system_answers_in_one_line(world: World) -> None:
    result = check(world)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for who in WHO:
        assert sum(line.startswith(f"· {who}: ") for line in lines) == 1, result.stdout
    assert lines[-1] == "✓ the configuration is usable"


@pytest.mark.parametrize(
    ("variable", "value", "who", "words"),
    [
        ("S3_BUCKET_NAME", "no-such-bucket", "bucket", ["no-such-bucket", "S3_BUCKET_NAME"]),
        ("RADAR_PASS", WRONG, "source", ["the password is wrong"]),
        ("RADAR_DATABASE", "no_such", "source", ["no_such", "GRANT SELECT"]),
        ("RADAR_ATHENA_WORKGROUP", "no-such", "Athena", ["no-such", "RADAR_ATHENA_WORKGROUP"]),
        ("RADAR_GLUE_ENDPOINT_URL", "http://127.0.0.1:9", "Glue", ["127.0.0.1:9", "RADAR_GLUE_ENDPOINT_URL"]),
        ("AIRBYTE_SERVER_PORT", None, "Airbyte", ["cannot be reached"]),
        ("RADAR_CONNECTION_ID", "00000000-0000-0000-0000-000000000000", "Airbyte", ["00000000-0000-0000"]),
    ],
)
@OLD
def test_what_is_wrong_is_named_and_the_others_are_asked_nevertheless(
    world: World, variable: str, value: str | None, who: str, words: list[str]
) -> None:
    found = answers(world, 2, **{variable: value or str(free_port())})
    (problem,) = found["problems"]
    assert problem.startswith(f"{who}: ")
    for word in words:
        assert word in problem
    for other in {"bucket", "source", "Airbyte", "Glue", "Athena"} - {who}:
        assert any(note.startswith(f"{other}: ") for note in found["notes"])


@NEW
def test_a_table_that_the_connection_does_not_sync_is_named(world: World, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    text = small_registry_text()
    head, _, tables = text.partition("tables:\n")
    area = next(line for line in tables.splitlines() if line.strip().startswith("area:"))
    file.write_text(f"{head}tables:\n  brand_new:\n{area}\n    primary_key: Id\n{tables}", encoding="utf-8")
    (problem,) = answers(world, 2, RADAR_TABLES_FILE=str(file))["problems"]
    assert problem.startswith(
        f"Airbyte's connection: it does not sync 1 of the registry's {len(world.registry.names) + 1}"
    )
    assert "(brand_new)" in problem
    assert "refresh its source schema" in problem


def test_a_source_and_a_destination_that_airbyte_itself_cannot_use_are_named(world: World) -> None:
    with world.fault("s3-denied", times=None), world.fault("wrong-password", times=None):
        problems = answers(world, 2)["problems"]
    assert [problem.partition(":")[0] for problem in problems] == ["Airbyte's source", "Airbyte's destination"]
    assert "Access denied" in problems[0]
    assert all("Mend its settings in Airbyte" in problem for problem in problems)


@OLD
def test_a_source_that_this_environment_does_not_reach_is_not_asked(world: World, tmp_path: Path) -> None:
    lines = world.stack.home.env.read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "env"
    file.write_text("".join(line for line in lines if not line.startswith(("RADAR_HOST", "RADAR_PASS"))))
    found = answers(world, 0, RADAR_ENV_FILE=str(file))
    assert not any(note.startswith("source: ") for note in found["notes"])
    assert any("RADAR_HOST is not set" in note for note in found["notes"])


@OLD
def test_no_server_is_asked_while_the_configuration_itself_is_wrong(world: World) -> None:
    found = answers(world, 2, AIRBYTE_SERVER_PORT="no-port")
    assert all("AIRBYTE_SERVER_PORT" in problem for problem in found["problems"])
    assert not any(note.startswith("bucket: ") for note in found["notes"])
