"""The extraction worker as a fork: what it says arrives, and how it ended is known however it ended."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from radar_pipeline.local.airbyte_server import worker as workers
from radar_pipeline.local.airbyte_server.worker import Started, Worker, end_orphan, fork_extraction
from radar_pipeline_tests.forks import forked_processes, forks_of
from radar_pipeline_tests.local.extract_harness import order

pytestmark = pytest.mark.integration

UNUSABLE = {"bucket": "none"}


@pytest.fixture(autouse=True, scope="module")
def preloaded() -> None:
    """Other tests fork too, and what they fork has loaded something else."""
    forks_of("radar_pipeline.local.extract.preloaded")


def forked() -> Worker:
    return Worker(fork_extraction(UNUSABLE), lambda _line: None)


@contextmanager
def held(spool: Path) -> Iterator[Worker]:
    """A worker in the middle of its work, asking a MySQL that takes the connection and is silent, and stopped there."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = SimpleNamespace(user="reader", password="any", database="radar")
        mysql = SimpleNamespace(host="127.0.0.1", port=silent.getsockname()[1], reader=reader)
        s3 = SimpleNamespace(
            endpoint_url="http://127.0.0.1:9", region="us-east-2", access_key_id="any", secret_access_key="any"
        )
        worker = Worker(fork_extraction(order(mysql, s3, "none", spool)), lambda _line: None)
        assert json.loads(next(worker.lines()))["event"] == "started"
        os.kill(worker.identity[0], signal.SIGSTOP)
        try:
            yield worker
        finally:
            worker.kill()


def test_a_fork_tells_its_events_and_its_exit_code() -> None:
    worker = forked()
    (event,) = [json.loads(line) for line in worker.lines()]
    assert event["event"] == "failed"
    assert "the worker's request is not usable" in event["message"]
    assert worker.wait() == 1


def test_a_child_that_ended_unseen_is_not_taken_for_the_process_that_is_forked() -> None:
    assert forked().wait() == 1
    forking = forked_processes()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert forked_processes() == forking
    finally:
        os.waitpid(child, 0)


def test_a_fork_leads_a_group_of_its_own_and_is_ended_alone(tmp_path: Path) -> None:
    with held(tmp_path) as worker:
        pid, _ = worker.identity
        assert os.getpgid(pid) == pid
        worker.kill()
    assert worker.wait() == -signal.SIGKILL
    assert forked().wait() == 1


def test_a_fork_whose_server_died_is_ended_by_its_number_and_start_alone(tmp_path: Path) -> None:
    with held(tmp_path) as worker:
        pid, started = worker.identity
        end_orphan(pid, started - 60)
        assert psutil.pid_exists(pid), "another process has the number by now"
        end_orphan(pid, started)
        assert not psutil.pid_exists(pid)
    assert worker.wait() == -signal.SIGKILL


def test_a_fork_told_to_stop_that_does_not_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "GRACE_SECONDS", 0.1)
    with held(tmp_path) as worker:
        worker.terminate()
        assert worker.wait() == -signal.SIGKILL


def test_the_exit_code_is_the_same_for_all_who_ask_while_others_start() -> None:
    def end_of_one(_number: int) -> set[int | None]:
        started = fork_extraction(UNUSABLE)
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(asked_until_it_ends, started)
            return {started.wait(), asked.result()}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(end_of_one, range(24))) == [{1}] * 24


def asked_until_it_ends(started: Started) -> int | None:
    while (code := started.poll()) is None:
        pass
    return code


def test_where_the_process_that_is_forked_has_died_the_next_worker_starts_another() -> None:
    assert forked().wait() == 1
    for _ in range(3):
        (server,) = forked_processes()
        server.kill()
        assert forked().wait() == 1
