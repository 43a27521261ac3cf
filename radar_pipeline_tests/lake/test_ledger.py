from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from radar_pipeline.domain.counts import SourceCounts
from radar_pipeline.domain.ledger import CHECKS, Judgement
from radar_pipeline.lake.ledger import read_history, record_judgements, record_source_counts

DAY = dt.date(2026, 11, 23)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)

pytestmark = pytest.mark.integration


def judgement(table="store", rows=10, **changes):
    given = {
        "bytes": 900,
        "files": 1,
        "newest": NOON,
        "accepted": True,
        "by": CHECKS,
        "reason": "rows agree: 10 á 10",
        "recorded_at": NOON,
    } | changes
    return Judgement(table, rows, **given)


def test_what_is_recorded_is_read_back_unchanged(store, layout):
    empty = judgement("login", 0, newest=None, files=0)
    counts = SourceCounts(NOON, {"store": 10, "promoção": 3})
    record_judgements(store, layout, DAY, [judgement(), empty])
    record_source_counts(store, layout, DAY, counts)
    history = read_history(store, layout, until=DAY)
    assert history.judgements == {"store": {DAY: (judgement(),)}, "login": {DAY: (empty,)}}
    assert history.source_counts(DAY) == (counts,)
    assert history.unreadable == ()


def test_only_the_days_asked_for_are_read(store, layout):
    for back in range(5):
        record_judgements(store, layout, DAY - dt.timedelta(days=back), [judgement(rows=back)])
    history = read_history(store, layout, until=DAY - dt.timedelta(days=1), days=3)
    assert [day.day for day, _ in history.accepted("store")] == [20, 21, 22]


def test_records_read_once_are_not_fetched_again_and_new_ones_are(store, layout, monkeypatch):
    record_judgements(store, layout, DAY, [judgement()])
    known = {}
    read_history(store, layout, until=DAY, known=known)
    record_judgements(store, layout, DAY, [judgement("login")])
    fetched, read = [], store.read
    monkeypatch.setattr(type(store), "read", lambda _self, key: fetched.append(key) or read(key))
    assert set(read_history(store, layout, until=DAY, known=known).judgements) == {"store", "login"}
    assert len(fetched) == 1
    assert set(fetched) < set(known)


def test_writers_of_the_same_instant_do_not_clash(store, layout):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: record_judgements(store, layout, DAY, [judgement(f"t{n}")]), range(20)))
    assert len(read_history(store, layout, until=DAY).judgements) == 20


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"format":2,"day":"2026-11-23"}', b'{"format":1,"day":"1999-01-01"}']
)
def test_a_damaged_record_is_named_and_the_others_are_read(store, layout, body):
    record_judgements(store, layout, DAY, [judgement()])
    store.put(layout.ledger_folder(DAY) + "20261123T000000-damaged.json", body)
    history = read_history(store, layout, until=DAY)
    assert [judged.rows for _, judged in history.accepted("store")] == [10]
    assert len(history.unreadable) == 1
    assert "damaged.json" in history.unreadable[0]


def test_a_record_that_still_names_columns_is_read(store, layout):
    body = {
        "format": 1,
        "day": DAY.isoformat(),
        "kind": "judgements",
        "judgements": [
            {
                "table": "store",
                "rows": 10,
                "bytes": 900,
                "files": 1,
                "newest": NOON.isoformat(),
                "accepted": True,
                "by": CHECKS,
                "reason": "rows agree: 10 á 10",
                "recorded_at": NOON.isoformat(),
                "schema": [["Id", "int64"]],
            }
        ],
    }
    store.put(layout.ledger_folder(DAY) + "20261123T120000-older.json", json.dumps(body).encode())
    assert read_history(store, layout, until=DAY).judgements == {"store": {DAY: (judgement(),)}}


def test_an_empty_ledger_is_an_empty_history(store, layout):
    assert read_history(store, layout, until=DAY).accepted("store") == ()
