"""When the day's retention run is asked for, on a real instance with real days."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from radar_pipeline.build import build_definitions
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.retention_sensor import LATEST
from radar_pipeline.settings import Settings
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders
from radar_pipeline_tests.orchestration.desk import Desk, new_desk, template

__all__ = ["new_desk", "template"]

pytestmark = pytest.mark.integration


def evaluate(desk: Desk, cursor: str | None = None) -> tuple[dg.RunRequest | None, str | None, str]:
    """What one tick asks for, the cursor that it leaves, and why it asks for nothing."""
    repository = build_definitions(
        Settings(**desk.settings),  # type: ignore[arg-type]
        registry=REGISTRY,
        clock=desk.clock,
    ).get_repository_def()
    context = dg.build_sensor_context(desk.instance, cursor=cursor, repository_def=repository)
    found = repository.get_sensor_def("retention_sensor").evaluate_tick(context)
    return (found.run_requests or [None])[0], found.cursor, found.skip_message or ""


def at(desk: Desk, hour: int, minute: int = 0) -> None:
    """Moves the desk's clock to a time of today."""
    wanted = dt.datetime.combine(dt.datetime.now(dt.UTC).date(), dt.time(hour, minute), dt.UTC)
    desk.offset = wanted - dt.datetime.now(dt.UTC)


def test_the_run_comes_after_the_accepted_day_and_once(new_desk: Desk) -> None:
    desk = new_desk
    at(desk, 2, 30)
    request, cursor, why = evaluate(desk)
    assert request is None
    assert "waits for the day's bronze" in why
    # A day of which a table is missing, or doubted, is not accepted.
    desk.run(Orders(missing=("menu",)))
    assert evaluate(desk)[0] is None
    desk.run(Orders(doubted={"store": Check.VOLUME_WITHIN_BAND}))
    assert evaluate(desk)[0] is None
    desk.run()
    request, cursor, _ = evaluate(desk)
    assert request is not None
    assert (request.run_key, request.tags["radar/why"], cursor) == (desk.today, "bronze accepted", desk.today)
    assert "was asked for" in evaluate(desk, cursor)[2]
    # A daemon that lost the cursor asks again for the same run, which Dagster knows by its key.
    again, _, _ = evaluate(desk)
    assert again is not None
    assert again.run_key == request.run_key


def test_from_noon_on_it_comes_without_bronze_and_the_next_day_again(new_desk: Desk) -> None:
    desk = new_desk
    at(desk, LATEST.hour - 1, 59)
    assert evaluate(desk)[0] is None
    at(desk, LATEST.hour)
    request, cursor, _ = evaluate(desk)
    assert request is not None
    assert (request.run_key, request.tags["radar/why"]) == (desk.today, "no bronze")
    desk.offset += dt.timedelta(days=1)
    tomorrow, _, _ = evaluate(desk, cursor)
    assert tomorrow is not None
    assert tomorrow.run_key == desk.today != request.run_key
