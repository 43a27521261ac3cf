"""What the measurements share: one result, one table, fresh processes and their peak memory."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]

# The local stack's own, so that nothing is installed twice.
AWS_VENV = PROJECT / ".radar" / "local" / "aws-venv"

_LINE = "{:<50}{:>12}  {:<32}{:>12}{:>9}  {:<30}{:<9}{:>8}"


@dataclass(frozen=True)
class Measured:
    """One row of the common table.

    Attributes:
        what: What was measured.
        ours: Our figure.
        peer: Whom it is measured against.
        against: The peer's figure.
        ratio: The figure that the target speaks about, where it is a ratio; the peer's by ours unless said otherwise.
        target: What is to be reached, in words.
        reached: Whether it is; None where the row has no target.
        unit: Of ours and the peer's figure.
        peak_mb: Our peak memory, where it matters.
    """

    what: str
    ours: float
    peer: str
    against: float
    ratio: float
    target: str
    reached: bool | None
    unit: str = "s"
    peak_mb: float | None = None


def print_table(rows: Sequence[Measured]) -> None:
    """Prints the rows as one table."""
    print(_LINE.format("what", "ours", "against", "", "ratio", "to reach", "reached", "peak MB"))
    for row in rows:
        print(
            _LINE.format(
                row.what,
                f"{row.ours:.2f} {row.unit}",
                row.peer,
                f"{row.against:.2f} {row.unit}",
                f"{row.ratio:.2f} x",
                row.target,
                {True: "yes", False: "NO", None: "-"}[row.reached],
                f"{row.peak_mb:.0f}" if row.peak_mb is not None else "-",
            )
        )


def as_json(rows: Iterable[Measured]) -> str:
    """The rows for a program."""
    return json.dumps([asdict(row) for row in rows], indent=2)


def status(rows: Iterable[Measured]) -> int:
    """Exit status of a command: 1 where a target is missed."""
    return int(any(row.reached is False for row in rows))


def end_cleanly_when_told() -> None:
    """Makes a request to end stop the servers that this process started, as an interrupt does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def median(values: Iterable[float]) -> float:
    """The middle value: whatever else the machine does bends a mean."""
    return statistics.median(values)


def in_fresh_process(
    module: str, request: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Runs a module that reads a JSON document and prints one as its last line.

    Raises:
        SystemExit: It failed; what it printed is in the message.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, "--child"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=None if environment is None else dict(environment),
    )
    if done.returncode:
        message = f"{module} ended with {done.returncode}:\n{done.stderr[-4000:]}"
        raise SystemExit(message)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mb() -> float:
    """Peak memory of this process. ``getrusage`` would count what the parent held when it started this one."""
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")) / 1024
