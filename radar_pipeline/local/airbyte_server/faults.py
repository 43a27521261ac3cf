"""The catalogue of faults that can be switched on, and the ones that are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Stage(StrEnum):
    """Where a fault takes hold, which is when one of its times is used up."""

    POST = "post"
    JOB = "job"
    POLL = "poll"
    AT_ONCE = "at-once"
    RECORDED = "recorded"


@dataclass(frozen=True)
class Fault:
    """A fault that exists.

    Attributes:
        name: Name on the command line.
        description: What it does, in one line.
        stage: When it takes hold.
        needs_table: Whether it is about one table that must be named.
        eras: Eras in which it can happen.
        options: Its options with their defaults. ``attempts`` is how many first attempts of a job it spoils; None for
            all of them.
    """

    name: str
    description: str
    stage: Stage
    needs_table: bool = False
    eras: tuple[str, ...] = ("0.39", "2.0")
    options: Mapping[str, Any] = field(default_factory=dict)


_ALL = (
    Fault(
        "succeeded-without-data",
        "the job succeeds and nothing is written; report=counts claims every row, report=nothing claims none",
        Stage.JOB,
        options={"attempts": None, "report": "counts"},
    ),
    Fault(
        "stream-fails",
        "one table fails half-way in every attempt, the others are written; words=TEXT is what the failure says",
        Stage.JOB,
        needs_table=True,
        options={"attempts": None, "share": 0.5, "words": None},
    ),
    Fault(
        "upload-fails",
        "S3 answers the first `tries` uploads of one table with HTTP 500; the worker makes 3 tries of each",
        Stage.JOB,
        needs_table=True,
        options={"attempts": None, "tries": 3},
    ),
    Fault(
        "disk-full",
        "the worker's disk is full when the rows of the table (of every table without one) are to be kept on it",
        Stage.JOB,
        options={"attempts": None},
    ),
    Fault(
        "attempt-fails-then-succeeds",
        "the first attempt writes all tables but fails on one; the retry writes all again, so rows lie there twice",
        Stage.JOB,
        options={"attempts": 1, "share": 1.0},
    ),
    Fault(
        "half-written-table",
        "one table is written in part and reported in full",
        Stage.JOB,
        needs_table=True,
        options={"attempts": None, "share": 0.5},
    ),
    Fault(
        "slow-post",
        "the job starts at once, the answer to the POST comes `seconds` later",
        Stage.POST,
        options={"seconds": 20.0},
    ),
    Fault("lost-post-response", "the job starts, the connection is dropped without an answer", Stage.POST),
    Fault("post-500", "the POST is answered with HTTP 500 and no job starts", Stage.POST),
    Fault("post-409", "the POST is answered as if a sync were running, and no job starts", Stage.POST),
    Fault(
        "poll-outage",
        "every API call fails for `seconds` from the first one during a job on (when=now: at once); mode=503 or reset",
        Stage.POLL,
        options={"seconds": 60.0, "mode": "503", "when": "sync"},
    ),
    Fault(
        "queued-first",
        "the job stays `queued` for `seconds` before it runs",
        Stage.JOB,
        eras=("2.0",),
        options={"seconds": 5.0},
    ),
    Fault(
        "crosses-midnight",
        "the attempt begins just after the next midnight UTC: its files lie under the next day",
        Stage.JOB,
        options={"attempts": None, "seconds_after_midnight": 5.0},
    ),
    Fault(
        "s3-denied",
        "S3 refuses every write of the worker, and connection checks fail (checks=false: only the worker is hit)",
        Stage.JOB,
        options={"attempts": None, "checks": True},
    ),
    Fault(
        "mysql-refused",
        "MySQL refuses the worker's connection, and connection checks fail (checks=false: only the worker is hit)",
        Stage.JOB,
        options={"attempts": None, "checks": True},
    ),
    Fault(
        "wrong-password",
        "the worker gives MySQL a wrong password, and connection checks fail (checks=false: only the worker is hit)",
        Stage.JOB,
        options={"attempts": None, "checks": True},
    ),
    Fault(
        "worker-out-of-memory",
        "the worker is killed with SIGKILL once `after_tables` tables are done (default: half of them)",
        Stage.JOB,
        options={"attempts": None, "after_tables": None},
    ),
    Fault("stuck-job", "the job runs without progress until it is cancelled", Stage.JOB, options={"attempts": None}),
    Fault(
        "schema-drift",
        "only recorded: the catalogue is not refreshed while a column changes in MySQL",
        Stage.RECORDED,
        needs_table=True,
    ),
    Fault("reset-running", "a reset of the connection runs for `seconds`", Stage.AT_ONCE, options={"seconds": 20.0}),
    Fault(
        "already-running",
        "someone else starts a sync now; it works for at least `seconds`",
        Stage.AT_ONCE,
        options={"seconds": 10.0},
    ),
)
CATALOGUE: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _ALL})


def _number(value: Any, most: float = math.inf) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= most
    )


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


# Of each option what may be given, in words, and whether a value is that.
_FITS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "attempts": ("a whole number from 1, or null for all of them", lambda given: given is None or _whole(given, 1)),
    "after_tables": ("a whole number from 0, or null for half", lambda given: given is None or _whole(given, 0)),
    "tries": ("a whole number from 0", lambda given: _whole(given, 0)),
    "share": ("a number from 0 to 1", lambda given: _number(given, 1)),
    "seconds": ("a number from 0", _number),
    "seconds_after_midnight": ("a number from 0", _number),
    "checks": ("true or false", lambda given: isinstance(given, bool)),
    "report": ("counts or nothing", ("counts", "nothing").__contains__),
    "mode": ("503 or reset", ("503", "reset").__contains__),
    "when": ("sync or now", ("sync", "now").__contains__),
    "words": ("a text, or null for none", lambda given: given is None or isinstance(given, str)),
}
_TEXTS = frozenset({"report", "mode", "when", "words"})


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is switched on.

    Attributes:
        name: Name in the catalogue.
        table: The table it is about; None where it is about none or any.
        times: How often it will still take hold; None until it is cleared.
        options: Every option of the fault, defaults filled in.
        id: Its number in the store; None for one that a job carries.
    """

    name: str
    table: str | None = None
    times: int | None = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None

    def spoils(self, attempt: int) -> bool:
        """Whether it takes hold in this 0-based attempt of its job."""
        first = self.options.get("attempts")
        return first is None or attempt < first

    @property
    def holds_at_checks(self) -> bool:
        """Whether connection checks and discovery meet it too while it is on. They use up none of its times."""
        return bool(self.options.get("checks", True))

    def as_json(self) -> dict[str, Any]:
        """Its JSON, as the admin API shows it."""
        return {"name": self.name, "table": self.table, "times": self.times, "options": dict(self.options)}


