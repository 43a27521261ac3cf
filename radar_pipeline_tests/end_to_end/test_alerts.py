"""What real runs against the local stack are worth: a table that is missing, a day that is well again."""

from __future__ import annotations

from pathlib import Path

import pytest

from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.severity import Severity
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline_tests.end_to_end.world import World
from radar_pipeline_tests.filed_alerts import FiledCentre, filed

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("world", ["2.0"], indirect=True)
def test_a_missing_table_is_told_with_its_reason_and_the_day_that_is_well_again_with_its_numbers(
    world: World, tmp_path: Path
) -> None:
    centre = FiledCentre(tmp_path / "alerts")
    day = world.new_day()
    alerting = Alerting(world.settings, world.registry, world.clock, filed(centre.path), shift=world.offset)
    alerting.begin(world.instance)
    with world.fault("stream-fails", table="menu", times=None):
        outcome = world.run(day)
    alerting.tick(world.instance, standpoint=Standpoint.RUN)
    (alert,) = centre.open_alerts()
    assert (alert.fingerprint, alert.severity) == (f"ingest/{day}", Severity.WARNING)
    assert alert.kind is AlertKind.PARTIAL_SUCCESS
    (table,) = alert.tables
    assert (table.name, table.critical, table.owner) == ("menu", False, world.registry["menu"].owner)
    assert table.reason == outcome.reason("menu", "landed")
    world.run(day)
    alerting.tick(world.instance, standpoint=Standpoint.RUN)
    assert centre.open_alerts() == ()
    complete = centre.state.records[f"complete/{day}"].alert
    rows = sum(world.source_rows().values())
    assert complete.numbers["rows"].startswith(f"{rows:,}")
    assert complete.numbers["tables"].startswith(str(len(world.registry.tables)))
    assert complete.numbers["Airbyte job"] == str(world.syncs(day)[0].id)
