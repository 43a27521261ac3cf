"""Whether a failed day is run again: by whom, when, and as which attempt of how many.

The class of the failure alone says which mechanism tries again (``failure``); this is the one that runs the day again.
A sync that is still healthy is adopted by itself, since the next run follows whatever Airbyte is doing for the day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.domain.facts import RunFacts, RunState, last_run
from radar_pipeline.domain.failure import TREATMENTS, Mechanism
from radar_pipeline.domain.thresholds import Thresholds


@dataclass(frozen=True)
class RetryVerdict:
    """Whether the day is run again.

    Attributes:
        again: Whether another run follows, whoever starts it.
        reason: Why, in one sentence.
        failed: Which attempt failed, counted from 1; 0 where none did.
        of: How many attempts the day has in all.
        made: How many runs the day had so far.
        at: When the next run is to be requested, UTC; None where none is, or somebody else starts it.
    """

    again: bool
    reason: str
    failed: int = 0
    of: int = 0
    made: int = 0
    at: dt.datetime | None = None

    @property
    def attempt(self) -> str:
        """For a person: which attempt failed, of how many, and what comes next."""
        if not self.failed:
            return ""
        counted = f"attempt {self.failed} of {max(self.of, self.failed)}"
        if self.at:
            return f"{counted}, the next at {self.at:%H:%M} UTC"
        return f"{counted}, {self.reason}"


def judge_retry(
    day: dt.date, runs: Sequence[RunFacts], *, now: dt.datetime, thresholds: Thresholds, retries: bool = True
) -> RetryVerdict:
    """Decides whether a day is run again after its last failure.

    Args:
        day: The partition.
        runs: Every run of the day that ingests, whoever started it; Dagster's own retries of crashed workers included.
        now: What time it is, UTC.
        thresholds: The budget of a day and the first pause.
        retries: Whether somebody is there to request the next run. Where nobody is, no next run is promised.
    """
    last = last_run(runs)
    if last is None or last.state is RunState.SUCCEEDED:
        return RetryVerdict(again=False, reason="no run of the day failed last")

    def verdict(reason: str, *, again: bool = False, at: dt.datetime | None = None) -> RetryVerdict:
        return RetryVerdict(again, reason, _number(last, runs), thresholds.runs_a_day, len(runs), at)

    if any(not run.state.is_final for run in runs):
        return verdict("the next is waiting or under way", again=True)
    if last.runs_again:
        return verdict("the next follows at once: Dagster runs it again after a crash", again=True)
    if refusal := _refusal(day, last, now):
        return verdict(f"it is not run again: {refusal}")
    made = len(runs)
    if made >= thresholds.runs_a_day:
        return verdict("it was the last")
    at = (last.ended or last.created) + thresholds.retry_pause * 2 ** (made - 1)
    if at.date() != day:
        return verdict("it is not run again: the day would be over")
    if not retries:
        return verdict("nobody runs it again: the retry sensor is not at work")
    return verdict(f"run {made + 1} of {thresholds.runs_a_day} follows a transient failure", again=True, at=at)


def _refusal(day: dt.date, last: RunFacts, now: dt.datetime) -> str | None:
    """Why a day is not run again whatever its budget; None where it may be."""
    if last.state is RunState.TERMINATED:
        return "a person terminated it"
    if day != now.date():
        return f"{day} is past and cannot be extracted any more"
    kind = last.failure.diagnosis.failure_class if last.failure else None
    if kind is None or TREATMENTS[kind].mechanism is not Mechanism.RUN:
        return f"another run would not help against this kind of failure ({kind or 'unknown'})"
    return None


def _number(run: RunFacts, runs: Sequence[RunFacts]) -> int:
    """Which of the day's runs it is, counted from 1."""
    return 1 + sum(other.created < run.created for other in runs)
