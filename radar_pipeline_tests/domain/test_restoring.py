"""What is asked back from an archive, what it costs, and until when it can be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.prices import GB, PriceList, Retrieval, RetrievalPrice, TierPrice
from radar_pipeline.domain.restoring import (
    RESTORE_TIMES,
    ObservedObject,
    Readability,
    RestorePlan,
    copy_expires_at,
    plan_restore,
    readable_until,
)
from radar_pipeline.domain.tiers import LakeObject, RestoredCopy, StorageClass

NOW = dt.datetime(2026, 11, 24, 10, 30, tzinfo=dt.UTC)
DAY = dt.date(2026, 3, 1)

# Figures that make sums easy to check; the real ones are read from a file (tables/s3_prices.yaml).
PRICES = PriceList(
    region="us-east-2",
    as_of=dt.date(2026, 11, 1),
    source="of the test",
    tiers={StorageClass.STANDARD: TierPrice(storage=0.03, put=0.005, get=0.0004, transition=0.0)},
    retrievals={
        StorageClass.GLACIER: {
            Retrieval.EXPEDITED: RetrievalPrice(0.03, 10.0),
            Retrieval.STANDARD: RetrievalPrice(0.01, 0.05),
            Retrieval.BULK: RetrievalPrice(0.0, 0.0),
        },
        StorageClass.DEEP_ARCHIVE: {
            Retrieval.STANDARD: RetrievalPrice(0.02, 0.1),
            Retrieval.BULK: RetrievalPrice(0.0025, 0.025),
        },
    },
)


def lake_object(
    number: int = 0,
    *,
    day: dt.date = DAY,
    tier: StorageClass = StorageClass.GLACIER,
    copy: RestoredCopy | None = None,
    size: int = GB,
) -> ObservedObject:
    key = f"bronze/store/cog_dt_ingestion={day}/file_store_part_{number}.parquet"
    return ObservedObject(LakeObject(key, size, NOW - dt.timedelta(days=200), '"e"', tier), day, copy)


def plan(
    objects: Sequence[ObservedObject],
    *,
    retrieval: Retrieval = Retrieval.STANDARD,
    days: int = 7,
    extend: bool = False,
    now: dt.datetime = NOW,
) -> RestorePlan:
    last = DAY + dt.timedelta(days=30)
    return plan_restore(
        "store", objects, first=DAY, last=last, retrieval=retrieval, days=days, extend=extend, prices=PRICES, now=now
    )


RUNNING = RestoredCopy(is_ongoing=True)
LIVING = RestoredCopy(is_ongoing=False, expires_at=NOW + dt.timedelta(days=2))
EXPIRED = RestoredCopy(is_ongoing=False, expires_at=NOW)


def test_only_what_is_archived_and_neither_restored_nor_under_way_is_asked_for() -> None:
    made = plan(
        [
            lake_object(0),
            lake_object(1, copy=RUNNING),
            lake_object(2, copy=LIVING),
            lake_object(3, copy=EXPIRED),
            lake_object(4, tier=StorageClass.STANDARD_IA),
            lake_object(5, tier=StorageClass.GLACIER_IR),
            lake_object(6, day=DAY - dt.timedelta(days=1)),
        ]
    )
    assert [each.object.key[-9] for each in made.starts] == ["0", "3"]
    states = {each.object.key[-9]: each.state(NOW) for each in made.objects}
    assert states == {
        "0": Readability.ARCHIVED,
        "1": Readability.RESTORING,
        "2": Readability.RESTORED,
        "3": Readability.ARCHIVED,
        "4": Readability.READABLE,
        "5": Readability.READABLE,
    }
    assert made.extends == ()
    assert len(made.archived) == 4


def test_a_copy_lives_longer_only_where_that_is_asked_for_and_where_it_would() -> None:
    objects = [lake_object(0, copy=LIVING)]
    assert plan(objects, days=30).extends == ()
    assert plan(objects, days=30, extend=True).extends == tuple(objects)
    # S3 sets the end anew from now: two days from now is sooner than what the copy has left.
    assert plan(objects, days=1, extend=True).extends == ()


def test_what_a_restore_costs_is_the_retrieval_the_requests_and_the_copies() -> None:
    made = plan([lake_object(0), lake_object(1), lake_object(2, tier=StorageClass.DEEP_ARCHIVE)], days=9)
    estimate = made.estimate
    assert (estimate.objects, estimate.bytes) == (3, 3 * GB)
    assert estimate.usd_retrieval == pytest.approx(2 * 0.01 + 0.02)
    assert estimate.usd_requests == pytest.approx((2 * 0.05 + 0.1) / 1000)
    # 3 GB for 9 days and the rest of the tenth, at 0.03 USD for 30 days.
    assert estimate.usd_copies == pytest.approx(3 * 0.03 * 10 / 30)
    assert estimate.usd == pytest.approx(0.04 + 0.0002 + 0.03)
    assert made.estimates[Retrieval.BULK].usd < estimate.usd


def test_how_long_it_takes_is_what_the_slowest_archive_takes() -> None:
    both = plan([lake_object(0), lake_object(1, tier=StorageClass.DEEP_ARCHIVE)])
    assert both.estimate.time == RESTORE_TIMES[StorageClass.DEEP_ARCHIVE][Retrieval.STANDARD]
    alone = plan([lake_object(0)])
    assert alone.estimate.time is not None
    assert alone.estimate.time.usually_from == dt.timedelta(hours=3)
    assert alone.estimates[Retrieval.EXPEDITED].time.usually_until == dt.timedelta(minutes=5)  # type: ignore[union-attr]


def test_nothing_comes_quickly_from_the_deepest_archive_and_the_estimate_says_so() -> None:
    made = plan([lake_object(0), lake_object(1, tier=StorageClass.DEEP_ARCHIVE)], retrieval=Retrieval.EXPEDITED)
    assert made.estimate.unavailable == (
        "1 of the files lies in DEEP_ARCHIVE, from which S3 offers no expedited retrieval"
    )
    assert made.estimate.usd == 0
    assert made.estimates[Retrieval.STANDARD].unavailable is None


def test_what_needs_no_restore_costs_nothing_and_takes_no_time() -> None:
    made = plan([lake_object(0, tier=StorageClass.STANDARD), lake_object(1, copy=LIVING)])
    assert not made.is_needed
    assert (made.estimate.usd, made.estimate.time) == (0, None)


def test_to_make_a_copy_live_longer_costs_the_request_and_the_days_beyond_its_end() -> None:
    made = plan([lake_object(0, copy=RestoredCopy(False, dt.datetime(2026, 11, 26, tzinfo=dt.UTC)))], extend=True)
    assert made.estimate.usd_retrieval == 0
    assert made.estimate.usd_requests == pytest.approx(0.05 / 1000)
    # From the 26th to the midnight after 7 days, the 2nd of December.
    assert made.estimate.usd_copies == pytest.approx(0.03 * 6 / 30)
    assert made.estimate.time is None


def test_a_day_can_be_read_until_the_first_of_its_copies_expires() -> None:
    later = RestoredCopy(False, NOW + dt.timedelta(days=5))
    day = [lake_object(0, copy=later), lake_object(1, copy=LIVING), lake_object(2, tier=StorageClass.STANDARD)]
    assert readable_until(day, NOW) == LIVING.expires_at
    assert readable_until([*day, lake_object(3)], NOW) is None
    assert readable_until([*day, lake_object(3, copy=RUNNING)], NOW) is None
    assert readable_until(day, NOW + dt.timedelta(days=3)) is None
    assert readable_until([lake_object(2, tier=StorageClass.STANDARD)], NOW) is None


def test_s3_takes_a_copy_away_at_the_midnight_after_its_days() -> None:
    # The example of S3's own documentation: made on 15 October 10:30 UTC for 3 days, gone on the 19th.
    made = dt.datetime(2012, 10, 15, 10, 30, tzinfo=dt.UTC)
    assert copy_expires_at(made, 3) == dt.datetime(2012, 10, 19, tzinfo=dt.UTC)


copies = st.one_of(
    st.none(),
    st.just(RUNNING),
    st.integers(-5, 400).map(lambda days: RestoredCopy(False, NOW + dt.timedelta(days=days))),
)
lakes = st.lists(
    st.builds(
        lake_object,
        st.integers(0, 9),
        day=st.integers(-2, 40).map(lambda days: DAY + dt.timedelta(days=days)),
        tier=st.sampled_from(StorageClass),
        copy=copies,
        size=st.integers(0, 10 * GB),
    ),
    max_size=12,
    unique_by=lambda each: each.object.key,
)


@given(lakes, st.integers(1, 365), st.booleans(), st.sampled_from(Retrieval))
def test_whatever_lies_there_each_object_is_asked_for_at_most_once_and_only_where_it_must(
    objects: list[ObservedObject], days: int, extend: bool, retrieval: Retrieval
) -> None:
    made = plan(objects, days=days, extend=extend, retrieval=retrieval)
    assert set(made.starts) == {
        each
        for each in objects
        if DAY <= each.day <= DAY + dt.timedelta(days=30) and each.state(NOW) is Readability.ARCHIVED
    }
    assert not set(made.starts) & set(made.extends)
    assert all(each.state(NOW) is Readability.RESTORED for each in made.extends)
    assert extend or not made.extends
    for estimate in made.estimates.values():
        assert estimate.usd >= 0
        assert (estimate.time is None) == (not made.starts or estimate.unavailable is not None)
    # What can be read now can be read after it was asked for, and a copy never ends sooner for it.
    assert all(copy_expires_at(NOW, days) > each.copy.expires_at for each in made.extends if each.copy.expires_at)  # type: ignore[union-attr]


@given(lakes, st.integers(0, 500))
def test_a_day_that_can_be_read_until_a_time_can_be_read_at_any_moment_before(
    objects: list[ObservedObject], hours: int
) -> None:
    end = readable_until(objects, NOW)
    moment = NOW + dt.timedelta(hours=hours)
    if end is not None:
        assert all(each.is_readable(moment) for each in objects) == (moment < end)
