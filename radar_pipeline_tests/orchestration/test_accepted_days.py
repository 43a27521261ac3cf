"""How far back the newest accepted day of a table is found, in a ledger on a real bucket."""

from __future__ import annotations

import datetime as dt

import pytest

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.ledger import CHECKS, Judgement
from radar_pipeline.lake.ledger import record_judgements
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline.orchestration.aging.accepted_days import RECENT_DAYS, STEP_DAYS, AcceptedDays
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

LAYOUT = BronzeLayout("bronze")
TODAY = dt.date(2026, 11, 24)
FIRST = dt.date(2019, 1, 1)


@pytest.fixture
def store(s3: S3Server, bucket: str) -> LakeStore:
    return LakeStore(LakeConfig(bucket, **s3.reach))


def judge(
    store: LakeStore, table: str, day: dt.date, *, accepted: bool = True, by: str = CHECKS, hour: int = 3
) -> None:
    at = dt.datetime.combine(day, dt.time(hour), dt.UTC)
    newest = dt.datetime.combine(day, dt.time(2), dt.UTC)
    record_judgements(store, LAYOUT, day, [Judgement(table, 10, 100, 1, newest, accepted, by, "because", at)])


def test_the_newest_accepted_day_is_found_however_long_ago_it_is(store: LakeStore) -> None:
    ago = {"store": 1, "menu": RECENT_DAYS - 1, "login": RECENT_DAYS, "old": RECENT_DAYS + STEP_DAYS, "oldest": 2_700}
    for table, days in ago.items():
        judge(store, table, TODAY - dt.timedelta(days=days))
        judge(store, table, TODAY - dt.timedelta(days=days + 1))
        # What came after it was doubted.
        judge(store, table, TODAY - dt.timedelta(days=days - 1), accepted=False)
    days = AcceptedDays(store, LAYOUT, TODAY, FIRST)
    assert days.newest("login", far_back=False) is None
    found = days.of([*ago, "never"])
    assert found == {table: TODAY - dt.timedelta(days=number) for table, number in ago.items()} | {"never": None}


def test_a_persons_word_counts_and_a_day_after_the_last_does_not(store: LakeStore) -> None:
    judge(store, "store", TODAY - dt.timedelta(days=3))
    judge(store, "store", TODAY - dt.timedelta(days=1), accepted=False)
    judge(store, "store", TODAY + dt.timedelta(days=1))
    assert AcceptedDays(store, LAYOUT, TODAY, FIRST).newest("store") == TODAY - dt.timedelta(days=3)
    judge(store, "store", TODAY - dt.timedelta(days=1), by="Ana", hour=4)
    assert AcceptedDays(store, LAYOUT, TODAY, FIRST).newest("store") == TODAY - dt.timedelta(days=1)


def test_nothing_is_looked_for_before_the_first_day(store: LakeStore) -> None:
    first = TODAY - dt.timedelta(days=10)
    days = AcceptedDays(store, LAYOUT, TODAY, first)
    assert days.newest("never") is None
    assert days.of(["never", "store"]) == {"never": None, "store": None}


def test_data_from_before_the_first_day_is_looked_for_in_the_ledger_too(store: LakeStore) -> None:
    accepted = TODAY - dt.timedelta(days=700)
    judge(store, "store", accepted)
    days = AcceptedDays(store, LAYOUT, TODAY, TODAY - dt.timedelta(days=10))
    assert days.newest("store") is None
    days.reach_back_to(accepted - dt.timedelta(days=5))
    days.reach_back_to(TODAY)
    assert days.newest("store") == accepted
