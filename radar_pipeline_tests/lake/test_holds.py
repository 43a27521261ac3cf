from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.holds import place_hold, read_holds, release_hold

NOW = dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2020, 1, 1), dt.date(2020, 3, 31)

pytestmark = pytest.mark.integration


def place(store, layout, **changes):
    given = {"table": "promoção", "first": FIRST, "last": LAST, "reason": "processo 12/34", "by": "ana", "now": NOW}
    return place_hold(store, layout, **given | changes)


def test_a_hold_holds_until_it_is_released_and_both_stay_on_record(store, layout):
    assert read_holds(store, layout) == ()
    hold = place(store, layout)
    endless = place(store, layout, table="store", first=None, last=None, now=NOW + dt.timedelta(seconds=1))
    assert read_holds(store, layout) == (hold, endless)
    assert hold.covers("promoção", FIRST)
    assert not hold.covers("promoção", LAST + dt.timedelta(days=1))
    assert endless.covers("store", dt.date(1999, 1, 1))

    later = NOW + dt.timedelta(days=3)
    released = release_hold(store, layout, hold.id, by="rui", reason="encerrado", now=later)
    assert read_holds(store, layout) == (released, endless)
    assert (released.released_by, released.released_at, released.release_reason) == ("rui", later, "encerrado")
    assert not released.covers("promoção", FIRST)

    again = release_hold(store, layout, hold.id, by="eva", reason="again", now=later + dt.timedelta(days=1))
    assert again == released
    assert len(store.list_objects(layout.holds_prefix)) == 3


def test_holds_of_the_same_instant_do_not_clash(store, layout):
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda number: place(store, layout, table=f"t{number}"), range(20)))
    assert {hold.id for hold in read_holds(store, layout)} == {hold.id for hold in placed}
    assert len({hold.id for hold in placed}) == 20


def test_of_two_releases_at_once_the_first_counts(store, layout):
    hold = place(store, layout)
    # Written by hand: each had read the hold before the other released it.
    for by, second in (("late", 2), ("early", 1)):
        at = NOW + dt.timedelta(seconds=second)
        body = f'{{"format":1,"kind":"released","id":"{hold.id}","by":"{by}","reason":"r","at":"{at.isoformat()}"}}'
        store.put(f"{layout.holds_prefix}{at:%Y%m%dT%H%M%S%fZ}-{hold.id}-released.json", body.encode())
    assert [each.released_by for each in read_holds(store, layout)] == ["early"]


@pytest.mark.parametrize(
    "changes", [{"reason": " "}, {"by": ""}, {"first": LAST, "last": FIRST}], ids=["reason", "name", "days"]
)
@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_hold_without_a_reason_a_name_or_a_day_is_refused_and_leaves_nothing(store, layout, changes):
    with pytest.raises(ValueError, match="hold"):
        place(store, layout, **changes)
    assert store.list_objects(layout.holds_prefix) == []


@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_hold_that_is_not_there_cannot_be_released(store, layout):
    place(store, layout)
    with pytest.raises(LakeError, match="no hold 20200101-nope") as caught:
        release_hold(store, layout, "20200101-nope", by="ana", reason="r", now=NOW)
    assert caught.value.fault is LakeFault.MISSING


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"format":2,"kind":"placed","id":"x","by":"a","reason":"r","at":"2026-11-24T06:30:00+00:00","table":"t","first":null,"last":null}',
        b'{"format":1,"kind":"placed","id":"x","by":"a","reason":"","at":"2026-11-24T06:30:00+00:00","table":"t","first":null,"last":null}',
        b'{"format":1,"kind":"placed","id":"x","by":"a","reason":"r","at":"2026-11-24T06:30:00+00:00","table":"t"}',
        b'{"format":1,"kind":"released","id":"unknown","by":"a","reason":"r","at":"2026-11-24T06:30:00+00:00"}',
    ],
)
@pytest.mark.parametrize("server", ["ministack"], indirect=True)
def test_a_damaged_record_lets_nobody_believe_that_nothing_is_held(store, layout, body):
    place(store, layout)
    store.put(layout.holds_prefix + "20261124T070000-damaged.json", body)
    with pytest.raises(LakeError, match=r"damaged\.json cannot be read .* nothing is deleted until it is mended"):
        read_holds(store, layout)
