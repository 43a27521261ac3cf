"""The error flow's other half: a real run with the fault switched on, and the alert that went out, on which channel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from radar_pipeline.local.drift import apply_drift, plan_drift, undo_drift
from radar_pipeline.local.mariadb import connect
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline_tests.end_to_end.proof import tables
from radar_pipeline_tests.end_to_end.watched import Watched
from radar_pipeline_tests.end_to_end.world import World

pytestmark = [
    pytest.mark.e2e,
    # What an alert says hangs on what a run found, which both eras are tested for elsewhere.
    pytest.mark.parametrize("world", ["2.0"], indirect=True, scope="session"),
]

TEAM, ALERTS = "#data-engineering", "#alerts"


@pytest.fixture
def watched(world: World, tmp_path: Path) -> Iterator[Watched]:
    world.new_day()
    watched = Watched(world, tmp_path / "alerts")
    watched.inbox.forget()
    watched.begin()
    yield watched
    watched.inbox.clear_faults()


@pytest.mark.parametrize(
    ("fault", "title", "runbook"),
    [
        ("mysql-refused", "MySQL refused the connection", "connection-timeout.md"),
        ("wrong-password", "MySQL denied access", "sync-failed.md"),
        ("s3-denied", "S3 denied access", "sync-failed.md"),
    ],
)
def test_an_end_that_cannot_be_used_is_an_error_in_alerts_and_by_mail(
    watched: Watched, fault: str, title: str, runbook: str
) -> None:
    day = watched.world.new_day()
    with watched.world.fault(fault):
        outcome = watched.run(day)
    assert not outcome.success
    assert watched.world.syncs_posted(day) == 0
    told = watched.told()
    assert set(told) == {ALERTS, "smtp"}
    assert [len(texts) for texts in told.values()] == [1, 1], "eighty tables follow from one cause: one alert"
    (mail,) = told["smtp"]
    assert mail.startswith(f"[local] ERROR: {day}: the run failed: {title}")
    assert "Likely cause:" in mail
    assert "Next step:" in mail
    assert runbook in mail
    watched.run(day)
    told = watched.told()
    assert any(text.startswith("[local] ") and "complete, 8 tables" in text for text in told[TEAM])
    assert any("Resolved at" in text for text in told[f"{ALERTS} thread"])
    assert any("Resolved at" in text for text in told["smtp"])


@pytest.mark.parametrize("fault", ["stream-fails", "upload-fails"])
def test_a_table_that_is_not_critical_is_a_warning_and_a_partial_success(watched: Watched, fault: str) -> None:
    watched.run(watched.world.new_day())
    watched.told()
    day = watched.world.new_day()
    with watched.world.fault(fault, table="menu", times=None):
        outcome = watched.run(day)
    assert outcome.success
    assert outcome.green == tables(watched.world) - {"menu"}
    told = watched.told()
    assert list(told) == [TEAM]
    (text,) = told[TEAM]
    assert text.startswith(f"[local] WARNING: {day}: partial success, without menu")
    (message,) = [each for each in watched.inbox.messages("slack") if each["text"] == text]
    for part in ("Likely cause", "|run>", "|Airbyte job ", "partial-success.md", "/assets/bronze_radar/menu|menu>"):
        assert part in str(message["blocks"])
    assert "no rows, 4 to 6 expected" in str(message["blocks"]), "menu had five rows the day before"
    watched.run(day)
    told = watched.told()
    assert set(told) == {TEAM, f"{TEAM} thread"}
    (complete,) = [each for each in watched.inbox.messages("slack") if f"{day}: complete, 8 tables" in each["text"]]
    assert f"{sum(watched.world.source_rows().values()):,}" in str(complete["blocks"])
    (answer,) = told[f"{TEAM} thread"]
    assert "Resolved at" in answer


def test_a_critical_table_pages_until_somebody_takes_it_and_its_end_is_told_where_it_was_told(
    watched: Watched,
) -> None:
    day = watched.world.new_day()
    with watched.world.fault("stream-fails", table="store", times=None):
        outcome = watched.run(day)
    assert not outcome.success
    accepted = {table.table for table in outcome.status.tables if table.is_accepted}
    assert accepted == tables(watched.world) - {"store"}, "what had landed complete stays and is accepted"
    told = watched.told()
    assert told["pagerduty"] == [f"trigger ingest/{day}"]
    assert set(told) == {"pagerduty", ALERTS}
    (text,) = told[ALERTS]
    assert text.startswith(f"[local] CRITICAL: {day}: the run failed")
    watched.later = dt.timedelta(minutes=14)
    watched.tick()
    assert watched.told() == {}
    (incident,) = watched.inbox.incidents()
    watched.inbox.acknowledge(incident["id"])
    watched.later = dt.timedelta(minutes=16)
    watched.tick()
    told = watched.told()
    assert "sns" not in told, "somebody took it: no emergency"
    watched.later = dt.timedelta()
    watched.run(day)
    told = watched.told()
    assert told["pagerduty"] == [f"resolve ingest/{day}"]
    assert any("Resolved at" in text for text in told[f"{ALERTS} thread"])
    assert [each["status"] for each in watched.inbox.incidents()] == ["resolved"]


def test_a_critical_alert_that_nobody_takes_in_a_quarter_of_an_hour_is_an_emergency(watched: Watched) -> None:
    day = watched.world.new_day()
    with watched.world.fault("half-written-table", table="store", times=None):
        watched.run(day, table_attempts=1)
    assert watched.told()["pagerduty"] == [f"trigger ingest/{day}"]
    watched.later = dt.timedelta(minutes=16)
    watched.tick()
    told = watched.told()
    assert told["pagerduty"] == [f"trigger ingest/{day}"]
    (message,) = told["sns"]
    assert message.startswith(f"RADAR (local) EMERGENCY: {day}")
    assert len(message) <= 160
    watched.tick()
    assert watched.told() == {}


def test_rows_that_are_lost_are_a_volume_anomaly_with_the_rows_expected_and_found(watched: Watched) -> None:
    world = watched.world
    watched.run(world.new_day())
    watched.told()
    day, rows = world.new_day(), world.source_rows()["menu"]
    with connect(world.stack.servers.admin) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT * FROM menu")
        cursor.execute("DELETE FROM menu ORDER BY Id DESC LIMIT %s", (rows // 2,))
        connection.commit()
    try:
        outcome = watched.run(day)
    finally:
        with connect(world.stack.servers.admin) as connection, connection.cursor() as cursor:
            cursor.execute("REPLACE INTO menu SELECT * FROM kept")
            cursor.execute("DROP TABLE kept")
            connection.commit()
    assert outcome.success
    assert world.source_rows()["menu"] == rows
    told = watched.told()
    assert list(told) == [TEAM]
    (message,) = [each for each in watched.inbox.messages("slack") if "WARNING" in each["text"]]
    assert f"WARNING: {day}: menu came with an unbelievable number of rows" in message["text"]
    assert f"{rows - rows // 2} rows" in str(message["blocks"])
    assert "expected" in str(message["blocks"])


def test_columns_of_a_critical_table_that_changed_page_with_the_hop_that_changed_them(watched: Watched) -> None:
    world, day = watched.world, watched.world.new_day()
    home, admin = world.stack.home, world.stack.servers.admin
    drift = plan_drift(admin, home.drift, table="store", change="lost")
    with world.fault("schema-drift", table="store", times=None):
        apply_drift(admin, home.drift, drift)
        try:
            outcome = watched.run(day)
        finally:
            undo_drift(admin, home.drift)
    assert outcome.success
    told = watched.told()
    assert told["pagerduty"] == [f"trigger ingest/{day}"]
    assert "store came with other columns than the registry states" in told[ALERTS][0]
    (incident,) = watched.inbox.incidents()
    assert "lost in MySQL" in str(incident)
    watched.run(day, force=True)
    assert watched.told()["pagerduty"] == [f"resolve ingest/{day}"]


def test_a_server_that_is_away_is_an_error_at_once_where_nobody_is_there_to_run_the_day_again(watched: Watched) -> None:
    day = watched.world.new_day()
    watched.run(day, airbyte_host="127.0.0.1", airbyte_port=1)
    told = watched.told()
    assert set(told) == {ALERTS, "smtp"}
    assert f"ERROR: {day}: the run failed: Airbyte" in told["smtp"][0]
    assert "the retry sensor is not at work" in told["smtp"][0]


def test_a_channel_that_is_down_holds_nothing_back_and_loses_nothing(watched: Watched) -> None:
    day = watched.world.new_day()
    watched.inbox.switch_on("slack", "error")
    with watched.world.fault("stream-fails", table="store", times=None):
        watched.world.run(day)
    report = watched.alerting.tick(watched.world.instance, standpoint=Standpoint.RUN)
    assert "slack" in " ".join(report.delivery.problems)
    assert watched.told() == {"pagerduty": [f"trigger ingest/{day}"]}
    watched.inbox.clear_faults()
    watched.later = dt.timedelta(minutes=10)
    watched.tick()
    assert [text[:17] for text in watched.told()[ALERTS]] == ["[local] CRITICAL:"]
    watched.world.run(day)


def test_no_secret_of_the_environment_is_in_anything_that_was_told(watched: Watched) -> None:
    day = watched.world.new_day()
    with watched.world.fault("wrong-password"):
        watched.run(day)
    arrived = str(watched.inbox.messages())
    secrets = watched.world.settings.secrets()
    assert f"ingest/{day}" in arrived
    assert len(secrets) >= 5
    assert not [secret for secret in secrets if secret in arrived]
