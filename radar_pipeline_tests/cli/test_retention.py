"""What `radar retention` refuses, and how; what it does is shown end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from radar_pipeline.build import build_definitions
from radar_pipeline.cli.console import UsageProblem
from radar_pipeline.cli.main import main
from radar_pipeline.cli.retention_shared import refuse_beside_another
from radar_pipeline.orchestration.retention_sensor import RETENTION_JOB
from radar_pipeline.settings import Settings

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """What the command says where it cannot do what was asked, on an environment without servers."""
    (tmp_path / "env").write_text("RADAR_ENV=production\n", encoding="utf-8")
    monkeypatch.setenv("RADAR_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["retention", *arguments])
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        return str(done.output)

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--as-of", "soon"), "--as-of 'soon' is no date"),
        (("plan", "--table", "nowhere"), "'nowhere' is no table of the registry"),
        (("apply", "--json"), "--json cannot ask: give --yes too"),
        (("apply", "--as-of", "2033-01-01", "--yes"), "--as-of is for the local stack"),
        (("apply", "--allow-deletions", "-1"), "--allow-deletions"),
        (("hold", "nowhere", "--reason", "case"), "'nowhere' is no table of the registry"),
        (("hold", "store"), "--reason"),
        (("hold", "store", "--from", "2020", "--reason", "case"), "--from '2020' is no date"),
        (("release", "registry", "--reason", "over"), "stated by the registry"),
        (("undelete", "x", "--json"), "--json cannot ask: give --yes too"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments)


def test_a_broken_policy_is_named_with_its_line(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("classes:\n  default:\n    delete_after_days: soon\n", encoding="utf-8")
    monkeypatch.setenv("RADAR_RETENTION_FILE", str(policy))
    assert f"{policy}:3" in refused("plan")
    assert f"{policy}:3" in str(CliRunner().invoke(main, ["check-config"]).output).replace("\n", "")


def test_every_subcommand_explains_itself() -> None:
    for name in ("plan", "apply", "status", "hold", "release", "rules", "forecast", "undelete"):
        done = CliRunner().invoke(main, ["retention", name, "--help"])
        assert done.exit_code == 0
        assert "--json" in done.output
        assert len(done.output.splitlines()) > 5


def test_the_command_waits_for_a_run_of_dagster_that_is_under_way() -> None:
    job = build_definitions(Settings()).resolve_job_def(RETENTION_JOB)
    with dg.instance_for_test() as instance:
        refuse_beside_another(instance)
        run = instance.create_run_for_job(job)
        for kind in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
            instance.report_dagster_event(dg.DagsterEvent(kind.value, job.name, message=""), run.run_id)
        with pytest.raises(UsageProblem, match=run.run_id):
            refuse_beside_another(instance)
        instance.report_run_failed(run)
        refuse_beside_another(instance)
