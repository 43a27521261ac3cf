"""Programs that outlive their starter: found again, stopped whole, never mistaken for another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.processes import (
    Program,
    _pid_and_start,
    find,
    python_program,
    start,
    stop,
    wait_until_ready,
)
from radar_pipeline_tests.servers import PROJECT

IGNORES_SIGTERM = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); time.sleep(600)"
)

# Each holds what the program has open until it has ended itself.
HAS_THREADS = (
    "import threading\n"
    "for _ in range(500): threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    "print('started', flush=True)\n"
    "threading.Event().wait()"
)


def program(folder: Path, *argv: str) -> Program:
    return Program("thing", argv, folder / "thing.pid", folder / "thing.log", {"PATH": "/usr/bin:/bin"}, cwd=folder)


def wait_for(condition, seconds: float = 10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_started_program_is_found_by_its_pid_file_in_a_session_of_its_own(tmp_path: Path):
    thing = program(tmp_path, "sleep", "600")
    child = start(thing)
    try:
        wait_for(lambda: find(thing.pid_file))
        assert find(thing.pid_file).pid == child.pid
        wait_for(lambda: psutil.Process(child.pid).cmdline() == ["sleep", "600"])
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        assert stop(thing.pid_file, seconds=5)
    assert not lives(child.pid)
    assert not thing.pid_file.exists()
    assert not stop(thing.pid_file, seconds=5)


def test_in_the_stack_s_programs_the_collector_looks_seldom_from_the_start(tmp_path: Path):
    files = {"pid_file": tmp_path / "a.pid", "log_file": tmp_path / "a.log"}
    programs = (
        python_program("a", "radar_pipeline.local.inbox", (), tmp_path, **files),
        AwsEndpoint(tmp_path, 1, "us-east-2", "secret").program(Path("ministack"), **files),
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", "import gc; print(gc.get_threshold()[0])"],
            env=each.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for each in programs
    ]
    assert said == ["50000\n"] * 2


def test_a_pid_given_to_another_program_since_is_never_killed(tmp_path: Path):
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        fields = Path(f"/proc/{bystander.pid}/stat").read_text().split()
        fields[21] = str(int(fields[21]) - 1)
        pid_file = tmp_path / "thing.pid"
        pid_file.write_text(" ".join(fields))
        assert find(pid_file) is None
        assert not stop(pid_file, seconds=1)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "12", "not a pid file", "99999999 (gone) S 1 1", "1 (init) S"])
def test_a_damaged_pid_file_names_nobody(tmp_path: Path, content: str):
    pid_file = tmp_path / "thing.pid"
    pid_file.write_text(content)
    assert find(pid_file) is None
    assert not stop(pid_file, seconds=1)


@given(st.integers(1, 4_194_304), st.integers(0, 10**12), st.text(max_size=15))
def test_pid_and_start_are_read_whatever_the_program_is_called(pid: int, ticks: int, name: str):
    before, after = " ".join(["S", *["1"] * 18]), "0 0 0"
    name = name.replace("\n", " ")
    assert _pid_and_start(f"{pid} ({name}) {before} {ticks} {after}\n") == (pid, ticks)


def test_a_program_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path):
    thing = program(tmp_path, sys.executable, "-c", IGNORES_SIGTERM)
    child = start(thing)
    wait_for(lambda: thing.log_file.read_text().strip())
    grandchild = int(thing.log_file.read_text())
    assert lives(grandchild)
    begin = time.monotonic()
    assert stop(thing.pid_file, seconds=0.5)
    assert 0.4 < time.monotonic() - begin < 5
    assert not lives(child.pid)
    assert not lives(grandchild)


@pytest.mark.parametrize("how", ["stop", "find"])
def test_a_program_with_threads_has_ended_when_the_last_of_them_has(tmp_path: Path, how: str):
    thing = program(tmp_path, sys.executable, "-c", HAS_THREADS)
    for _ in range(3):
        child = start(thing)
        wait_for(lambda: thing.log_file.read_text().strip())
        if how == "find":
            child.kill()
            while find(thing.pid_file):
                pass
        else:
            stop(thing.pid_file, seconds=5)
        assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        child.wait()


def test_a_stopped_program_is_woken_to_end_cleanly(tmp_path: Path):
    thing = program(tmp_path, "sleep", "600")
    child = start(thing)
    wait_for(lambda: find(thing.pid_file))
    psutil.Process(child.pid).suspend()
    begin = time.monotonic()
    assert stop(thing.pid_file, seconds=30)
    assert time.monotonic() - begin < 5


def test_a_program_that_ends_at_once_is_reported_with_its_last_log_lines(tmp_path: Path):
    thing = program(tmp_path, "/bin/sh", "-c", "seq 1 100; echo no such disk >&2; exit 3")
    with pytest.raises(LocalStackError) as caught:
        wait_until_ready(thing, start(thing), lambda: False, seconds=10)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("thing ended with exit status 3 while it was starting. Last lines of")
    assert lines[-2:] == ["    100", "    no such disk"]
    assert len(lines) < 20
    assert not thing.pid_file.exists()


def test_a_program_that_never_answers_is_stopped_and_reported(tmp_path: Path):
    thing = program(tmp_path, "sleep", "600")
    child = start(thing)
    with pytest.raises(LocalStackError, match=r"thing did not answer within 0 s and was stopped again"):
        wait_until_ready(thing, child, lambda: False, seconds=0.3)
    assert not lives(child.pid)


def test_the_log_of_the_start_before_is_kept(tmp_path: Path):
    for word in ("first", "second"):
        thing = program(tmp_path, "echo", word)
        start(thing).wait()
    assert thing.log_file.read_text() == "second\n"
    assert Path(f"{thing.log_file}.1").read_text() == "first\n"


def test_a_server_of_a_test_process_that_is_killed_ends_too(tmp_path: Path):
    code = (
        "import time; from pathlib import Path; from radar_pipeline.local.processes import Program, start\n"
        "from radar_pipeline_tests.servers import tied_to_this_process\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "start(tied_to_this_process(Program('thing', ('sleep', '600'), folder / 'thing.pid', folder / 'thing.log',"
        " {'PATH': '/usr/bin:/bin'}, cwd=folder)))\n"
        "time.sleep(600)"
    )
    tester = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    try:
        wait_for(lambda: find(tmp_path / "thing.pid"), 30)
        server = find(tmp_path / "thing.pid")
        wait_for(lambda: server.cmdline() == ["sleep", "600"])
    finally:
        tester.kill()
        tester.wait()
    wait_for(lambda: not lives(server.pid))


def test_a_port_that_echoes_is_no_endpoint_that_is_ready(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:

        def echo() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(connection.recv(4096))

        echoing = Thread(target=echo)
        echoing.start()
        assert not AwsEndpoint(tmp_path, other.getsockname()[1], "us-east-2", "secret").is_ready()
        echoing.join()
