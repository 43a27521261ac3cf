"""What people do in the Dagster UI, in a real browser: materialize a day, execute checks, see the history."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import requests
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from playwright.sync_api import Page, expect

from radar_pipeline.cli.status import DayStatus, read_status
from radar_pipeline.domain.judgement import Check
from radar_pipeline.domain.sync import JobStatus
from radar_pipeline.local.ports import free_port
from radar_pipeline.orchestration.bronze import FORCE_TAG
from radar_pipeline_tests.browser import launched, needs_chromium
from radar_pipeline_tests.end_to_end.world import World
from radar_pipeline_tests.servers import PROJECT

pytestmark = [
    pytest.mark.browser,
    # What a browser shows does not depend on the era of the Airbyte server; one is enough.
    pytest.mark.parametrize("world", ["2.0"], indirect=True, scope="session"),
    needs_chromium,
]

# Milliseconds; what the page does and what is expected of it have each a patience of their own.
PATIENCE = 90_000
expect.set_options(timeout=PATIENCE)

_EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


@dataclass(frozen=True)
class Served:
    """The UI under way: where it is, and the process that a person would end."""

    address: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[Served]:
    """The webserver and the daemon, as `radar ui` starts them, on the world of the tests at the real time of day."""
    world.move_to(dt.datetime.now(dt.UTC))
    port = free_port()
    log = Path(world.instance.root_directory) / "ui.log"
    # As a script starts it that puts it into the background: with SIGINT ignored.
    in_background = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")
    with log.open("w") as output:
        process = subprocess.Popen(
            [*in_background, str(Path(sys.executable).parent / "radar"), "ui", "--port", str(port)],
            env={**os.environ, **world.environment()},
            cwd=PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, log)
        yield Served(address, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # What a sensor asked for last, and no daemon starts any more, would wait in the queue of other tests.
        for run in world.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            world.instance.report_run_canceled(run)


@pytest.fixture(scope="module")
def ui(served: Served) -> str:
    """Where the UI is."""
    return served.address


def wait_for(address: str, log: Path) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the UI did not come up:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(ui: str) -> Iterator[Page]:
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 950}, base_url=ui, reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        yield page


def test_materialize_lands_today_and_syncs_once(world: World, page: Page) -> None:
    today = dt.datetime.now(dt.UTC).date()
    page.goto("/assets/bronze_radar/store?view=overview")
    page.get_by_text("Materialize…").click()
    page.get_by_text("Latest", exact=True).click()
    page.get_by_text("Launch 1 run").click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    # Nobody looks meanwhile: a page that waits takes a processor from the run.
    page.goto("about:blank")
    status = landed_status(world, today)
    page.goto("/assets/bronze_radar/store?view=checks")
    expect(page.get_by_text("volume_within_band").first).to_be_visible()
    assert status.is_accepted is False, "only the checks of the selected asset were evaluated"
    assert {table.table for table in status.tables if table.rows is not None} == set(world.registry.names)
    assert world.syncs_posted(today) == 1


def landed_status(world: World, day: dt.date) -> DayStatus:
    """The day once every check of `store` has passed; the page sums up all of the world's days, faults included."""
    for _ in range(180):
        status = read_status(world.instance, world.registry, day)
        if next(table for table in status.tables if table.table == "store").is_accepted:
            return status
        time.sleep(0.5)
    pytest.fail(f"store did not pass its checks: {status.reasons}")


