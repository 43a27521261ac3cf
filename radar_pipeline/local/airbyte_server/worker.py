"""One worker process: started with its order, read line by line, ended politely or not."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import IO, Any

import psutil

from radar_pipeline.local.extract.program import perform_in_fork

# The worker stops within 2 s of SIGTERM; past this it is killed.
GRACE_SECONDS = 4.0

_ENCODING, _ERRORS = "utf-8", "replace"

# A worker is a fork of a process that has loaded what it needs, which takes 0.3 to 0.45 s.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["radar_pipeline.local.extract.preloaded"])
# The exit code of a fork can be read once; starting another reads those of all that have ended.
_FORKING = threading.Lock()


@dataclass(frozen=True)
class Started:
    """A process that got its order and leads a process group of its own.

    Attributes:
        pid: Its number.
        poll: Its exit code; None while it runs.
        wait: Its exit code, once it has ended.
        stdout: Its events.
        stderr: Its log.
    """

    pid: int
    poll: Callable[[], int | None]
    wait: Callable[[], int]
    stdout: IO[str]
    stderr: IO[str]


Start = Callable[[Mapping[str, Any]], Started]
"""Starts a worker with its order. Raises OSError where it cannot."""


def program(command: Sequence[str]) -> Start:
    """A worker that is a program of its own, which takes its order from standard input."""

    def start(order: Mapping[str, Any]) -> Started:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding=_ENCODING,
            errors=_ERRORS,
            start_new_session=True,
        )
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - pipes were asked for
        try:
            process.stdin.write(json.dumps(order))
            process.stdin.close()
        except BrokenPipeError:
            pass  # It died before reading; its exit code tells.
        return Started(process.pid, process.poll, process.wait, process.stdout, process.stderr)

    return start


def fork_extraction(order: Mapping[str, Any]) -> Started:
    """The extraction worker of the local stack, as a fork."""
    stdout, its_stdout = _FORKS.Pipe(duplex=False)
    stderr, its_stderr = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=perform_in_fork, args=(json.dumps(order), its_stdout, its_stderr))
    with _FORKING, its_stdout, its_stderr:
        _start(process)

    def poll() -> int | None:
        with _FORKING:
            return process.exitcode

    def wait() -> int:
        multiprocessing.connection.wait([process.sentinel])
        code = poll()
        assert code is not None  # noqa: S101 - it has ended
        return code

    assert process.pid is not None  # noqa: S101 - it was started
    return Started(process.pid, poll, wait, _text(stdout), _text(stderr))


class Worker:
    """A running worker.

    Args:
        started: Its process.
        on_log: Called with each line of its standard error, from another thread.
    """

    def __init__(self, started: Started, on_log: Callable[[str], None]) -> None:
        self._process = started
        self._timer: threading.Timer | None = None
        self._log_reader = threading.Thread(target=self._read_log, args=(on_log,), daemon=True)
        self._log_reader.start()

    @property
    def identity(self) -> tuple[int, float]:
        """Process id and start time, which together never come again."""
        try:
            return self._process.pid, psutil.Process(self._process.pid).create_time()
        except psutil.NoSuchProcess:
            return self._process.pid, 0.0

    def lines(self) -> Iterator[str]:
        """Its output until it ends."""
        yield from self._process.stdout

    def wait(self) -> int:
        """Its exit code; negative where a signal ended it."""
        code = self._process.wait()
        self._log_reader.join(timeout=GRACE_SECONDS)
        if self._timer:
            self._timer.cancel()
        return code

    def terminate(self) -> None:
        """Asks it to stop, and kills it where it does not."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)
            self._timer = threading.Timer(GRACE_SECONDS, self.kill)
            self._timer.daemon = True
            self._timer.start()

    def kill(self) -> None:
        """Kills it and whatever it started."""
        if self._process.poll() is None:
            _kill(self._process.pid)

    def _read_log(self, on_log: Callable[[str], None]) -> None:
        for line in self._process.stderr:
            on_log(line.rstrip("\n"))


def end_orphan(pid: int, started: float) -> None:
    """Kills the worker of a server that died, if it still lives: it would go on writing files nobody knows of."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - started) < 1.0:
            _kill(pid)
            process.wait(timeout=GRACE_SECONDS)
    except (psutil.Error, PermissionError):
        return


def _kill(pid: int) -> None:
    # A fork that has only just begun leads no group yet.
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            end(pid, signal.SIGKILL)


def _start(process: ForkServerProcess) -> None:
    """Starts a fork. The process that is forked is started anew where it has died, which shows a moment later."""
    for pause in (0.1, 1.0, None):
        try:
            process.start()
        except (EOFError, ConnectionError):
            if pause is None:
                msg = "the process that workers are forks of has died"
                raise OSError(msg) from None
            time.sleep(pause)
        else:
            return


def _text(pipe: Connection) -> IO[str]:
    """The reading end of a pipe, as text. The connection itself is closed."""
    with pipe:
        return os.fdopen(os.dup(pipe.fileno()), encoding=_ENCODING, errors=_ERRORS)
