"""Wrong hosts, names and secrets: one clear sentence each, nothing green, no secret shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from radar_pipeline.local.ports import free_port
from radar_pipeline_tests.end_to_end.world import Outcome, World

# What is wrong here is wrong before any server is asked for more than its name.
pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("world", ["0.39"], indirect=True, scope="session")]

WRONG = "geheim-und-falsch"


def run_with(world: World, **settings: Any) -> Outcome:
    """A run of a new day with some settings changed."""
    day = world.new_day()
    changed = replace(world, settings=world.settings.model_copy(update=settings))
    return changed.run(day)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bucket": "no-such-bucket"}, ["no-such-bucket", "S3_BUCKET_NAME"]),
        ({"airbyte_host": "127.0.0.1", "airbyte_port": 1}, ["127.0.0.1:1", "cannot be reached"]),
        ({"airbyte_host": "airbyte.invalid"}, ["airbyte.invalid"]),
        ({"connection_id": "00000000-0000-0000-0000-000000000000"}, ["00000000-0000-0000-0000-000000000000"]),
        ({"airbyte_host": None}, ["AIRBYTE_SERVER_HOST is not set"]),
    ],
    ids=["bucket", "nobody listens", "no such host", "connection", "missing variable"],
)
def test_what_is_wrong_is_named_and_nothing_is_green(world: World, settings: dict[str, Any], words: list[str]) -> None:
    outcome = run_with(world, **settings)
    assert not outcome.success
    assert not outcome.green
    for word in words:
        assert word in (outcome.failure or ""), outcome.failure
    assert "Traceback" not in (outcome.failure or "")


def test_a_wrong_password_for_the_source_is_said_and_the_day_lands_without_its_counts(world: World) -> None:
    outcome = run_with(world, source_password=SecretStr(WRONG))
    said = "\n".join(outcome.lines)
    assert outcome.success, outcome.failure
    assert "could not be counted" in said
    assert "the password is wrong" in said
    assert WRONG not in said + str(outcome.failure)


def test_a_source_that_nobody_answers_for_is_said_and_the_day_lands_without_its_counts(world: World) -> None:
    outcome = run_with(world, source_port=free_port())
    assert outcome.success, outcome.failure
    assert "could not be counted" in "\n".join(outcome.lines)
