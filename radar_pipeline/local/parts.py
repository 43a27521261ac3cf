"""One part of the stack: which program it is, as what it was started, and how it is brought to run as wanted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from radar_pipeline.local.files import write_private
from radar_pipeline.local.processes import Program, find, start, stop, wait_until_ready
from radar_pipeline.local.provision import Progress

# A MariaDB that was killed replays its log first; this is for a slow disk, not for the ordinary half second.
_READY_SECONDS = 90.0

# How long a part that runs may be too busy to answer before it counts as hung.
_BUSY_SECONDS = 15.0


@dataclass(frozen=True)
class Part:
    """A part as it should run.

    Attributes:
        program: How it is started.
        is_ready: Whether it answers now.
        inputs: Whatever else it reads at its start and must be started again for.
    """

    program: Program
    is_ready: Callable[[], bool]
    inputs: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes when the part must be started again. PATH is left out: it differs from terminal to terminal."""
        program = self.program
        environment = sorted((name, value) for name, value in program.environment.items() if name != "PATH")
        return hashlib.sha256(repr((program.argv, environment, self.inputs)).encode()).hexdigest()

    @property
    def fingerprint_file(self) -> Path:
        """Holds the fingerprint of the last start."""
        return self.program.pid_file.with_suffix(".started-as")


def ensure_running(part: Part, progress: Progress) -> list[str]:
    """Leaves a part alone that runs as wanted, and starts it, or starts it again, otherwise.

    Returns:
        What was done, in one phrase; empty where nothing was.

    Raises:
        LocalStackError: It did not come up.
    """
    program = part.program
    done = f"{program.name} started"
    if find(program.pid_file):
        noted = part.fingerprint_file.read_text(encoding="utf-8") if part.fingerprint_file.exists() else None
        if noted == part.fingerprint and _answers(part):
            return []
        done = f"{program.name} started again: " + ("no answer" if noted == part.fingerprint else "other settings")
        progress(f"stopping {program.name}")
        stop(program.pid_file, seconds=program.stop_seconds)
    elif program.pid_file.exists():
        done = f"{program.name} started again: it had ended by itself"
    progress(f"starting {program.name}")
    child = start(program)
    write_private(part.fingerprint_file, part.fingerprint)
    wait_until_ready(program, child, part.is_ready, seconds=_READY_SECONDS)
    return [done]


def _answers(part: Part) -> bool:
    deadline = time.monotonic() + _BUSY_SECONDS
    while not part.is_ready():
        if time.monotonic() > deadline or find(part.program.pid_file) is None:
            return False
        time.sleep(0.2)
    return True
