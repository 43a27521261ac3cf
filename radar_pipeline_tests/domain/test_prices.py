"""Prices: what S3 bills on top of the bytes, and what a plan costs and saves."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.aging.plan import plan_lake
from radar_pipeline.domain.aging.policy import RetentionClass, RetentionPolicy, SmallObjects
from radar_pipeline.domain.aging.prices import GB, PriceList, TierPrice, cost_of
from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline_tests.domain.retention_samples import POLICY, TODAY, ago, at, plan, stored

STANDARD, IA, GLACIER = StorageClass.STANDARD, StorageClass.STANDARD_IA, StorageClass.GLACIER
KB = 1024
# Round figures, so that a reader can follow each sum.
PRICES = PriceList(
    "nowhere-1",
    dt.date(2026, 1, 1),
    "made up",
    {
        STANDARD: TierPrice(storage=1.0, put=4.0, get=2.0, transition=0.0),
        IA: TierPrice(storage=0.5, put=10.0, get=1.0, transition=10.0, retrieval=0.25, smallest_bytes=128 * KB),
        GLACIER: TierPrice(
            storage=0.1, put=30.0, get=1.0, transition=30.0, overhead_bytes=32 * KB, standard_overhead_bytes=8 * KB
        ),
    },
    {},
)


def test_a_month_is_billed_with_the_smallest_size_and_the_overhead_of_a_tier() -> None:
    assert PRICES.storage_month(STANDARD, GB) == 1.0
    assert PRICES.storage_month(IA, 1) == pytest.approx(0.5 * 128 * KB / GB)
    assert PRICES.storage_month(IA, GB, 3) == pytest.approx(1.5)
    assert PRICES.storage_month(GLACIER, GB, 2) == pytest.approx(2 * (0.1 * (GB + 32 * KB) + 1.0 * 8 * KB) / GB)
    assert PRICES.storage_month(StorageClass.OTHER, GB) == 1.0, "the dearest where no price is known"


def test_a_plan_is_told_by_tier_and_by_action_with_what_it_saves() -> None:
    found = plan_lake(
        [
            plan(
                [
                    stored(TODAY, size=GB),
                    stored(ago(40), size=GB),
                    stored(ago(100), size=GB, tier=IA),
                    stored(ago(2600), size=GB, tier=GLACIER),
                ]
            )
        ],
        POLICY,
        at(TODAY),
    )
    cost = cost_of(found, PRICES)
    assert [(line.name, line.objects, line.bytes) for line in cost.tiers] == [
        ("STANDARD", 2, 2 * GB),
        ("STANDARD_IA", 1, GB),
        ("GLACIER", 1, GB),
    ]
    assert cost.usd_per_month == pytest.approx(2.6, abs=0.001)
    lines = {line.name: line for line in cost.actions}
    assert list(lines) == ["move to STANDARD_IA", "move to GLACIER", "delete"]
    assert lines["move to STANDARD_IA"].usd_per_month == pytest.approx(-0.5)
    assert lines["move to STANDARD_IA"].usd_once == pytest.approx(0.010)
    assert lines["move to GLACIER"].usd_once == pytest.approx(0.030 + 0.25), "reading it out of IA costs too"
    assert lines["delete"].usd_per_month == pytest.approx(-0.1, abs=0.001)
    assert lines["delete"].usd_once == 0, "S3 deletes for nothing"
    assert cost.usd_per_month_after == pytest.approx(2.6 - 0.5 - 0.4 - 0.1, abs=0.001)


def test_merging_costs_its_requests_and_saves_nothing_by_itself() -> None:
    small = [stored(ago(40), f"{number}.parquet", size=100 * KB) for number in range(2)]
    found = plan(small, retention=RetentionClass(small_objects=SmallObjects.COMPACT))
    (line,) = cost_of(plan_lake([found], RetentionPolicy(), at(TODAY)), PRICES).actions
    assert (line.name, line.objects, line.usd_per_month) == ("compact", 2, 0.0)
    assert line.usd_once == pytest.approx(2 * (2.0 + 4.0) / 1000 + 4.0 / 1000)


def test_an_empty_plan_costs_nothing() -> None:
    cost = cost_of(plan_lake([], POLICY, at(TODAY)), PRICES)
    assert (cost.tiers, cost.actions, cost.usd_per_month_after, cost.usd_once) == ((), (), 0, 0)


@given(st.sampled_from([STANDARD, IA, GLACIER]), st.integers(0, 10 * GB), st.integers(0, GB), st.integers(1, 100))
def test_more_never_costs_less(tier: StorageClass, size: int, more: int, objects: int) -> None:
    assert PRICES.storage_month(tier, size + more, objects) >= PRICES.storage_month(tier, size, objects)
    assert PRICES.storage_month(tier, size, objects + 1) >= PRICES.storage_month(tier, size, objects)
    assert PRICES.move_once(tier, GLACIER, size + more) >= PRICES.move_once(tier, GLACIER, size)
