"""Programs that outlive the command that started them: start, find again, stop, and say why one did not come up.

A program's pid file holds the line of ``/proc/<pid>/stat`` that it had when it started. Pid and start time in clock
ticks together name one process until the machine reboots, so a pid that the kernel gave to another program since is
never taken for ours, and never killed. (psutil's ``create_time`` moves with the wall clock; the ticks do not.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from radar_pipeline.local import startup
from radar_pipeline.local.errors import LocalStackError

# The shell writes its own pid file and then becomes the program, pid and start time unchanged. A starter that is killed
# between the fork and its next line therefore cannot leave a program behind that nobody knows of.
_WRITE_PID_AND_BECOME = 'read -r stat < /proc/self/stat; printf "%s\\n" "$stat" > "$0"; exec "$@"'

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_LOG_LINES_SHOWN = 15
_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Program:
    """A program of the stack and the files that belong to it.

    Attributes:
        name: What people call it (``mariadb``).
        argv: Program and arguments.
        pid_file: Where its pid and start time are kept.
        log_file: Where its output goes; the log of the start before is kept as ``<name>.1``.
        environment: Its whole environment; nothing is inherited. Not in the repr: it may hold secrets.
        cwd: Directory it runs in.
        stop_seconds: How long a clean stop may take before it is killed.
    """

    name: str
    argv: tuple[str, ...]
    pid_file: Path
    log_file: Path
    environment: Mapping[str, str] = field(repr=False)
    cwd: Path
    stop_seconds: float = 30.0


def python_program(
    name: str, module: str, arguments: Sequence[str], home: Path, *, pid_file: Path, log_file: Path
) -> Program:
    """A module of this package as a program that runs in its own folder."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", str(home)),
        "PYTHONPATH": f"{startup.FOLDER}{os.pathsep}{_PACKAGE_ROOT}",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    argv = (sys.executable, "-m", module, *arguments)
    return Program(name, argv, pid_file, log_file, environment, cwd=home, stop_seconds=20)


def find(pid_file: Path) -> psutil.Process | None:
    """The live process that a pid file names, or None: never started, ended, or its pid is another program's now."""
    try:
        noted = _pid_and_start(pid_file.read_text(encoding="utf-8"))
        if noted is None:
            return None
        now = _pid_and_start(Path(f"/proc/{noted[0]}/stat").read_text(encoding="utf-8"))
        if now != noted:
            return None
        process = psutil.Process(noted[0])
    except (OSError, psutil.Error):
        return None
    return process if _lives(process) else None


def _pid_and_start(stat: str) -> tuple[int, int] | None:
    """Pid and start time (field 22, in ticks since boot) of a ``/proc/<pid>/stat`` line; see proc(5)."""
    try:
        # The second field is the program's name in brackets and may hold anything, brackets and blanks included.
        pid, rest = stat.split(" ", 1)[0], stat.rsplit(")", 1)[1].split()
        return int(pid), int(rest[19])
    except (IndexError, ValueError):
        return None


def start(program: Program) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, away from this terminal and its signals."""
    program.pid_file.parent.mkdir(parents=True, exist_ok=True)
    program.log_file.parent.mkdir(parents=True, exist_ok=True)
    program.pid_file.unlink(missing_ok=True)
    if program.log_file.exists():
        program.log_file.replace(program.log_file.with_name(f"{program.log_file.name}.1"))
    with program.log_file.open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", _WRITE_PID_AND_BECOME, str(program.pid_file), *program.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.cwd,
            env=dict(program.environment),
            start_new_session=True,
        )


def wait_until_ready(
    program: Program, child: subprocess.Popen[bytes], is_ready: Callable[[], bool], *, seconds: float
) -> None:
    """Waits until a server that was just started answers.

    Another program may have taken its port a moment before and answer in its stead, until it notices and ends. So it
    must listen itself, too.

    Args:
        program: The program.
        child: What ``start`` gave.
        is_ready: Whether it answers now.
        seconds: How long to wait at most.

    Raises:
        LocalStackError: It ended or did not answer in time; the message ends with its last log lines.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        code = child.poll()
        if code is not None:
            program.pid_file.unlink(missing_ok=True)
            message = f"{program.name} ended with exit status {code} while it was starting.{_log_tail(program)}"
            raise LocalStackError(message)
        # In this order: to find its sockets reads those of the whole machine, which are thousands on a busy one.
        if is_ready() and _listens(child.pid):
            return
        time.sleep(_POLL_SECONDS)
    stop(program.pid_file, seconds=program.stop_seconds)
    message = f"{program.name} did not answer within {seconds:.0f} s and was stopped again.{_log_tail(program)}"
    raise LocalStackError(message)


def _listens(pid: int) -> bool:
    """Whether a process waits for connections on some port; taken for granted where the system does not tell."""
    try:
        return any(each.status == psutil.CONN_LISTEN for each in psutil.Process(pid).net_connections("tcp"))
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _log_tail(program: Program) -> str:
    lines = tail(program.log_file)
    shown = "".join(f"\n    {line}" for line in lines) or "\n    (it wrote nothing)"
    return f" Last lines of {program.log_file}:{shown}"


def tail(log_file: Path, lines: int = _LOG_LINES_SHOWN) -> list[str]:
    """The last lines of a log; empty where there is none."""
    try:
        with log_file.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 16_384))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []


def stop(pid_file: Path, *, seconds: float) -> bool:
    """Stops the process of a pid file and everything it started.

    SIGTERM first, because ministack saves its state only on a clean stop; SIGKILL after ``seconds``.

    Returns:
        Whether there was anything to stop.
    """
    process = find(pid_file)
    if process is None:
        pid_file.unlink(missing_ok=True)
        return False
    family = [process]
    with contextlib.suppress(psutil.Error):
        family += process.children(recursive=True)
    with contextlib.suppress(psutil.Error):
        process.send_signal(signal.SIGTERM)
        # A stopped process (SIGSTOP, Ctrl-Z) would keep the signal waiting until it is killed.
        process.send_signal(signal.SIGCONT)
    if _wait_for_end([process], seconds):
        family = family[1:]
    for each in family:
        with contextlib.suppress(psutil.Error):
            each.kill()
    if not _wait_for_end(family, _KILL_SECONDS) and find(pid_file):
        pid = process.pid
        message = f"process {pid} cannot be stopped, not even with SIGKILL; see `ps -o pid,stat,wchan {pid}`"
        raise LocalStackError(message)
    pid_file.unlink(missing_ok=True)
    return True


def _wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Whether all of them ended in time. A zombie has ended, however long its parent takes to notice.

    (psutil's own wait goes on until the parent has: two seconds under a container's init, for ever under none.)
    """
    deadline = time.monotonic() + seconds
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _lives(process: psutil.Process) -> bool:
    """Whether any of its threads is left. The first may be a zombie while others still hold its files and ports."""
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.Error:
        return False
