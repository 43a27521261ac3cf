from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.audit import Action, AuditEntry, Phase, read_audit, read_open, write_intent, write_outcome
from radar_pipeline.lake.errors import LakeError

NOW = dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)

pytestmark = pytest.mark.integration


def entry(key="a/1", run_id="run-1", at=NOW, **changes):
    given = {
        "action": Action.DELETE,
        "phase": Phase.INTENT,
        "plan_made_at": NOW - dt.timedelta(hours=1),
        "table": "promoção",
        "day": dt.date(2019, 1, 2),
        "size": 1234,
        "etag": '"beef"',
        "tier": StorageClass.GLACIER,
        "reason": "older than 2,555 days",
        "version_id": "v1",
    }
    return AuditEntry(run_id, at=at, key=key, **given | changes)


def test_what_is_written_is_read_back_unchanged_by_run_and_by_day(store, layout):
    deletion = entry()
    move = entry("a/2", "run 2/ç", NOW + dt.timedelta(days=1), action=Action.MOVE, to=StorageClass.STANDARD_IA)
    plain = entry("a/3", "run-1", NOW + dt.timedelta(days=2), version_id=None, plan_made_at=None)
    batches = [write_intent(store, layout, [each]) for each in (deletion, move, plain)]
    done = replace(deletion, phase=Phase.DONE, marker_id="m1")
    failed = replace(move, phase=Phase.FAILED, problem="S3 refused")
    write_outcome(store, batches[0], [done])
    write_outcome(store, batches[1], [failed])

    assert read_audit(store, layout) == (deletion, done, move, failed, plain)
    assert read_audit(store, layout, run_id="run-1") == (deletion, done, plain)
    assert read_audit(store, layout, run_id="run 2/ç") == (move, failed)
    assert read_audit(store, layout, run_id="run") == ()
    second = NOW.date() + dt.timedelta(days=1)
    assert read_audit(store, layout, first=second) == (move, failed, plain)
    assert read_audit(store, layout, last=second) == (deletion, done, move, failed)
    assert read_audit(store, layout, first=second, last=second) == (move, failed)


def test_an_intent_without_its_outcome_is_open_until_it_has_one(store, layout):
    closed, opened = (write_intent(store, layout, [entry(key)]) for key in ("a/1", "a/2"))
    old = write_intent(store, layout, [entry("a/3", at=NOW - dt.timedelta(days=30))])
    write_outcome(store, closed, [])
    assert read_open(store, layout, since=NOW.date()) == (opened,)
    assert read_open(store, layout, since=old.entries[0].at.date()) == (old, opened)
    write_outcome(store, opened, [])
    assert read_open(store, layout, since=NOW.date()) == ()


def test_a_damaged_record_is_named_and_among_the_open_ones_hides_no_other(store, layout):
    opened = write_intent(store, layout, [entry()])
    damaged = f"{layout.audit_folder(NOW.date())}run=x/20261124T063000000000Z-x-intent.jsonl"
    store.put(damaged, b'{"run_id": "x"}\n')
    with pytest.raises(LakeError, match=r"run=x/.* cannot be read"):
        read_audit(store, layout)
    assert read_audit(store, layout, run_id="run-1") == opened.entries
    problems = {each.intent_key: each.problem for each in read_open(store, layout, since=NOW.date())}
    assert problems[opened.intent_key] == ""
    assert damaged in problems[damaged]


def test_what_a_later_version_adds_is_passed_over(store, layout):
    batch = write_intent(store, layout, [entry()])
    store.put(batch.intent_key, store.read(batch.intent_key).replace(b'{"run_id"', b'{"colour":"blue","run_id"'))
    assert read_audit(store, layout) == batch.entries
