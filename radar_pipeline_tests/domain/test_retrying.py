"""A day is run again only where another run can help, within its budget, and never against a person's word."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.diagnosis import Cause
from radar_pipeline.domain.facts import RunFacts, RunState
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.retrying import judge_retry
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline_tests.domain.day_samples import DAY, at, failure, run

THRESHOLDS = Thresholds(runs_a_day=4)
PASSING = failure(Cause.AIRBYTE_UNREACHABLE, FailureClass.TRANSIENT)


def failed(number: int = 1, kind: FailureClass = FailureClass.TRANSIENT, **changes: object) -> RunFacts:
    return run(number, RunState.FAILED, failure=failure(Cause.UNKNOWN, kind), **changes)


@pytest.mark.parametrize("kind", list(FailureClass))
def test_only_a_transient_failure_is_run_again(kind: FailureClass) -> None:
    verdict = judge_retry(DAY, (failed(kind=kind),), now=at(2, 11), thresholds=THRESHOLDS)
    assert verdict.again is (kind is FailureClass.TRANSIENT)
    assert verdict.again or kind in verdict.reason


@pytest.mark.parametrize(("made", "pause"), [(1, 5), (2, 10), (3, 20)])
def test_the_pause_doubles_with_each_run(made: int, pause: int) -> None:
    runs = tuple(failed(number) for number in range(1, made + 1))
    verdict = judge_retry(DAY, runs, now=at(3), thresholds=THRESHOLDS)
    ended = runs[-1].ended
    assert ended
    assert verdict.at == ended + dt.timedelta(minutes=pause)
    assert (verdict.failed, verdict.of, verdict.made) == (made, 4, made)


def test_the_budget_counts_every_run_of_the_day_whoever_started_it() -> None:
    runs = (*(run(number) for number in (1, 2, 3)), failed(4))
    verdict = judge_retry(DAY, runs, now=at(4), thresholds=THRESHOLDS)
    assert (verdict.again, verdict.reason) == (False, "it was the last")
    assert verdict.attempt == "attempt 4 of 4, it was the last"


def test_what_dagster_runs_again_itself_is_not_asked_for_twice() -> None:
    verdict = judge_retry(DAY, (failed(runs_again=True),), now=at(2, 11), thresholds=THRESHOLDS)
    assert verdict.again
    assert verdict.at is None


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.UNDER_WAY])
def test_nothing_is_asked_for_while_a_run_is_in_hand(state: RunState) -> None:
    verdict = judge_retry(DAY, (run(2, state), failed()), now=at(3), thresholds=THRESHOLDS)
    assert verdict.again
    assert verdict.at is None
    assert verdict.attempt == "attempt 1 of 4, the next is waiting or under way"


def test_what_a_person_terminated_is_never_run_again() -> None:
    runs = (run(2, RunState.TERMINATED), failed())
    verdict = judge_retry(DAY, runs, now=at(3), thresholds=THRESHOLDS)
    assert not verdict.again
    assert "a person terminated it" in verdict.attempt


def test_a_day_that_has_passed_is_not_run_again() -> None:
    assert not judge_retry(DAY, (failed(),), now=at(0, 1, days=1), thresholds=THRESHOLDS).again
    late = failed(created=at(23, 40), started=at(23, 40), ended=at(23, 57))
    verdict = judge_retry(DAY, (late,), now=at(23, 58), thresholds=THRESHOLDS)
    assert (verdict.again, verdict.at) == (False, None)


def test_a_day_whose_last_run_succeeded_needs_no_other() -> None:
    assert not judge_retry(DAY, (run(2), failed()), now=at(3), thresholds=THRESHOLDS).again
    assert judge_retry(DAY, (), now=at(3), thresholds=THRESHOLDS).attempt == ""


@given(
    st.lists(st.tuples(st.sampled_from(list(RunState)), st.sampled_from(list(FailureClass))), max_size=6),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_run_is_asked_for_beyond_the_budget_or_beside_another(
    states: list[tuple[RunState, FailureClass]], budget: int, retries: bool
) -> None:
    runs = tuple(
        failed(number, kind) if state is RunState.FAILED else run(number, state)
        for number, (state, kind) in enumerate(states, start=1)
    )
    thresholds = Thresholds(runs_a_day=budget)
    verdict = judge_retry(DAY, runs, now=at(5), thresholds=thresholds, retries=retries)
    if verdict.at is not None:
        assert len(runs) < budget
        assert all(each.state.is_final for each in runs)
        assert runs[-1].state is RunState.FAILED
        assert verdict.again
        assert retries
        assert verdict.at > (runs[-1].ended or at(5))
