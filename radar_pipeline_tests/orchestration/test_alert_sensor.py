"""The sensors on a real instance with real runs: what was told, that it is told once, and that nothing is lost."""

from __future__ import annotations

import datetime as dt
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.alerts.centre import AlertCentre
from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.judgement import Check
from radar_pipeline.domain.severity import Severity
from radar_pipeline.orchestration.dead_runs import PROCESS_TAG
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.run_facts import failure_of
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders, failing
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template
from radar_pipeline_tests.orchestration.test_dead_runs import tag_of_a_dead_process
from radar_pipeline_tests.orchestration.ticking import leave, sensor_state

__all__ = ["desk", "new_desk", "template"]

pytestmark = pytest.mark.integration


def cause(kind: FailureClass = FailureClass.SOURCE, cause: Cause = Cause.MYSQL_REFUSED, *missing: str) -> RunFailure:
    return RunFailure(Diagnosis(cause, kind, "MySQL said no", "ask MySQL"), missing)


PASSING = cause(FailureClass.TRANSIENT, Cause.AIRBYTE_UNREACHABLE)


def test_what_happened_before_the_first_tick_is_not_told(new_desk: Desk) -> None:
    desk = new_desk
    desk.run(failing(cause()))
    desk.tick()
    assert desk.told() == []
    desk.run(failing(cause()))
    desk.tick()
    assert desk.told() == [f"ingest/{desk.today}: ERROR: {desk.today}: the run failed: MySQL refused the connection"]


def test_a_failed_run_is_told_once_and_ends_when_the_day_is_well(desk: Desk) -> None:
    failed = desk.run(failing(cause()))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert (alert.kind, alert.severity) == (AlertKind.CONNECTION_TIMEOUT, Severity.ERROR)
    assert (alert.cause, alert.next_step) == ("MySQL said no", "ask MySQL")
    assert len(desk.told()) == 1
    assert "0 ends of runs" in desk.tick()
    assert desk.told() == []
    desk.run()
    desk.tick()
    good, ended = sorted(desk.told())
    assert good.startswith(f"complete/{desk.today}: ")
    assert ended.startswith(f"ingest/{desk.today}: RESOLVED: ")
    assert desk.open_alerts() == ()
    assert failed.run_id


def test_a_bad_day_and_the_good_one_after_it_that_are_read_in_one_go_are_over(desk: Desk) -> None:
    yesterday = (desk.clock().date() - dt.timedelta(days=1)).isoformat()
    desk.run(failing(cause()), day=yesterday)
    desk.run()
    desk.tick()
    told = desk.told()
    assert {line.split(": ")[0] for line in told} == {f"ingest/{yesterday}", f"complete/{desk.today}"}
    assert [line for line in told if line.startswith("ingest")][-1].startswith(f"ingest/{yesterday}: RESOLVED: ")
    assert desk.open_alerts() == ()


def test_checks_of_a_bad_day_that_is_over_do_not_tell_it_again(desk: Desk) -> None:
    yesterday = (desk.clock().date() - dt.timedelta(days=1)).isoformat()
    desk.run(failing(cause(), missing=("store",)), day=yesterday)
    desk.run()
    desk.tick()
    assert desk.open_alerts() == ()
    checks = {dg.AssetCheckKey(bronze_key(REGISTRY["menu"]), check) for check in Check}
    desk.run(day=yesterday, checks=checks)
    desk.told()
    desk.tick()
    assert desk.told() == []


def test_checks_alone_that_failed_are_over_when_the_day_is_run(desk: Desk) -> None:
    checks = {dg.AssetCheckKey(bronze_key(REGISTRY["menu"]), check) for check in Check}
    desk.run(Orders(words="S3 does not answer"), checks=checks)
    desk.tick()
    assert [alert.fingerprint for alert in desk.open_alerts()] == ["job/checks of bronze"]
    # It was no attempt to land the day, so nobody lands it again because of it.
    assert "no run of the day failed last" in desk.sensor("retry_sensor").skip_message
    desk.run()
    desk.tick()
    assert desk.open_alerts() == ()


def test_a_second_good_run_says_nothing(desk: Desk) -> None:
    desk.run()
    desk.tick()
    assert len(desk.told()) == 1
    desk.run()
    assert "1 ends of runs; 0 alerts raised" in desk.tick()
    assert desk.told() == []


def test_a_good_day_is_told_with_its_numbers_against_yesterdays(desk: Desk) -> None:
    yesterday = (desk.clock().date() - dt.timedelta(days=1)).isoformat()
    desk.run(Orders(rows=80), day=yesterday)
    desk.tick()
    assert desk.told() == []
    desk.run(Orders(rows=100))
    desk.tick()
    with desk.centre() as centre:
        (record,) = centre.records(since=desk.clock() - dt.timedelta(hours=1))
    assert record.alert.numbers["rows"] == "300 (+25.0% against the day before)"
    assert record.alert.numbers["Airbyte job"] == "7"
    assert [link.url for link in record.alert.links] == ["http://airbyte/jobs/7"]


