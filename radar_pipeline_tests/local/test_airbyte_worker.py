"""The extraction worker as a fork: what it says arrives, and how it ended is known however it ended."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest

from radar_pipeline.local.airbyte_server import worker as workers
from radar_pipeline.local.airbyte_server.worker import Worker, end_orphan, fork_extraction

pytestmark = pytest.mark.integration

UNUSABLE = {"bucket": "none"}


def forked() -> Worker:
    return Worker(fork_extraction(UNUSABLE), lambda _line: None)


@contextmanager
def held() -> Iterator[Worker]:
    """A worker that stands still before it has done anything."""
    started = fork_extraction(UNUSABLE)
    os.kill(started.pid, signal.SIGSTOP)
    yield Worker(started, lambda _line: None)


def test_a_fork_tells_its_events_and_its_exit_code() -> None:
    worker = forked()
    (event,) = [json.loads(line) for line in worker.lines()]
    assert event["event"] == "failed"
    assert "the worker's request is not usable" in event["message"]
    assert worker.wait() == 1


def test_a_fork_leads_a_group_of_its_own_and_is_ended_alone() -> None:
    with held() as worker:
        pid, started = worker.identity
        assert psutil.Process(pid).create_time() == started
        worker.kill()
    assert worker.wait() == -signal.SIGKILL
    assert forked().wait() == 1


def test_a_fork_whose_server_died_is_ended_by_its_number_and_start_alone() -> None:
    with held() as worker:
        pid, started = worker.identity
        end_orphan(pid, started - 60)
        assert psutil.pid_exists(pid), "another process has the number by now"
        end_orphan(pid, started)
        assert not psutil.pid_exists(pid)
    assert worker.wait() == -signal.SIGKILL


def test_a_fork_told_to_stop_that_does_not_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "GRACE_SECONDS", 0.1)
    with held() as worker:
        worker.terminate()
    assert worker.wait() in {-signal.SIGKILL, -signal.SIGTERM}


def test_the_exit_code_is_the_same_for_all_who_ask_while_others_start() -> None:
    def end_of_one(_number: int) -> set[int]:
        worker = forked()
        killer = threading.Thread(target=worker.kill)
        codes = {worker.wait()}
        killer.start()
        killer.join()
        return codes | {worker.wait()}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(end_of_one, range(24))) == [{1}] * 24


def test_where_the_process_that_is_forked_has_died_the_next_worker_starts_another() -> None:
    assert forked().wait() == 1
    for _ in range(3):
        (server,) = [each for each in psutil.Process().children() if "forkserver" in " ".join(each.cmdline())]
        server.kill()
        assert forked().wait() == 1
