"""radar alerts and the last line of radar run, on a real instance with the alerts of a real failed run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from radar_pipeline.alerts.centre import AlertCentre
from radar_pipeline.cli import alerts as cli_alerts
from radar_pipeline.cli.alerts_told import alerts_told
from radar_pipeline.cli.main import main
from radar_pipeline.cli.platform import Platform
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.settings import Settings
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders, failing
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template
from radar_pipeline_tests.orchestration.ticking import beat, leave, sensor_state

__all__ = ["desk", "new_desk", "template"]

pytestmark = pytest.mark.integration

REFUSED = RunFailure(Diagnosis(Cause.MYSQL_REFUSED, FailureClass.SOURCE, "MySQL said no", "ask MySQL"))

Radar = Callable[..., Result]


def platform_of(desk: Desk, **settings: str) -> Platform:
    made = Settings(**{**desk.settings, **settings})  # type: ignore[arg-type]
    return Platform(made, REGISTRY, desk.clock)


@pytest.fixture
def radar(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Radar:
    """The command, on the desk's instance."""

    @contextmanager
    def instance() -> Iterator[dg.DagsterInstance]:
        yield desk.instance

    monkeypatch.setattr(cli_alerts, "load_platform", lambda: platform_of(desk))
    monkeypatch.setattr(cli_alerts, "dagster_instance", instance)
    monkeypatch.setattr(cli_alerts, "out", Console(width=200))

    def run(*arguments: str, status: int = 0) -> Result:
        monkeypatch.setattr(cli_alerts, "out", console := Console(width=200, file=StringIO()))
        result = CliRunner().invoke(main, ["alerts", *arguments])
        assert result.exit_code == status, result.output
        result.stdout_bytes += console.file.getvalue().encode()  # type: ignore[attr-defined]
        return result

    return run


@pytest.fixture
def failed(desk: Desk) -> str:
    """An open alert of today's failed run; its fingerprint."""
    desk.run(failing(REFUSED))
    desk.tick()
    return f"ingest/{desk.today}"


@pytest.fixture
def refused(desk: Desk) -> str:
    """Dead letters: Slack refuses a failure, and the next one is refused by mail too; the first one's fingerprint."""
    desk.inbox.client.switch_on("slack", "refuse")
    desk.run(failing(REFUSED))
    desk.tick()
    desk.inbox.client.switch_on("smtp", "refuse")
    desk.definitions.resolve_job_def("other_job").execute_in_process(instance=desk.instance, raise_on_error=False)
    desk.tick()
    return f"ingest/{desk.today}"


def dead(desk: Desk) -> list[str]:
    with desk.centre() as centre:
        return [letter.channel for letter in centre.dead_letters()]


def test_list_shows_what_is_open_and_what_is_dead(desk: Desk, radar: Radar, refused: str) -> None:
    shown = radar("list").stdout
    for words in ("ERROR", refused, "MySQL refused the connection", "open", "in the dead letters", "(invalid_auth)"):
        assert words in shown
    document = json.loads(radar("list", "--json").stdout)
    alert = next(each for each in document["alerts"] if each["fingerprint"] == refused)
    assert (alert["severity"], alert["ended"]) == ("ERROR", None)
    assert alert["deliveries"] == {"slack #alerts": "in the dead letters", "email": "delivered"}
    assert [letter["channel"] for letter in document["dead_letters"]] == ["slack #alerts", "slack #alerts", "email"]


def test_list_says_that_nothing_is_open(radar: Radar) -> None:
    assert "no alert is open" in radar("list").stdout


def test_an_alert_is_taken_by_somebody_and_only_an_open_one_can_be(radar: Radar, failed: str) -> None:
    assert f"Ana has taken {failed}" in radar("ack", failed, "--by", "Ana").stdout
    assert "taken by Ana" in radar("list").stdout
    assert f"open are: {failed}" in radar("ack", "ingest/1999-01-01", status=2).output


def test_silence_takes_a_time_and_a_reason(desk: Desk, radar: Radar) -> None:
    radar("silence", "ingest/", "--for", "4h", "--reason", "MySQL is moved", "--by", "Ana")
    with desk.centre() as centre:
        (silence,) = centre.silences(now=desk.clock())
    assert (silence.what, silence.who, silence.why) == ("ingest/", "Ana", "MySQL is moved")
    assert dt.timedelta(hours=3, minutes=59) < silence.until - desk.clock() <= dt.timedelta(hours=4)
    for bad in ("soon", "0m", "40d", "4"):
        assert "such as 30m" in radar("silence", "ingest/", "--for", bad, "--reason", "x", status=2).output
    assert "--reason" in radar("silence", "ingest/", "--for", "4h", "--reason", " ", status=2).output