def parse_fault(body: Mapping[str, Any], era: str, tables: tuple[str, ...]) -> ActiveFault:
    """Reads a request to switch a fault on.

    Args:
        body: ``{"name", "table"?, "times"?, "options"?}``.
        era: Name of the server's era.
        tables: Tables that the connection syncs.

    Raises:
        ValueError: What is wrong and what can be given instead.
    """
    fault = CATALOGUE.get(str(body.get("name")))
    if fault is None:
        msg = f"there is no fault named {body.get('name')!r}; there are: {', '.join(CATALOGUE)}"
        raise ValueError(msg)
    if era not in fault.eras:
        msg = f"fault {fault.name} exists only in era {' and '.join(fault.eras)}; this server is of era {era}"
        raise ValueError(msg)
    table = body.get("table")
    if fault.needs_table and not table:
        msg = f"fault {fault.name} is about one table: name it"
        raise ValueError(msg)
    if table and table not in tables:
        msg = f"the connection syncs no table named {table!r}"
        raise ValueError(msg)
    times = body.get("times", 1)
    if times is not None and not _whole(times, 1):
        msg = f"times is {times!r}; give a whole number from 1, or null for until cleared"
        raise ValueError(msg)
    given = body.get("options") or {}
    if not isinstance(given, Mapping):
        msg = f"options are {given!r}; give an object"
        raise ValueError(msg)  # noqa: TRY004 - as for everything else that is wrong with a request
    unknown = sorted(set(given) - set(fault.options))
    if unknown:
        known = ", ".join(fault.options) or "none"
        msg = f"fault {fault.name} has no option {', '.join(unknown)}; it has: {known}"
        raise ValueError(msg)
    options = {name: _read_option(fault.name, name, value) for name, value in given.items()}
    return ActiveFault(fault.name, table, times, {**fault.options, **options})


def _read_option(fault: str, name: str, given: Any) -> Any:
    # On a command line 503 reads as a number, also where it is meant as a text.
    value = str(given) if name in _TEXTS and _number(given) else given
    expected, fits = _FITS[name]
    if not fits(value):
        msg = f"option {name} of fault {fault} is {value!r}; give {expected}"
        raise ValueError(msg)
    return value
