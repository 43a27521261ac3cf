"""`radar local` as a person types it, against a really running stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from radar_pipeline.cli.local import local_group
from radar_pipeline.local.airbyte_server.faults import CATALOGUE
from radar_pipeline.local.inbox.client import InboxClient
from radar_pipeline.local.inbox.faults import CATALOGUE as CHANNEL_FAULTS
from radar_pipeline.local.mariadb import connect
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.stack import LocalOptions, LocalStack
from radar_pipeline.local.state import PART_OF_PORT, PARTS
from radar_pipeline_tests.conftest import AWS_VENV

MYSQL_VARIABLES = ("RADAR_HOST", "RADAR_PORT", "RADAR_USER", "RADAR_PASS", "RADAR_DATABASE", "RADAR_LOCAL_HOME")


def radar_local(home: Path, *arguments: str, **options) -> Result:
    # What the developer's own shell points at must not reach a test.
    environment = {**dict.fromkeys(MYSQL_VARIABLES), "RADAR_LOCAL_AWS_VENV": str(AWS_VENV), **options.pop("env", {})}
    return CliRunner().invoke(local_group, ["--home", str(home), *arguments], env=environment, **options)


@pytest.fixture(scope="module")
def home(mariadbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running stack with a little data."""
    home = tmp_path_factory.mktemp("cli") / "stack"
    stack = LocalStack(home, LocalOptions(ports={name: free_port() for name in PART_OF_PORT}, aws_venv=AWS_VENV))
    stack.up(scale=0.001)
    yield home
    stack.down()


def test_without_a_stack_every_command_says_how_to_make_one(tmp_path: Path):
    status = radar_local(tmp_path, "status")
    assert status.exit_code == 1
    assert "`radar local up` makes one" in status.stdout
    assert json.loads(radar_local(tmp_path, "status", "--json").stdout)["up"] is False
    for arguments in (["advance"], ["fault"], ["clock"], ["seed"]):
        result = radar_local(tmp_path, *arguments)
        assert result.exit_code == 2
        assert result.stderr == f"error: there is no local stack in {tmp_path}: `radar local up` makes one\n"
    assert radar_local(tmp_path, "reset", "--yes").stdout == f"nothing to delete in {tmp_path}\n"
    assert radar_local(tmp_path, "down").stdout == "nothing was running\n"


