"""What bronze partitions are observed as: once for each change, some at a time, and never twice."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.orchestration.tier_marks import DELETED, observations, parse_spans, spans_document
from radar_pipeline_tests.orchestration.alert_location import REGISTRY

FIRST = dt.date(2024, 1, 1)

tiers = st.dictionaries(
    st.integers(0, 40).map(lambda number: FIRST + dt.timedelta(days=number)),
    st.sampled_from([StorageClass.STANDARD, StorageClass.STANDARD_IA, StorageClass.GLACIER]),
)
by_table = st.fixed_dictionaries({"store": tiers, "menu": tiers})


@given(by_table, by_table, st.integers(0, 20))
def test_every_change_is_observed_once_however_few_fit_into_a_run(
    before: dict[str, dict[dt.date, StorageClass]], now: dict[str, dict[dt.date, StorageClass]], most: int
) -> None:
    known = observations(REGISTRY, before, {}, {}).spans
    seen = []
    for _ in range(100 if most else 1):
        # What is remembered has been through JSON.
        found = observations(REGISTRY, now, parse_spans(spans_document(known)), {}, most=most)
        assert len(found.events) <= most
        assert found.waiting or len(found.events) <= most
        seen += [(event.asset_key, event.partition) for event in found.events]
        known = found.spans
        if not found.waiting:
            break
    assert len(seen) == len(set(seen))
    if most:
        assert observations(REGISTRY, now, known, {}).events == ()


def test_a_deleted_day_is_observed_as_such_and_what_is_archived_as_not_readable() -> None:
    days = {FIRST: StorageClass.GLACIER, FIRST + dt.timedelta(days=1): StorageClass.STANDARD_IA}
    gone = FIRST - dt.timedelta(days=1)
    found = observations(REGISTRY, {"store": days}, {}, {"store": (gone,)})
    said = {event.partition: {key: value.value for key, value in event.metadata.items()} for event in found.events}
    assert said == {
        FIRST.isoformat(): {"tier": "GLACIER", "readable": False},
        (FIRST + dt.timedelta(days=1)).isoformat(): {"tier": "STANDARD_IA", "readable": True},
        gone.isoformat(): {"tier": DELETED},
    }


def test_tables_that_were_not_looked_at_stay_as_they_are_known() -> None:
    known = observations(REGISTRY, {"store": {FIRST: StorageClass.GLACIER}}, {}, {}).spans
    found = observations(REGISTRY, {"menu": {FIRST: StorageClass.GLACIER}}, known, {})
    assert found.spans["store"] == known["store"]
    assert parse_spans("nonsense") == {}
