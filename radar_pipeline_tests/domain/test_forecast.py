"""The forecast: sums that can be followed by hand, and what must hold for every load."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.forecast import DailyLoad, YearCost, daily_load, forecast
from radar_pipeline.domain.prices import GB
from radar_pipeline.domain.retention import RetentionClass, RetentionPolicy, SmallObjects, Transition
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.tables.prices import load_prices
from radar_pipeline_tests.domain.retention_samples import LARGE, LAYOUT, ago, stored
from radar_pipeline_tests.domain.test_prices import PRICES

IA, GLACIER = StorageClass.STANDARD_IA, StorageClass.GLACIER


def costs(load: DailyLoad, retention: RetentionClass, *, years: int = 2, noncurrent: int = 0) -> tuple[YearCost, ...]:
    policy = RetentionPolicy(classes={"default": retention}, noncurrent_days=noncurrent)
    return forecast([load], policy=policy, classes={}, prices=PRICES, years=years).total.years


def by_hand(load: DailyLoad, months_of: list[float], once_by_age: dict[int, float]) -> float:
    """Adds up what each daily snapshot has cost, day for day: one list entry for each age."""
    total = 0.0
    for today in range(len(months_of)):
        for age in range(today + 1):
            total += months_of[age] * 12 / 365 + once_by_age.get(age, 0.0)
    return total


def test_a_year_without_a_policy_is_storage_and_the_requests_that_bring_the_data() -> None:
    load = DailyLoad("store", 2, GB)
    (year,) = costs(load, RetentionClass(transitions=(), delete_after_days=None), years=1)
    assert year.unmanaged_usd == pytest.approx(by_hand(load, [1.0] * 365, {0: 2 * 4.0 / 1000}))
    assert year.policy_usd == pytest.approx(year.unmanaged_usd)
    assert year.unmanaged_bytes == 365 * GB


def test_a_year_under_the_policy_pays_each_tier_by_age_and_each_transition_once() -> None:
    load = DailyLoad("store", 2, GB)
    (year,) = costs(load, RetentionClass(), years=1)
    months = [
        PRICES.storage_month(StorageClass.STANDARD if age < 30 else IA if age < 90 else GLACIER, GB / 2, 2)
        for age in range(365)
    ]
    requests = {0: 2 * 4.0 / 1000, 30: 2 * 10.0 / 1000, 90: 2 * 30.0 / 1000}
    assert year.policy_usd == pytest.approx(by_hand(load, months, requests))


def test_what_is_deleted_is_billed_until_its_versions_are_gone_and_a_minimum_time_to_its_end() -> None:
    load = DailyLoad("store", 1, GB)
    gone = RetentionClass("short", (), 10)
    (year,) = costs(load, gone, years=1, noncurrent=5)
    assert year.policy_bytes == 15 * GB
    early = RetentionClass("early", (Transition(30, IA),), 40)
    (year,) = costs(load, early, years=1)
    months = [1.0] * 30 + [0.5] * 10 + [0.0] * 325
    rest = 20 * 0.5 * 12 / 365
    assert year.policy_usd == pytest.approx(by_hand(load, months, {0: 0.004, 30: 0.010, 40: rest}))


def test_small_objects_stay_in_standard_unless_they_are_merged() -> None:
    load = DailyLoad("store", 10, 10 * 100 * 1024)
    keep, compact = RetentionClass(), RetentionClass(small_objects=SmallObjects.COMPACT)
    kept, merged = costs(load, keep)[-1], costs(load, compact)[-1]
    assert kept.policy_total_usd == pytest.approx(kept.unmanaged_total_usd)
    assert merged.policy_usd != kept.policy_usd
    prices = load_prices()
    policy = RetentionPolicy(classes={"default": keep, "merged": compact})
    many = [DailyLoad("kept", 10, 10 * 100 * 1024), DailyLoad("merged", 10, 10 * 100 * 1024)]
    found = forecast(many, policy=policy, classes={"merged": "merged"}, prices=prices)
    assert found.tables[1].policy_usd < found.tables[0].policy_usd, "at real prices merging pays within seven years"


def test_seven_years_of_the_specification_at_list_prices_save_most_of_the_cost() -> None:
    load = DailyLoad("store", 4, GB)
    found = forecast(
        [load, DailyLoad("menu", 1, 64 * 1024)], policy=RetentionPolicy(), classes={}, prices=load_prices()
    )
    store, menu = found.tables
    # 2,555 GB in STANDARD at the end: 2,555 x 0.023 x 12 / 2 for the last year and so on, about 2,470 USD in all.
    assert store.unmanaged_usd == pytest.approx(0.023 * 12 / 365 * 2555 * 2556 / 2 + 2555 * 4 * 0.005 / 1000, rel=1e-6)
    assert 0.15 < store.policy_usd / store.unmanaged_usd < 0.25
    assert menu.saved_usd == pytest.approx(0, abs=1e-9), "what S3 does not move saves nothing"
    assert found.total.saved_usd == pytest.approx(store.saved_usd + menu.saved_usd)
    assert [year.year for year in found.total.years] == list(range(1, 8))
    assert found.total.load.objects == 5


def test_a_load_is_the_mean_of_the_newest_days_and_counts_data_only() -> None:
    days = [stored(ago(back), name) for back in range(40) for name in ("a.parquet", "b.parquet")]
    older = [stored(ago(60), size=10**12)]
    marks = [stored(ago(0), "_SUCCESS", size=0), stored(ago(0), "notes.txt", size=10**9)]
    assert daily_load("store", [*days, *older, *marks], LAYOUT) == DailyLoad("store", 2, 2 * LARGE)
    assert daily_load("store", marks, LAYOUT) is None


LOADS = st.builds(DailyLoad, st.just("store"), st.floats(1, 1000), st.floats(1, 1e12))
KINDS = st.sampled_from(
    [RetentionClass(), RetentionClass(small_objects=SmallObjects.COMPACT), RetentionClass("x", (), 400)]
)


@given(LOADS, KINDS, st.floats(1, 100))
def test_costs_grow_with_time_and_with_the_load(load: DailyLoad, retention: RetentionClass, times: float) -> None:
    years = costs(load, retention, noncurrent=30)
    for before, after in itertools.pairwise(years):
        assert after.policy_total_usd > before.policy_total_usd
        assert after.unmanaged_usd > before.unmanaged_usd
        assert after.policy_total_usd == pytest.approx(before.policy_total_usd + after.policy_usd)
    larger = costs(DailyLoad("store", load.objects * times, load.bytes * times), retention, noncurrent=30)
    if retention.small_objects is SmallObjects.KEEP:  # merged, ten times as many files may pass the least size together
        assert larger[-1].policy_total_usd >= years[-1].policy_total_usd * 0.999999
    assert larger[-1].unmanaged_total_usd >= years[-1].unmanaged_total_usd * 0.999999
