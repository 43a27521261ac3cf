"""The commands of the README, one after another, as a new user types them: all 85 tables, small data.

Once all tables have landed, what follows looks at the few of the small world, in processes that have the platform
loaded: the same commands, in less time.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from radar_pipeline.local.mariadb import connect
from radar_pipeline.local.stack import LocalStack
from radar_pipeline.settings import Settings, variable
from radar_pipeline_tests.conftest import AWS_VENV
from radar_pipeline_tests.end_to_end.process import command
from radar_pipeline_tests.end_to_end.world import small_registry, small_registry_text
from radar_pipeline_tests.servers import PROJECT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

RADAR = str(Path(sys.executable).parent / "radar")
FEW = len(small_registry().tables)


class Shell:
    """A shell in an empty folder with nothing set but what make sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = {variable(name) for name in Settings.model_fields}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in names and not name.startswith(("RADAR_", "DAGSTER_"))
        }
        self.environment = {**kept, "RADAR_LOCAL_AWS_VENV": str(AWS_VENV), "HOME": str(folder)}

    def __call__(self, *arguments: str, status: int = 0) -> str:
        done = self._run(arguments)
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        done = self._run(arguments)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(done.stdout)

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RADAR, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


class LoadedShell(Shell):
    """The same, with commands that are forks of a process that has the platform loaded."""

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return command(arguments, folder=self.folder, environment=self.environment)


@pytest.fixture(scope="module")
def radar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("user")
    for name in ("dagster.yaml", "workspace.yaml"):
        (folder / name).symlink_to(PROJECT / name)
    shell = Shell(folder)
    shell("local", "up", "--scale", "0.02")
    yield shell
    shell("local", "down")


@pytest.fixture(scope="module")
def few(radar: Shell) -> LoadedShell:
    """A shell in the same folder, whose commands look at a few tables only."""
    registry = radar.folder / "few_tables.yaml"
    registry.write_text(small_registry_text(), encoding="utf-8")
    shell = LoadedShell(radar.folder)
    shell.environment["RADAR_TABLES_FILE"] = str(registry)
    return shell


def test_a_run_lands_everything_and_a_second_one_starts_no_second_sync(radar: Shell) -> None:
    first = radar("run")
    assert "85 of 85 tables landed, 85 accepted" in first
    assert re.search(r"; Airbyte job 1 succeeded; \d+\.\d s in all$", first, re.MULTILINE)
    assert "catalogue: 84 of 85 tables registered, 1 without rows" in first
    assert "make ui" in first
    assert "no second sync" in radar("run")
    requests = radar("local", "status")
    assert "mariadb" in requests


def test_status_speaks_json_of_the_documented_shape(radar: Shell) -> None:
    status = radar.json("status", "--json")
    assert set(status) == {"partition", "job", "tables"}
    assert status["partition"] == dt.datetime.now(dt.UTC).date().isoformat()
    assert status["job"] == {"id": 1, "status": "succeeded"}
    assert len(status["tables"]) == 85
    store = next(table for table in status["tables"] if table["table"] == "store")
    assert set(store) == {"table", "rows", "bytes", "files", "landed", "checks"}
    assert store["rows"] > 0
    assert store["landed"] is True
    assert set(store["checks"].values()) == {"passed"}


def test_tables_agree_with_the_database_and_the_connection(radar: Shell) -> None:
    radar("tables", "check")
    radar("tables", "diff")


def test_a_past_is_played_and_today_follows_from_it(few: LoadedShell) -> None:
    played = few("local", "history", "--days", "1")
    assert "synced again after its past" in played
    assert "2 of 2 days are well" in played
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert f"{FEW} of {FEW} tables landed, {FEW} accepted" in few("status", "--date", yesterday.isoformat())
    today = few.json("status", "--json")
    assert today["job"]["id"] == 3
    again = few("local", "history", "--days", "1")
    assert again.count("already there") == 2
    assert "2 of 2 days are well" in again
    assert few.json("status", "--json") == today, "what is there is left as it is, today too"


def test_a_lost_half_fails_until_a_person_accepts_it(few: LoadedShell) -> None:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    lose_half(few, "login")
    failed = few("run", "--force", status=1)
    assert "login · volume_within_band" in failed
    assert f"{FEW - 1} accepted" in failed
    why = "old accounts were closed"
    word = few.json("accept", "login", "--date", today, "--reason", why, "--by", "Ana", "--json")
    assert {"table": "login", "partition": today, "by": "Ana", "reason": why}.items() <= word.items()
    assert f"{FEW} accepted" in few("status")
    table = next(t for t in few.json("status", "--json")["tables"] if t["table"] == "login")
    assert table["checks"]["volume_within_band"] == "passed"
    assert {name: word[name] for name in ("rows", "bytes", "files")}.items() <= table.items()


def test_the_data_lives_on_when_days_have_passed(radar: Shell) -> None:
    (radar.folder / ".radar/local/lived-until").write_text(f"{dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)}\n")
    assert "lived on for 3 days" in radar("local", "up")
    assert "already up: nothing changed" in radar("local", "up")


def lose_half(radar: Shell, table: str) -> None:
    """Deletes half of a table of users at the source, as an accident would."""
    admin = LocalStack(radar.folder / ".radar/local").servers.admin
    with connect(admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM `{table}` WHERE `Id_User` % 2 = 0")
