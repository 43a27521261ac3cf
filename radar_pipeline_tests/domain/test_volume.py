"""The volume rule, case by case and in general."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.volume import AcceptedCount, judge_volume

START = dt.date(2026, 11, 1)


def history(*rows: int) -> list[AcceptedCount]:
    return [AcceptedCount(START + dt.timedelta(days=i), count) for i, count in enumerate(rows)]


GROWING = history(*(10_000 + 20 * day for day in range(10)))
STILL = history(*([200] * 10))


@pytest.mark.parametrize(
    ("rows", "past", "passed"),
    [
        (1000, history(), True),
        (0, history(), False),
        (0, history(1000), False),
        (1200, history(1000), True),
        (1201, history(1000), False),
        (800, history(1000), True),
        (799, history(1000), False),
        (2000, history(1000), False),
        (200, STILL, True),
        (10_200, GROWING, True),
        (9_180, GROWING, False),
        (GROWING[-1].rows, GROWING, False),
        (11, history(10), True),
        (13, history(10), False),
        (5, history(0), True),
    ],
)
def test_each_case_of_the_rule(rows: int, past: list[AcceptedCount], passed: bool) -> None:
    verdict = judge_volume(rows, past, limit=0.20)
    assert verdict.passed is passed, verdict.reasons
    assert verdict.reasons


def test_an_empty_load_fails_even_without_history_and_says_so() -> None:
    assert judge_volume(0, [], limit=0.2).reasons == ("no rows: never right here",)


@pytest.mark.parametrize("incremental", [False, True])
def test_a_table_of_rejected_snapshots_alone_is_not_taken_for_a_new_one(incremental: bool) -> None:
    verdict = judge_volume(1000, [], limit=0.2, incremental=incremental, rejected_before=3)
    assert not verdict.passed
    assert verdict.reasons == (
        "no accepted snapshot in the history that was read; 3 before it were rejected: "
        "accept one with `radar accept` if it is right",
    )
    assert judge_volume(1000, [], limit=0.2, incremental=incremental, rejected_before=0).passed


def test_rejected_snapshots_beside_an_accepted_one_change_nothing() -> None:
    verdict = judge_volume(1000, history(1000), limit=0.2)
    assert judge_volume(1000, history(1000), limit=0.2, rejected_before=9) == verdict


def test_an_empty_table_may_be_empty_whatever_was_rejected_before() -> None:
    assert judge_volume(0, [], limit=0.2, may_be_empty=True, rejected_before=2).passed


def test_a_table_that_may_be_empty_may_be_empty() -> None:
    assert judge_volume(0, history(0), limit=0.2, may_be_empty=True).passed


def test_a_tenth_lost_is_found_in_a_table_that_only_ever_grew() -> None:
    verdict = judge_volume(9_162, GROWING, limit=0.20)
    assert not verdict.passed
    assert "its own history of 9 movements" in verdict.reasons[0]


def test_a_repeated_copy_is_found_in_a_table_that_moves_every_day() -> None:
    assert "a repeated copy?" in judge_volume(GROWING[-1].rows, GROWING, limit=0.20).reasons[0]


def test_a_table_that_never_moves_may_go_on_standing_still() -> None:
    assert judge_volume(200, STILL, limit=0.05).passed


def test_habit_never_widens_the_written_limit() -> None:
    wild = history(1000, 1500, 700, 1600, 800, 1500, 700, 1600, 1000)
    verdict = judge_volume(790, wild, limit=0.20)
    assert (verdict.lower, verdict.upper) == (800, 1200)
    assert not verdict.passed


@pytest.mark.parametrize(
    ("rows", "passed"), [(100, True), (51, True), (199, True), (40, False), (260, False), (0, False)]
)
def test_increments_are_held_to_half_and_double_of_the_usual(rows: int, passed: bool) -> None:
    past = history(100, 90, 110, 95, 105, 100, 98, 102)
    assert judge_volume(rows, past, limit=0.20, incremental=True).passed is passed


counts = st.integers(1, 10**9)


@given(rows=st.integers(0, 10**9), past=st.lists(counts, max_size=30), limit=st.floats(0.01, 0.9))
def test_a_verdict_agrees_with_its_own_band(rows: int, past: list[int], limit: float) -> None:
    verdict = judge_volume(rows, history(*past), limit=limit)
    if verdict.passed and verdict.lower is not None and verdict.upper is not None:
        assert verdict.lower <= rows <= verdict.upper
    if rows and past and not verdict.lower <= rows <= verdict.upper:
        assert not verdict.passed


@given(past=st.lists(counts, min_size=1, max_size=30), factor=st.floats(2.5, 100), limit=st.floats(0.01, 0.9))
def test_a_doubled_load_never_passes(past: list[int], factor: float, limit: float) -> None:
    reference = past[-1] + 10
    assert not judge_volume(int(reference * factor) + 1, history(*past[:-1], reference), limit=limit).passed


@given(past=st.lists(counts, min_size=1, max_size=30), limit=st.floats(0.01, 0.9))
def test_no_rows_never_pass_whatever_the_history(past: list[int], limit: float) -> None:
    assert not judge_volume(0, history(*past), limit=limit).passed
