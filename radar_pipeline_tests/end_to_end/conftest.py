"""One small world for each era of the Airbyte server, started once for the test process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.local.airbyte import AirbyteServer
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.demo import seed
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import Program
from radar_pipeline.local.stack import LocalOptions, LocalStack
from radar_pipeline.local.state import PART_OF_PORT
from radar_pipeline.settings import load_settings
from radar_pipeline_tests.conftest import AWS_VENV, in_memory
from radar_pipeline_tests.end_to_end.world import ATTEMPTS, SETTINGS, World, small_registry, small_registry_text
from radar_pipeline_tests.servers import configure_dagster

# A real server makes up to 20 attempts, 10 s and more apart. A second is the least that its times can tell apart.
RETRY_PAUSE_SECONDS = 1.0


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """The world of an era, started when a test first asks for it and kept until the test process ends."""
    with ExitStack() as kept:

        @functools.cache
        def world_of(era: str) -> World:
            return kept.enter_context(started_world(tmp_path_factory.mktemp(f"world-{era}"), era))

        yield world_of


@pytest.fixture(scope="session", params=["0.39", "2.0"])
def world(request: pytest.FixtureRequest, worlds: Callable[[str], World]) -> Iterator[World]:
    """The stack of one era, seeded with a few tables, and a Dagster instance of its own."""
    world = worlds(request.param)
    with lived_in(world):
        yield world


@pytest.fixture(autouse=True)
def without_a_past(request: pytest.FixtureRequest) -> None:
    """A test knows no days but its own: what others left in the ledger would be the past that its tables follow."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world").forget()


@contextmanager
def started_world(folder: Path, era: str) -> Iterator[World]:
    """A world, from its start to its end."""
    registry = small_registry()
    registry_file = folder / "radar_tables.yaml"
    registry_file.write_text(small_registry_text(), encoding="utf-8")
    # Other test processes start stacks at the same time: each chooses ports of its own instead of the next free ones.
    ports = {part: free_port() for part in PART_OF_PORT}
    stack = LocalStack(folder / "local", LocalOptions(era=era, ports=ports, aws_venv=AWS_VENV))
    # Within, so that what a start that fails half-way has started is stopped too.
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AirbyteServer, "program", _retrying_soon(AirbyteServer.program))
            patch.setattr(AwsEndpoint, "program", in_memory(AwsEndpoint.program))
            stack.up(with_data=False)
        seed(stack.servers.admin, scale=0.02, registry=registry)
        world = _assemble(stack, registry_file, folder)
        world.admin.refresh_catalog()
        with world.instance:
            yield world
    finally:
        stack.down()


@contextmanager
def lived_in(world: World) -> Iterator[None]:
    """This process's environment is that of a world."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RADAR_ENV_FILE", "RADAR_TABLES_FILE", "DAGSTER_HOME"):
            patch.setenv(name, world.environment()[name])
        patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
        yield


def _retrying_soon(program: Callable[..., Program]) -> Callable[..., Program]:
    def faster(*args: Any, **named: Any) -> Program:
        made = program(*args, **named)
        options = ("--retry-pause", str(RETRY_PAUSE_SECONDS), "--max-attempts", str(ATTEMPTS))
        return replace(made, argv=(*made.argv, *options))

    return faster


def _assemble(stack: LocalStack, registry_file: Path, folder: Path) -> World:
    home = folder / "dagster"
    home.mkdir()
    configure_dagster(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADAR_ENV_FILE", str(stack.home.env))
        patch.setenv("RADAR_TABLES_FILE", str(registry_file))
        patch.setenv("DAGSTER_HOME", str(home))
        settings = load_settings(**SETTINGS)
        instance = dg.DagsterInstance.from_config(str(home))
    return World(stack, settings, small_registry(), instance, registry_file)
