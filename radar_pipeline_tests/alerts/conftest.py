"""One set of servers for the tests of this room; each test finds it empty and well-behaved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from radar_pipeline_tests.alerts.servers import World, running


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("inbox")) as world:
        yield world


@pytest.fixture
def world(started: World) -> World:
    for each in (started.messages, started.reactions, started.events, started.mails, started.texts, started.calls):
        each.clear()
    for each in (started.faults, started.refusals, started.taken):
        each.clear()
    return started
