"""One worker process: started with its order, read line by line, ended politely or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psutil

# The worker stops within 2 s of SIGTERM; past this it is killed.
GRACE_SECONDS = 4.0


class Worker:
    """A running worker.

    It leads a process group of its own, so that whatever it starts can be killed with it.

    Args:
        command: Program and arguments.
        order: Its standard input.
        on_log: Called with each line of its standard error, from another thread.
    """

    def __init__(self, command: Sequence[str], order: Mapping[str, Any], on_log: Callable[[str], None]) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._timer: threading.Timer | None = None
        self._log_reader = threading.Thread(target=self._read_log, args=(on_log,), daemon=True)
        self._log_reader.start()
        try:
            assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
            self._process.stdin.write(json.dumps(order))
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # It died before reading; its exit code tells.

    @property
    def identity(self) -> tuple[int, float]:
        """Process id and start time, which together never come again."""
        try:
            return self._process.pid, psutil.Process(self._process.pid).create_time()
        except psutil.NoSuchProcess:
            return self._process.pid, 0.0

    def lines(self) -> Iterator[str]:
        """Its output until it ends."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
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
            self._process.send_signal(signal.SIGTERM)
            self._timer = threading.Timer(GRACE_SECONDS, self.kill)
            self._timer.daemon = True
            self._timer.start()

    def kill(self) -> None:
        """Kills it and whatever it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read_log(self, on_log: Callable[[str], None]) -> None:
        assert self._process.stderr is not None  # noqa: S101 - a pipe was asked for
        for line in self._process.stderr:
            on_log(line.rstrip("\n"))


def end_orphan(pid: int, started: float) -> None:
    """Kills the worker of a server that died, if it still lives: it would go on writing files nobody knows of."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - started) < 1.0:
            os.killpg(pid, signal.SIGKILL)
            process.wait(timeout=GRACE_SECONDS)
    except (psutil.Error, ProcessLookupError, PermissionError):
        return
