"""radar alerts and the last line of radar run, on a real instance with the alerts of a real failed run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from radar_pipeline.alerts.centre import ChannelTest
from radar_pipeline.cli import alerts as cli_alerts
from radar_pipeline.cli.alerts_told import alerts_told
from radar_pipeline.cli.main import main
from radar_pipeline.cli.platform import Platform
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.settings import Settings
from radar_pipeline_tests.filed_alerts import FiledCentre, filed
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders, failing
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template
from radar_pipeline_tests.orchestration.ticking import beat, leave, sensor_state

__all__ = ["desk", "new_desk", "template"]

REFUSED = RunFailure(Diagnosis(Cause.MYSQL_REFUSED, FailureClass.SOURCE, "MySQL said no", "ask MySQL"))
FOUR = dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC)


def letter(channel: str) -> Any:
    """What the command reads of a dead letter."""
    return SimpleNamespace(
        channel=channel, fingerprint="ingest/2026-11-24", title="the run failed", at=FOUR, problem="it is away"
    )


LETTERS = [letter("email"), letter("sms")]

Radar = Callable[..., Result]


def platform_of(desk: Desk, **settings: str) -> Platform:
    made = Settings(**{"RADAR_ENV": "development", **settings})  # type: ignore[arg-type]
    return Platform(made, REGISTRY, desk.clock, filed(desk.centre.path))


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


def test_list_shows_what_is_open_and_what_is_dead(desk: Desk, radar: Radar, failed: str) -> None:
    state = desk.centre.state
    state.dead = list(LETTERS)
    desk.centre.save(state)
    shown = radar("list").stdout
    for words in ("ERROR", failed, "MySQL refused the connection", "open", "dead letters", "it is away"):
        assert words in shown
    document = json.loads(radar("list", "--json").stdout)
    (alert,) = document["alerts"]
    assert (alert["fingerprint"], alert["severity"], alert["ended"]) == (failed, "ERROR", None)
    assert [letter["channel"] for letter in document["dead_letters"]] == ["email", "sms"]


def test_list_says_that_nothing_is_open(radar: Radar) -> None:
    assert "no alert is open" in radar("list").stdout


def test_an_alert_is_taken_by_somebody_and_only_an_open_one_can_be(radar: Radar, failed: str) -> None:
    assert f"Ana has taken {failed}" in radar("ack", failed, "--by", "Ana").stdout
    assert "taken by Ana" in radar("list").stdout
    assert f"open are: {failed}" in radar("ack", "ingest/1999-01-01", status=2).output


def test_silence_takes_a_time_and_a_reason(desk: Desk, radar: Radar) -> None:
    radar("silence", "ingest/", "--for", "4h", "--reason", "MySQL is moved", "--by", "Ana")
    assert desk.centre.state.silences == ["ingest/ for 4:00:00 by Ana: MySQL is moved"]
    for bad in ("soon", "0m", "40d", "4"):
        assert "such as 30m" in radar("silence", "ingest/", "--for", bad, "--reason", "x", status=2).output
    assert "--reason" in radar("silence", "ingest/", "--for", "4h", "--reason", " ", status=2).output


@pytest.mark.parametrize("arrived", [True, False])
def test_test_reports_each_channel_and_fails_where_one_did_not_accept(
    radar: Radar, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    results = [ChannelTest("slack", arrived=True, words="accepted"), ChannelTest("sms", arrived, "we shall see")]
    monkeypatch.setattr(FiledCentre, "test", lambda *_args, **_named: results)
    shown = radar("test", status=0 if arrived else 1).stdout
    assert "slack: accepted" in shown
    assert "sms: we shall see" in shown
    found: Sequence[Any] = json.loads(radar("test", "--json", status=0 if arrived else 1).stdout)
    assert [each["arrived"] for each in found] == [True, arrived]


def test_test_without_a_channel_cannot_be_carried_out(radar: Radar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FiledCentre, "test", lambda *_args, **_named: [])
    assert "no channel is configured" in radar("test", status=2).output


def test_resend_shows_first_where_that_is_asked_and_then_sends(desk: Desk, radar: Radar) -> None:
    assert "there are no dead letters" in radar("resend").stdout
    state = desk.centre.state
    state.dead = list(LETTERS)
    desk.centre.save(state)
    assert "2 would be sent" in radar("resend", "--dry-run").stdout
    assert len(desk.centre.dead_letters()) == 2
    assert "1 of 2 were accepted" in radar("resend", status=1).stdout
    assert [letter.channel for letter in desk.centre.dead_letters()] == ["sms"]


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
    assert told_by_a_run(platform, new_desk.instance, fail) == "alerts: 1 to file"
    assert [line.partition(":")[0] for line in new_desk.told()] == [f"ERROR ingest/{new_desk.today}"]
    assert told_by_a_run(platform, new_desk.instance, lambda: None) == "alerts: nothing new to tell"


def test_a_run_on_the_local_stack_says_where_its_messages_are(new_desk: Desk) -> None:
    platform = platform_of(new_desk, RADAR_ENV="local", RADAR_SLACK_API_URL="http://127.0.0.1:4321/slack/api/")
    line = told_by_a_run(platform, new_desk.instance, lambda: new_desk.run(Orders()))
    assert line == "alerts: 1 to file; see them on http://127.0.0.1:4321/"


def test_alerts_that_cannot_be_told_are_said_and_stop_nothing(new_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def broken(*_args: Any, **_named: Any) -> None:
        message = "no space left"
        raise OSError(message)

    monkeypatch.setattr(FiledCentre, "record", broken)
    line = told_by_a_run(platform_of(new_desk), new_desk.instance, lambda: ran.append("it"))
    assert line == "alerts could not be told: no space left"
    assert ran == ["it"]
