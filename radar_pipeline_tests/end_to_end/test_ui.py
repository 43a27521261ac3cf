"""What people do in the Dagster UI, in a real browser: materialize a day, execute checks, see the history."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from radar_pipeline.cli.status import read_status
from radar_pipeline.local.ports import free_port
from radar_pipeline_tests.end_to_end.world import World
from radar_pipeline_tests.servers import PROJECT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    # What a browser shows does not depend on the era of the Airbyte server; one is enough.
    pytest.mark.parametrize("world", ["2.0"], indirect=True, scope="session"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]

PATIENCE = 90_000


@pytest.fixture(scope="module")
def ui(world: World) -> Iterator[str]:
    """The webserver and the daemon, as `radar ui` starts them, on the world of the tests at the real time of day."""
    world.move_to(dt.datetime.now(dt.UTC))
    port = free_port()
    log = Path(world.instance.root_directory) / "ui.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "radar"), "ui", "--port", str(port)],
            env={**os.environ, **world.environment()},
            cwd=PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 950}, base_url=ui)
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def test_materialize_lands_today_and_syncs_once(world: World, page: Page) -> None:
    today = dt.datetime.now(dt.UTC).date()
    page.goto("/assets/bronze_radar/store?view=overview")
    page.get_by_text("Materialize…").click()
    page.get_by_text("Latest", exact=True).click()
    page.get_by_text("Launch 1 run").click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    page.goto("/assets/bronze_radar/store?view=checks")
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(4, timeout=PATIENCE)
    status = read_status(world.instance, world.registry, today)
    assert status.is_accepted is False, "only the checks of the selected asset were evaluated"
    assert {table.table for table in status.tables if table.rows is not None} == set(world.registry.names)
    assert world.syncs_posted(today) == 1


def test_execute_all_on_the_checks_tab_evaluates_without_a_sync(world: World, page: Page) -> None:
    today = dt.datetime.now(dt.UTC).date()
    before = world.syncs_posted(today)
    page.goto("/assets/bronze_radar/store?view=checks")
    page.get_by_text("Execute all").click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    page.get_by_text("View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=PATIENCE)
    assert world.syncs_posted(today) == before


def test_the_schedule_is_there_and_can_be_switched_on(world: World, page: Page) -> None:
    page.goto("/locations/radar_pipeline/schedules/ingest_bronze_job_schedule")
    expect(page.get_by_text("At 02:00 AM UTC").first).to_be_visible()
    page.locator("input[type=checkbox]").first.press(" ")
    expect(page.locator("input[type=checkbox]").first).to_be_checked()
    assert "ingest_bronze_job_schedule" in switched_on(world)


def switched_on(world: World) -> set[str]:
    """What is on, by the instance itself; the browser shows the switch before the server has stored it."""
    for _ in range(100):
        if found := {state.name for state in world.instance.all_instigator_state() if state.is_running}:
            return found
        time.sleep(0.2)
    return set()


def test_the_graph_shows_the_bronze_group(page: Page) -> None:
    page.goto("/locations/radar_pipeline/asset-groups/bronze")
    expect(page.get_by_text("promocao").first).to_be_visible()
