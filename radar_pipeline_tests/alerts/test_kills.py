"""Delivering processes that are killed for real, and several at once: nothing is lost, nobody hears twice."""

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from radar_pipeline.domain.alert import Alert, Resolution
from radar_pipeline.domain.severity import Severity
from radar_pipeline_tests.alerts.samples import NOW, alert, later, opened, recovery
from radar_pipeline_tests.alerts.servers import World, config

# What each medium gets of an incident that is raised, changes and ends, where nobody is killed.
EXPECTED = {"slack": 3, "pagerduty": 3, "email": 3}
STEPS: tuple[tuple[list[Alert], list[Resolution], dt.datetime], ...] = (
    ([alert(Severity.CRITICAL)], [], NOW),
    ([alert(Severity.CRITICAL, cause="Another.")], [], later(minutes=1)),
    ([], [recovery()], later(minutes=2)),
)


def started(folder: Path, world: World, media: tuple[str, ...], now: dt.datetime, **more: object) -> subprocess.Popen:
    given = {
        "folder": str(folder),
        "url": world.url,
        "smtp_port": world.smtp_port,
        "ca_file": str(world.ca_file),
        "media": media,
        "now": now.isoformat(),
        **more,
    }
    argv = [sys.executable, "-W", "ignore", "-m", "radar_pipeline_tests.alerts.delivering", json.dumps(given)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_told(folder: Path, world: World, media: tuple[str, ...]) -> bool:
    """Whether the record says of any place that it was told."""
    with opened(folder, config(world, *media)) as centre:
        return any("delivered" in record.deliveries.values() for record in centre.records(since=NOW))


def heard(world: World, medium: str) -> list[object]:
    """What people heard, each thing as often as they did. One key is one incident to PagerDuty, one id one mail."""
    if medium == "slack":
        return [json.dumps(each["metadata"], sort_keys=True) for each in world.messages]
    if medium == "pagerduty":
        return sorted({json.dumps(each, sort_keys=True) for each in world.events})
    return sorted(set(world.mail_ids()))


@pytest.mark.parametrize("point", ["before", "between", "after"])
@pytest.mark.parametrize("medium", ["slack", "pagerduty", "email"])
@pytest.mark.parametrize("killed_step", [0, 2])
def test_a_killed_delivery_loses_nothing_and_tells_nothing_twice(
    tmp_path: Path, world: World, medium: str, point: str, killed_step: int
):
    for number, (raised, resolved, now) in enumerate(STEPS):
        with opened(tmp_path, config(world, medium)) as centre:
            centre.record(raised, resolved, now=now)
        if number == killed_step:
            process = started(tmp_path, world, (medium,), now, kill=point)
            process.communicate(timeout=60)
            assert process.returncode == -signal.SIGKILL
        with opened(tmp_path, config(world, medium)) as centre:
            assert centre.deliver(now=now + dt.timedelta(seconds=5)).waiting == {}
            assert centre.deliver(now=now + dt.timedelta(seconds=9)).delivered == {}
            states = {words for record in centre.records(since=NOW) for words in record.deliveries.values()}
            assert states == {"delivered"}
    found = heard(world, medium)
    assert len(found) == len(set(found)) == EXPECTED[medium]
    if medium == "slack":
        assert len(world.reactions) == 1
        assert "RESOLVED" in world.roots()[0]["blocks"][0]["text"]["text"]


def test_a_process_killed_while_a_channel_hangs_leaves_the_rest_to_the_next(tmp_path: Path, world: World):
    media = ("slack", "pagerduty")
    with opened(tmp_path, config(world, *media)) as centre:
        centre.record([alert(Severity.CRITICAL)], [], now=NOW)
    world.faults["slack"] = "hang"
    process = started(tmp_path, world, media, NOW)
    deadline = time.monotonic() + 30
    while not (is_told(tmp_path, world, media) and "slack chat.postMessage" in world.calls):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    world.faults.clear()
    with opened(tmp_path, config(world, *media)) as centre:
        assert centre.deliver(now=later(seconds=5)).delivered == {"slack #alerts": 1}
    assert len(world.events) == len(world.messages) == 1


def test_of_two_processes_that_deliver_at_once_one_delivers(tmp_path: Path, world: World):
    with opened(tmp_path, config(world, "slack")) as centre:
        centre.record([alert(fingerprint=f"one/{number}") for number in range(40)], [], now=NOW)
    begin = time.time() + 3
    processes = [started(tmp_path, world, ("slack",), NOW, start_at=begin) for _ in range(2)]
    said = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in processes]
    assert sorted(each["busy"] for each in said) == [False, True]
    assert len(world.messages) == 40
    assert len(set(heard(world, "slack"))) == 40


def test_two_processes_that_record_at_once_lose_nothing(tmp_path: Path, world: World):
    def raise_many(name: str) -> None:
        with opened(tmp_path, config(world, "slack")) as centre:
            for number in range(20):
                centre.record([alert(fingerprint="same"), alert(fingerprint=f"{name}/{number}")], [], now=NOW)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(raise_many, "abc"))
    with opened(tmp_path, config(world, "slack")) as centre:
        assert len(centre.open_fingerprints()) == 61
        (same,) = [each for each in centre.records(since=NOW) if each.alert.fingerprint == "same"]
        assert same.repeats == 59
        assert centre.deliver(now=NOW).delivered == {"slack #alerts": 61}