@pytest.mark.parametrize("arrived", [True, False])
def test_test_reports_each_channel_and_fails_where_one_did_not_accept(desk: Desk, radar: Radar, arrived: bool) -> None:
    if not arrived:
        desk.inbox.client.switch_on("sns", "refuse")
    shown = radar("test", status=0 if arrived else 1).stdout
    assert "✓ slack #alerts: found there" in shown
    assert ("✓" if arrived else "✗") + " sms …0000: " in shown
    found = json.loads(radar("test", "--json", status=0 if arrived else 1).stdout)
    assert {each["channel"]: each["arrived"] for each in found} == {
        "email": True,
        "pagerduty": True,
        "slack #data-engineering": True,
        "slack #alerts": True,
        "sms …0000": arrived,
    }
    # Each time; PagerDuty's is over at once.
    assert desk.arrived() == {"smtp": 2, "pagerduty": 4, "slack": 4} | ({"sns": 2} if arrived else {})


def test_test_without_a_channel_cannot_be_carried_out(desk: Desk, radar: Radar) -> None:
    desk.settings = {"RADAR_ENV": "development"}
    assert "no channel is configured" in radar("test", status=2).output


def test_resend_of_nothing_says_so(radar: Radar) -> None:
    assert "there are no dead letters" in radar("resend").stdout


def test_resend_shows_first_where_that_is_asked_and_then_sends(desk: Desk, radar: Radar, refused: str) -> None:
    assert dead(desk) == ["slack #alerts", "slack #alerts", "email"]
    assert "3 would be sent" in radar("resend", "--dry-run").stdout
    assert len(dead(desk)) == 3
    desk.inbox.client.clear_faults()
    desk.inbox.client.switch_on("slack", "refuse")
    assert "1 of 3 were accepted" in radar("resend", status=1).stdout
    assert dead(desk) == ["slack #alerts", "slack #alerts"]
    desk.inbox.client.clear_faults()
    assert "2 of 2 were accepted" in radar("resend").stdout
    assert dead(desk) == []
    assert [line.partition(":")[0] for line in desk.told()] == [refused, "job/other_job"]


def test_resend_counts_what_was_accepted_though_something_else_died_meanwhile(desk: Desk, radar: Radar) -> None:
    desk.inbox.client.switch_on("smtp", "refuse")
    desk.run(failing(REFUSED))
    desk.tick()
    assert dead(desk) == ["email"]
    desk.inbox.client.clear_faults()
    desk.inbox.client.switch_on("slack", "refuse")
    # Mail takes it now. That mail works again is told where it was told that it did not: Slack refuses that.
    assert "1 of 1 were accepted" in radar("resend", status=1).stdout
    assert dead(desk) == ["slack #alerts"]


def test_watch_is_well_while_everything_ticks_and_says_what_does_not(desk: Desk, radar: Radar) -> None:
    beat(desk.instance, desk.clock())
    assert "everything goes on as it should" in radar("watch").stdout
    leave(desk.instance, sensor_state("alert_sensor"), desk.clock() - dt.timedelta(minutes=20))
    shown = radar("watch", status=1).stdout
    assert "ERROR The sensor alert_sensor does not tick" in shown
    assert any("watcher/alert_sensor" in line for line in desk.told())
    document = json.loads(radar("watch", "--json", status=1).stdout)
    assert [each["fingerprint"] for each in document["wrong"]] == ["watcher/alert_sensor"]
    assert document["well"] is False


def test_every_subcommand_explains_itself(radar: Radar) -> None:
    for name in ("list", "ack", "silence", "test", "resend", "watch"):
        assert len(radar(name, "--help").output.splitlines()) > 5


def told_by_a_run(platform: Platform, instance: dg.DagsterInstance, body: Callable[[], Any]) -> str:
    console = Console(width=200, file=StringIO())
    try:
        with alerts_told(platform, instance, console):
            body()
    except SystemExit:
        pass
    return console.file.getvalue().strip()  # type: ignore[attr-defined, no-any-return]


def test_the_very_first_run_tells_its_own_alert(new_desk: Desk) -> None:
    def fail() -> None:
        new_desk.run(failing(REFUSED))
        raise SystemExit(1)

    platform = platform_of(new_desk)
    assert told_by_a_run(platform, new_desk.instance, fail) == "alerts: 1 to email; 1 to slack #alerts"
    assert [line.partition(" ")[0] for line in new_desk.told()] == [f"ingest/{new_desk.today}:"]
    assert told_by_a_run(platform, new_desk.instance, lambda: None) == "alerts: nothing new to tell"


def test_a_run_on_the_local_stack_says_where_its_messages_are(new_desk: Desk) -> None:
    platform = platform_of(new_desk, RADAR_ENV="local")
    line = told_by_a_run(platform, new_desk.instance, lambda: new_desk.run(Orders()))
    assert line == f"alerts: 1 to slack #data-engineering; see them on {new_desk.inbox.url}/"


def test_alerts_that_cannot_be_told_are_said_and_stop_nothing(new_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def broken(*_args: Any, **_named: Any) -> None:
        message = "no space left"
        raise OSError(message)

    monkeypatch.setattr(AlertCentre, "record", broken)
    line = told_by_a_run(platform_of(new_desk), new_desk.instance, lambda: ran.append("it"))
    assert line == "alerts could not be told: no space left"
    assert ran == ["it"]
