"""Real children, killed with SIGKILL after each single request: what is left, and what the next run makes of it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import asdict
from urllib.parse import unquote, urlsplit

import pytest

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.audit import Action, Phase, read_audit, read_open
from radar_pipeline.lake.holds import place_hold
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.aws_proxy import Answer, aws_proxy
from radar_pipeline_tests.lake.aging import COLD, NOW, OVER, apply, day, fill, plan, tiers, versions
from radar_pipeline_tests.servers import PROJECT

TABLES = ["held", "store"]

pytestmark = pytest.mark.integration


class Killer:
    """A rule of the proxy: passes requests on one at a time, and kills the child when one of them has taken effect."""

    def __init__(self, endpoint_url):
        self._host = urlsplit(endpoint_url).netloc
        self._lock = threading.Lock()
        self._pid_known = threading.Event()
        self._pid = 0
        self._after = 0
        self.passed = []

    def watch(self, after):
        """From now on: the child whose pid is told next is killed after so many requests; 0 for never."""
        with self._lock:
            self.passed, self._after, self._pid = [], after, 0
            self._pid_known.clear()

    def told(self, pid):
        self._pid = pid
        self._pid_known.set()

    def __call__(self, seen):
        with self._lock:
            if self._after and len(self.passed) >= self._after:
                return Answer(500)
            connection = http.client.HTTPConnection(self._host, timeout=60)
            connection.request(seen.method, seen.path, seen.body, seen.headers)
            found = connection.getresponse()
            body = found.read()
            connection.close()
            self.passed.append(seen)
            if len(self.passed) == self._after:
                assert self._pid_known.wait(10)
                os.kill(self._pid, signal.SIGKILL)
        return Answer(found.status, body, headers=dict(found.getheaders()))

    def settled(self):
        """Waits until nothing is under way any more."""
        with self._lock:
            return list(self.passed)


@pytest.fixture(scope="module")
def children():
    """What makes children to be killed."""
    program = [sys.executable, "-m", "radar_pipeline_tests.lake.killable"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        yield process
        process.stdin.close()


def run(children, killer, job, after):
    """Runs a child and kills it after so many requests. Its exit status."""
    killer.watch(after)
    children.stdin.write(json.dumps(job) + "\n")
    killer.told(int(children.stdout.readline()))
    return int(children.stdout.readline())


def lake(store, number):
    """A small lake of its own within the bucket: what is to move, what is to go, what is held, what is fresh."""
    layout = BronzeLayout(f"t{number}/bronze", f"t{number}/control")
    files = {("store", 1): 1, ("store", COLD): 2, ("store", OVER): 2, ("held", 1): 1, ("held", OVER): 1}
    keys = fill(store, layout, files)
    place_hold(store, layout, table="held", first=None, last=None, reason="processo", by="ana", now=NOW)
    return layout, keys


def relative(found, number):
    return sorted((key.removeprefix(f"t{number}/"), *rest) for key, *rest in found)


def copies(requests):
    return Counter(unquote(each.path) for each in requests if "x-amz-copy-source" in each.headers)


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_run_killed_after_any_request_is_finished_by_the_next_as_if_it_had_not_been(config, store, children):
    with aws_proxy(config.endpoint_url) as proxy:
        killer = Killer(config.endpoint_url)
        proxy.rules.append(killer)
        changed = {**asdict(config), "endpoint_url": proxy.url, "max_attempts": 1}
        watched = LakeStore(LakeConfig(**changed))

        def job(layout, run_id):
            return {"kind": "apply", "config": changed, "layout": asdict(layout), "tables": TABLES, "run_id": run_id}

        layout, keys = lake(store, 0)
        assert run(children, killer, job(layout, "run-1"), 0) == 0
        requests = len(killer.settled())
        wanted_tiers = relative(tiers(store, "t0/bronze/").items(), 0)
        wanted_versions = relative(versions(store, "t0/bronze/"), 0)
        over = {key for key in keys if layout.day_of(key) == day(OVER) and "/store/" in key}
        planned = {key.removeprefix("t0/") for key in over}
        assert set(tiers(store, "t0/bronze/")) == set(keys) - over
        assert requests > 20

        # The first three list, for the plan.
        for number in range(4, requests):
            layout, keys = lake(store, number)
            assert run(children, killer, job(layout, "run-1"), number) == -signal.SIGKILL
            first = killer.settled()
            gone = {key.removeprefix(f"t{number}/") for key in set(keys) - set(tiers(store, f"t{number}/bronze/"))}
            assert gone <= planned, f"killed after request {number}"

            killer.watch(0)
            second = apply(watched, layout, plan(store, layout, TABLES), run_id="run-2")
            assert second.is_complete
            both = copies(first) + copies(killer.settled())
            assert list(both.values()) == [1, 1], f"killed after request {number}"
            assert relative(tiers(store, f"t{number}/bronze/").items(), number) == wanted_tiers, number
            assert relative(versions(store, f"t{number}/bronze/"), number) == wanted_versions, number
            assert read_open(store, layout, since=NOW.date()) == ()
            done = [each for each in read_audit(store, layout) if each.phase is Phase.DONE]
            deleted = [each for each in done if each.action is Action.DELETE]
            assert {each.key.removeprefix(f"t{number}/") for each in deleted} == planned
            assert all(each.marker_id for each in deleted)


@pytest.mark.parametrize("server", ["seaweed"], indirect=True)
def test_bringing_back_killed_after_any_request_is_finished_by_the_next(config, store, children):
    with aws_proxy(config.endpoint_url) as proxy:
        killer = Killer(config.endpoint_url)
        proxy.rules.append(killer)
        changed = {**asdict(config), "endpoint_url": proxy.url, "max_attempts": 1}
        after = 0
        while True:
            layout = BronzeLayout(f"t{after}/bronze", f"t{after}/control")
            keys = fill(store, layout, {("store", 1): 1, ("store", OVER): 2}, b"rows")
            apply(store, layout, plan(store, layout, ["store"]))
            assert len(tiers(store, f"t{after}/bronze/")) == 1
            job = {"kind": "undelete", "config": changed, "layout": asdict(layout)}
            status = run(children, killer, job, after)
            killer.settled()
            if after:
                assert status == -signal.SIGKILL
                assert run(children, killer, job, 0) == 0
            else:
                assert status == 0
                requests = len(killer.passed)
            assert set(tiers(store, f"t{after}/bronze/")) == set(keys), f"killed after request {after}"
            assert read_open(store, layout, since=NOW.date()) == ()
            after += 2
            if after >= requests:
                break
