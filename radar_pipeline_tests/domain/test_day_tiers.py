"""Tiers by day, and days in a row in few words."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.day_tiers import changed_days, spans_of, tiers_of_days
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import LakeObject, StorageClass

LAYOUT = BronzeLayout("bronze")
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
FIRST = dt.date(2024, 1, 1)

days = st.dictionaries(
    st.integers(0, 60).map(lambda number: FIRST + dt.timedelta(days=number)),
    st.sampled_from([StorageClass.STANDARD, StorageClass.STANDARD_IA, StorageClass.GLACIER]),
)


def lying(name: str, tier: StorageClass, day: dt.date = FIRST) -> LakeObject:
    return LakeObject(f"{LAYOUT.folder('store', day)}{name}", 1, NOW, '"e"', tier)


def test_the_coldest_data_file_decides_for_its_day_and_markers_do_not_count() -> None:
    found = tiers_of_days(
        [
            lying("a.parquet", StorageClass.STANDARD_IA),
            lying("b.parquet", StorageClass.GLACIER),
            lying("c.parquet", StorageClass.STANDARD),
            lying("_SUCCESS", StorageClass.DEEP_ARCHIVE),
            lying("d.parquet", StorageClass.STANDARD, FIRST + dt.timedelta(days=1)),
            lying("_SUCCESS", StorageClass.STANDARD, FIRST + dt.timedelta(days=2)),
        ],
        LAYOUT,
    )
    assert found == {FIRST: StorageClass.GLACIER, FIRST + dt.timedelta(days=1): StorageClass.STANDARD}


@given(days)
def test_spans_say_of_every_day_what_it_is_and_are_as_few_as_can_be(
    found: dict[dt.date, StorageClass],
) -> None:
    spans = spans_of(found)
    assert changed_days(found, spans) == {}
    assert all(one[2] is not next_one[2] for one, next_one in itertools.pairwise(spans))
    assert all(one[1] < next_one[0] for one, next_one in itertools.pairwise(spans))


@given(days, days)
def test_changed_days_are_those_that_differ_and_nothing_known_means_standard(
    known: dict[dt.date, StorageClass], now: dict[dt.date, StorageClass]
) -> None:
    changed = changed_days(now, spans_of(known))
    for day, tier in now.items():
        if day in known:
            assert (day in changed) == (known[day] is not tier)
    assert changed_days(now, ()) == {day: tier for day, tier in now.items() if tier is not StorageClass.STANDARD}