def test_a_missing_critical_table_fails_the_day_critically(desk: Desk) -> None:
    desk.run(failing(cause(FailureClass.SOURCE, Cause.TABLE_FAILED, "store"), missing=("store", "menu")))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert alert.severity is Severity.CRITICAL
    assert [(table.name, table.critical, table.owner) for table in alert.tables] == [
        ("store", True, "team:stores"),
        ("menu", False, "team:content"),
    ]
    assert "store · landed: not well" in alert.tables[0].reason


def test_a_doubted_table_is_told_with_its_rows_and_ends_when_a_check_alone_finds_it_well(desk: Desk) -> None:
    desk.run(Orders(doubted={"menu": Check.VOLUME_WITHIN_BAND}, rows=80))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert (alert.kind, alert.severity) == (AlertKind.VOLUME_ANOMALY, Severity.WARNING)
    (table,) = alert.tables
    assert (table.name, table.rows_found, table.rows_expected) == ("menu", 80, (90, 110))
    desk.run(Orders(rows=80), checks={dg.AssetCheckKey(bronze_key(REGISTRY["menu"]), check) for check in Check})
    desk.tick()
    assert desk.open_alerts() == ()


def test_a_job_of_another_kind_that_fails_is_told_too(desk: Desk) -> None:
    desk.definitions.resolve_job_def("other_job").execute_in_process(instance=desk.instance, raise_on_error=False)
    desk.tick()
    assert desk.told() == ["job/other_job: ERROR: other_job failed"]


def test_a_run_whose_process_died_is_told_as_lost(desk: Desk) -> None:
    job = desk.definitions.resolve_job_def("ingest_bronze_job")
    run = desk.instance.create_run_for_job(
        job,
        tags={PROCESS_TAG: tag_of_a_dead_process(), "dagster/partition": desk.today},
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset(bronze_key(table) for table in REGISTRY.tables),
    )
    desk.tick()
    (alert,) = desk.open_alerts()
    assert alert.kind is AlertKind.RESOURCE_EXHAUSTED
    assert failure_of(desk.instance, run.run_id).diagnosis.failure_class is FailureClass.TRANSIENT


def test_what_a_failure_left_in_words_alone_is_told_in_these_words(desk: Desk) -> None:
    desk.run(Orders(words="the moon is full"))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert "the moon is full" in alert.cause


def test_an_alert_centre_that_breaks_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.run(failing(cause()))
    with monkeypatch.context() as patch:
        patch.setattr(AlertCentre, "record", broken)
        with pytest.raises(OSError, match="no space left"):
            desk.tick()
    desk.tick()
    assert len(desk.told()) == 1
    desk.tick()
    assert desk.told() == []


def broken(*_args: Any, **_named: Any) -> None:
    message = "no space left"
    raise OSError(message)


def test_the_failure_that_passes_is_run_again_at_its_time_and_only_the_last_is_final(desk: Desk) -> None:
    leave(desk.instance, sensor_state("retry_sensor"), desk.clock())
    desk.run(failing(PASSING))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert alert.severity is Severity.WARNING
    assert alert.attempt.startswith("attempt 1 of 3, the next at ")
    assert "attempt 1 of 3" in desk.sensor("retry_sensor").skip_message
    desk.offset += dt.timedelta(seconds=61)
    (request,) = desk.sensor("retry_sensor").run_requests
    assert request.partition_key == desk.today
    assert request.run_key == f"{desk.today}/2"
    assert request.tags["radar/attempt"] == "2"
    for _ in (2, 3):
        desk.run(failing(PASSING))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert (alert.severity, alert.attempt) == (Severity.ERROR, "attempt 3 of 3, it was the last")
    assert desk.sensor("retry_sensor").run_requests == []


def test_while_the_retry_sensor_is_off_no_next_attempt_is_promised(desk: Desk) -> None:
    leave(desk.instance, sensor_state("retry_sensor", on=False))
    desk.run(failing(PASSING))
    desk.tick()
    (alert,) = desk.open_alerts()
    assert alert.severity is Severity.ERROR


def test_what_will_not_pass_is_not_run_again(desk: Desk) -> None:
    desk.run(failing(cause()))
    assert "would not help" in desk.sensor("retry_sensor").skip_message


def test_a_heart_that_beats_is_heard_and_one_that_cannot_stops_nothing(desk: Desk) -> None:
    beats: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            beats.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        desk.settings["RADAR_HEARTBEAT_URL"] = f"http://127.0.0.1:{server.server_port}/ping"
        desk.tick()
        assert beats == ["/ping"]
        server.shutdown()
    assert "the heartbeat could not be sent (ConnectionError)" in desk.tick()