def test_execute_all_on_the_checks_tab_evaluates_without_a_sync(world: World, ui: str, page: Page) -> None:
    today = dt.datetime.now(dt.UTC).date()
    if "store" not in accepted(world, today):
        assert until_ended(world, launch(ui, today, {})) is dg.DagsterRunStatus.SUCCESS
    before, evaluated = world.syncs_posted(today), evaluations(world, "store", today)
    assert all(evaluated.values())
    page.goto("/assets/bronze_radar/store?view=checks")
    page.get_by_text("Execute all").click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    # A sensor may have asked for the registration of the day meanwhile; that is a job with a name.
    (run,) = world.instance.get_runs(dg.RunsFilter(job_name="__ASSET_JOB"), limit=1)
    page.goto("about:blank")
    assert until_ended(world, run.run_id) is dg.DagsterRunStatus.SUCCESS
    page.goto(f"/runs/{run.run_id}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    assert world.syncs_posted(today) == before
    assert evaluations(world, "store", today) == {check: count + 1 for check, count in evaluated.items()}


def accepted(world: World, day: dt.date) -> set[str]:
    return {table.table for table in read_status(world.instance, world.registry, day).tables if table.is_accepted}


def evaluations(world: World, table: str, day: dt.date) -> dict[str, int]:
    """How often each check of a table and day has been evaluated, as Dagster has it on record; none is left open.

    The history of the table holds other tests' days too, and among them runs that were killed with their checks open.
    """
    partitions = {run.run_id: run.tags.get("dagster/partition") for run in world.instance.get_runs()}
    counts = {}
    for check in Check:
        key = dg.AssetCheckKey(dg.AssetKey(["bronze_radar", table]), check.value)
        history = world.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        # "Execute all" starts a run without a partition.
        of_day = [record for record in history if partitions.get(record.run_id) in {None, day.isoformat()}]
        assert all(record.status in _EVALUATED for record in of_day)
        counts[check.value] = sum(record.partition == day.isoformat() for record in history)
    return counts


def test_a_killed_run_is_run_again_on_the_same_sync_which_terminating_cancels(world: World, ui: str) -> None:
    today = dt.datetime.now(dt.UTC).date()
    with world.fault("stuck-job"):
        killed = launch(ui, today, {FORCE_TAG: world.clock().isoformat()})
        try:
            job = until_synced_by(world, killed)
            os.kill(process_of(world, killed), signal.SIGKILL)
            again = until_run_again(world, killed)
            assert until_synced_by(world, again) == job
            asked = "mutation($id: String!) { terminateRuns(runIds: [$id]) { __typename } }"
            graphql(ui, asked, id=again)
            assert until_ended(world, again) is dg.DagsterRunStatus.CANCELED
            status = [each.status for each in world.syncs(today) if each.id == job]
        finally:
            world.cancel_syncs(today)
    assert status == [JobStatus.CANCELLED]


def process_of(world: World, run_id: str) -> int:
    """The process in which a run goes, as the run and its step say: they share one."""
    said = [record.event_log_entry.user_message for record in world.instance.get_records_for_run(run_id).records]
    (process,) = {int(match[1]) for line in said if (match := re.search(r"\(pid: (\d+)\)", line))}
    return process


def until_run_again(world: World, run_id: str) -> str:
    """The run that Dagster starts in the place of one that crashed."""
    again = dg.RunsFilter(tags={"dagster/parent_run_id": run_id})
    for _ in range(300):
        if found := world.instance.get_runs(again):
            return found[0].run_id
        time.sleep(0.3)
    pytest.fail("the run is not run again")


def launch(address: str, day: dt.date, tags: dict[str, str]) -> str:
    """Launches the daily job as the UI does, and returns the run's id."""
    asked = """
        mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
    """
    every = {**tags, "dagster/partition": day.isoformat()}
    params = {
        "selector": {
            "repositoryLocationName": "radar_pipeline",
            "repositoryName": "__repository__",
            "jobName": "ingest_bronze_job",
        },
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in every.items()]},
    }
    answer = graphql(address, asked, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def graphql(address: str, asked: str, **variables: Any) -> Any:
    answer = requests.post(f"{address}/graphql", json={"query": asked, "variables": variables}, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def until_synced_by(world: World, run_id: str) -> int:
    """The sync that a run follows, once it says so."""
    for _ in range(300):
        said = [record.event_log_entry.user_message for record in world.instance.get_records_for_run(run_id).records]
        found = [re.match(r"sync job (\d+) ", line) for line in said]
        if ids := [int(match[1]) for match in found if match]:
            return ids[-1]
        time.sleep(0.3)
    pytest.fail("the run follows no sync")


def until_ended(world: World, run_id: str) -> dg.DagsterRunStatus:
    for _ in range(300):
        run = world.instance.get_run_by_id(run_id)
        if run and run.is_finished:
            return run.status
        time.sleep(0.3)
    pytest.fail("the run does not end")


def test_the_schedule_is_there_and_can_be_switched_on(world: World, page: Page) -> None:
    page.goto("/locations/radar_pipeline/schedules/ingest_bronze_job_schedule")
    expect(page.get_by_text("At 02:00 AM UTC").first).to_be_visible()
    page.locator("input[type=checkbox]").first.press(" ")
    expect(page.locator("input[type=checkbox]").first).to_be_checked()
    assert is_on(world, "ingest_bronze_job_schedule")


def is_on(world: World, name: str) -> bool:
    """Whether it is on, by the instance itself; the browser shows the switch before the server has stored it."""
    for _ in range(100):
        if name in {state.name for state in world.instance.all_instigator_state() if state.is_running}:
            return True
        time.sleep(0.2)
    return False


def test_the_graph_shows_the_bronze_group(page: Page) -> None:
    page.goto("/locations/radar_pipeline/asset-groups/bronze")
    expect(page.get_by_text("promocao").first).to_be_visible()


def test_it_ends_with_all_its_servers_when_told_to_even_in_the_background(served: Served) -> None:
    servers = psutil.Process(served.process.pid).children(recursive=True)
    assert len(servers) >= 4, "the code servers, the webserver and the daemon"
    served.process.terminate()
    served.process.wait(timeout=60)
    _, left = psutil.wait_procs(servers, timeout=30)
    assert left == []
