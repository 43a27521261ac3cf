"""Who counted what, and how far a living source may have moved."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.counts import SourceCounts, judge_counts, source_band

BEGIN = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
END = BEGIN + dt.timedelta(minutes=45)
MINUTE = dt.timedelta(minutes=1)


def counted(at: dt.datetime, rows: int) -> SourceCounts:
    return SourceCounts(at, {"store": rows})


def test_a_source_that_stood_still_allows_one_number_only() -> None:
    assert source_band([counted(BEGIN - MINUTE, 100), counted(END + MINUTE, 100)], "store", BEGIN, END) == (100, 100)


def test_a_source_that_moved_during_the_sync_is_allowed_for() -> None:
    assert source_band([counted(BEGIN - MINUTE, 100), counted(END + MINUTE, 110)], "store", BEGIN, END) == (90, 120)


def test_one_count_alone_allows_for_drift() -> None:
    assert source_band([counted(END + MINUTE, 10_000)], "store", BEGIN, END) == (9_900, 10_100)


def test_one_count_alone_of_a_small_table_allows_for_a_few_whole_rows() -> None:
    assert source_band([counted(END + MINUTE, 100)], "store", BEGIN, END) == (90, 110)
    assert source_band([counted(END + MINUTE, 3)], "store", BEGIN, END) == (0, 13)


def test_a_count_of_another_hour_says_nothing() -> None:
    far = [counted(BEGIN - 60 * MINUTE, 100), counted(END + 60 * MINUTE, 100)]
    assert source_band(far, "store", BEGIN, END) is None


def test_the_counts_nearest_to_the_sync_are_taken() -> None:
    counts = [
        counted(BEGIN - 20 * MINUTE, 1),
        counted(BEGIN - MINUTE, 7),
        counted(END, 7),
        counted(END + 9 * MINUTE, 99),
    ]
    assert source_band(counts, "store", BEGIN, END) == (7, 7)


def test_times_in_whole_seconds_do_not_hide_the_count_before_a_short_sync() -> None:
    second = dt.timedelta(seconds=1)
    counts = [counted(BEGIN + 0.7 * second, 100), counted(BEGIN + 2.1 * second, 104)]
    assert source_band(counts, "store", BEGIN, BEGIN + second) == (96, 108)


@given(skew=st.floats(-4, 4), lasts=st.floats(10, 3600))
def test_clocks_that_differ_by_seconds_still_show_both_counts(skew: float, lasts: float) -> None:
    end = BEGIN + dt.timedelta(seconds=lasts)
    ahead = dt.timedelta(seconds=skew)
    counts = [counted(BEGIN - 0.1 * MINUTE / 60 + ahead, 100), counted(end + 0.1 * MINUTE / 60 + ahead, 104)]
    assert source_band(counts, "store", BEGIN, end) == (96, 108)


def test_a_count_in_the_middle_of_a_long_sync_says_nothing() -> None:
    assert source_band([counted(BEGIN + 20 * MINUTE, 100)], "store", BEGIN, END) is None


def test_one_count_alone_is_exact_where_no_drift_is_allowed() -> None:
    assert source_band([counted(END + MINUTE, 10_000)], "store", BEGIN, END, drift=0) == (10_000, 10_000)


@given(rows=st.integers(0, 10**9))
def test_no_count_alone_is_loosened_by_a_row_where_no_drift_is_allowed(rows: int) -> None:
    assert source_band([counted(BEGIN - MINUTE, rows)], "store", BEGIN, END, drift=0) == (rows, rows)


def test_a_table_that_nobody_counted_has_no_band() -> None:
    assert source_band([counted(BEGIN, 1)], "menu", BEGIN, END) is None


def test_all_three_agreeing_pass_and_are_named() -> None:
    verdict = judge_counts(5, airbyte=5, total=None, source=(5, 5))
    assert verdict.passed
    assert verdict.reasons == ("5 rows by footers, Airbyte, the source",)


def test_each_one_who_disagrees_is_named() -> None:
    verdict = judge_counts(5, airbyte=6, total=None, source=(7, 8))
    assert not verdict.passed
    assert [("Airbyte" in reason, "source" in reason) for reason in verdict.reasons] == [(True, False), (False, True)]


def test_an_old_server_is_held_to_its_total() -> None:
    assert judge_counts(5, airbyte=None, total=(100, 100), source=None).passed
    assert not judge_counts(5, airbyte=None, total=(100, 101), source=None).passed


def test_footers_alone_pass_and_say_that_nobody_else_was_asked() -> None:
    assert "neither Airbyte nor the source" in judge_counts(5, airbyte=None, total=None, source=None).reasons[0]


@given(before=st.integers(0, 10**9), after=st.integers(0, 10**9))
def test_what_the_source_held_before_and_after_is_always_within_the_band(before: int, after: int) -> None:
    band = source_band([counted(BEGIN - MINUTE, before), counted(END + MINUTE, after)], "store", BEGIN, END)
    assert band is not None
    assert band[0] <= min(before, after) <= max(before, after) <= band[1]