def test_the_catalogue_of_faults_is_listed_without_a_stack(tmp_path: Path):
    listed = json.loads(radar_local(tmp_path, "fault", "--list", "--json").stdout)
    assert {fault["name"] for fault in listed} == set(CATALOGUE) | set(CHANNEL_FAULTS)
    text = radar_local(tmp_path, "fault", "--list").stdout
    assert "queued-first" in text
    assert "era 2.0 only" in text
    assert "alert channels: slack, pagerduty, smtp, sns" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--scale", "0"], "0"),
        (["up", "--era", "1.0"], "1.0"),
        (["up", "--aws-port", "70000"], "70000"),
        (["fault", "stream-fails", "--times", "never"], "neither a number from 1 nor `always`"),
        (["fault", "--times", "0", "stream-fails"], "neither a number from 1 nor `always`"),
        (["advance", "--days", "0"], "0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_before_anything_is_done(
    tmp_path: Path, arguments: list[str], said: str
):
    result = radar_local(tmp_path, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_up_on_a_running_stack_says_that_nothing_changed_and_where_the_environment_is(home: Path):
    result = radar_local(home, "up")
    page = LocalStack(home).servers.inbox.url
    told = f"already up: nothing changed\nenvironment in {home}/env\nalerts arrive at {page}\n"
    assert result.stdout == told
    assert InboxClient(page).is_healthy()


@pytest.mark.integration
def test_the_stack_known_from_its_own_environment_is_no_foreign_mysql(home: Path):
    lines = (home / "env").read_text().splitlines()
    known = dict(line.split("=", 1) for line in lines if line.startswith("RADAR_"))
    assert radar_local(home, "up", env=known).stdout.startswith("already up")
    assert radar_local(home, "advance", env=known).exit_code == 0


@pytest.mark.integration
def test_status_names_each_part_for_people_and_for_programs(home: Path):
    status = json.loads(radar_local(home, "status", "--json").stdout)
    assert status["up"] is True
    assert [(part["name"], part["state"]) for part in status["parts"]] == [(name, "running") for name in PARTS]
    assert radar_local(home, "status").exit_code == 0


@pytest.mark.integration
def test_seed_leaves_data_alone_unless_forced(home: Path):
    assert radar_local(home, "seed", "--scale", "0.001").stdout == "the data is already there; --force replaces it\n"
    assert radar_local(home, "seed", "--scale", "0.001", "--force").stdout == "demonstration data loaded\n"


@pytest.mark.integration
def test_data_of_another_mysql_is_not_changed_without_force(home: Path, tmp_path: Path):
    other = LocalStack(home).servers.admin
    # The other stack of this test knows that server as a foreign one.
    (tmp_path / "state.json").write_text('{"era": "0.39", "ports": {}}')
    env = {"RADAR_HOST": other.host, "RADAR_PORT": str(other.port), "RADAR_USER": other.user}
    for arguments in (["advance"], ["seed"]):
        result = radar_local(tmp_path, *arguments, env={**env, "RADAR_PASS": other.password})
        assert result.exit_code == 2
        assert "which is not this stack's own database: --force if that is meant" in result.stderr


@pytest.mark.integration
def test_faults_are_switched_on_shown_and_cleared(home: Path):
    assert radar_local(home, "fault").stdout == "no fault is switched on\n"
    on = radar_local(home, "fault", "stream-fails", "--table", "store", "--times", "2", "--option", "share=0.25")
    assert on.stdout == "stream-fails on store: 2 times\n"
    (active,) = json.loads(radar_local(home, "fault", "--json").stdout)
    assert (active["name"], active["table"], active["times"]) == ("stream-fails", "store", 2)
    assert active["options"]["share"] == 0.25
    assert "slow-post: until cleared" in radar_local(home, "fault", "slow-post", "--times", "always").stdout
    for value in ("abc", "NaN", "1e999"):
        wrong = radar_local(home, "fault", "slow-post", "--option", f"seconds={value}")
        said = f"error: option seconds of fault slow-post is '{value}'; give a number from 0\n"
        assert (wrong.exit_code, wrong.stderr) == (2, said)
    assert radar_local(home, "fault", "--clear").stdout == "no fault is switched on\n"


@pytest.mark.integration
def test_a_channel_of_the_alerts_fails_until_it_is_cleared(home: Path):
    inbox = LocalStack(home).servers.inbox.client
    assert radar_local(home, "fault", "slack-down").stdout == "slack-down: until cleared\n"
    radar_local(home, "fault", "smtp-refuses", "--times", "2")
    timed = radar_local(home, "fault", "sns-rate-limited", "--option", "seconds=60", "--option", "retry_after=9")
    assert "smtp-refuses: 2 times\nsns-rate-limited: for 60 s\n" in timed.stdout
    assert [each["mode"] for each in inbox.faults()] == ["down", "refuse", "rate-limit"]
    wrong = radar_local(home, "fault", "slack-down", "--option", "share=1")
    assert (wrong.exit_code, "it has: seconds, retry_after" in wrong.stderr) == (2, True)
    wrong = radar_local(home, "fault", "slack-down", "--option", "seconds=abc")
    assert (wrong.exit_code, "seconds is 'abc'; give a number above 0" in wrong.stderr) == (2, True)
    assert radar_local(home, "fault", "--clear").stdout == "no fault is switched on\n"
    assert inbox.faults() == []


@pytest.mark.integration
def test_a_fault_that_cannot_be_is_refused_with_the_reason(home: Path):
    unknown = radar_local(home, "fault", "no-such-fault")
    assert unknown.exit_code == 2
    assert "there is no fault named 'no-such-fault'; there are: succeeded-without-data" in unknown.stderr
    assert "name it" in radar_local(home, "fault", "stream-fails").stderr
    assert "radar has no table nowhere" in radar_local(home, "fault", "schema-drift", "--table", "nowhere").stderr
    assert radar_local(home, "fault", "schema-drift").exit_code == 2
    assert radar_local(home, "fault").stdout == "no fault is switched on\n"


@pytest.mark.integration
def test_schema_drift_really_alters_the_table_and_clear_undoes_it(home: Path):
    def columns() -> set[str]:
        with connect(LocalStack(home).servers.source) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW COLUMNS FROM store")
            return {row[0] for row in cursor.fetchall()}

    before = columns()
    result = radar_local(home, "fault", "schema-drift", "--table", "store")
    assert result.stderr == "column Radar_Drift of store is added\n"
    assert result.stdout == "schema-drift on store: until cleared\n"
    assert columns() - before == {"Radar_Drift"}
    assert radar_local(home, "fault", "--clear").stdout == "no fault is switched on\n"
    assert columns() == before


@pytest.mark.integration
def test_the_clock_is_moved_shown_and_set_back(home: Path):
    moved = radar_local(home, "clock", "--now", "2026-01-02T03:04:05").stdout
    assert moved.startswith("2026-01-02T03:04:0")
    assert json.loads(radar_local(home, "clock", "--offset", "3600", "--json").stdout)["offset_seconds"] == 3600
    assert radar_local(home, "clock", "--reset").stdout.endswith("+0 s from the real clock\n")
    assert radar_local(home, "clock", "--now", "tomorrow").exit_code == 2
    assert radar_local(home, "clock", "--reset", "--offset", "1").exit_code == 2


@pytest.mark.integration
def test_reset_says_what_it_deletes_and_asks(home: Path):
    refused = radar_local(home, "reset", input="n\n")
    assert refused.exit_code == 1
    assert f"  {home}/mariadb\n" in refused.stdout
    assert json.loads(radar_local(home, "status", "--json").stdout)["up"] is True
