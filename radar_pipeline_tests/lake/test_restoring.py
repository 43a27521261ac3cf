"""Restores against a real S3 over HTTP, with faults injected on the way."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.prices import Retrieval
from radar_pipeline.domain.restoring import ObservedObject, Readability, RestorePlan, copy_expires_at, plan_restore
from radar_pipeline.domain.tiers import RestoredCopy, StorageClass
from radar_pipeline.lake.copies import observe_days, parse_restore
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.following import FollowProgress, RestoreReport, follow
from radar_pipeline.lake.pace import Pace
from radar_pipeline.lake.restoring import Asked, AskedObject, ask_for
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.aws_proxy import Answer, AwsProxy, Seen, access_denied, aws_proxy, s3_error, slow_down
from radar_pipeline_tests.domain.test_restoring import PRICES

pytestmark = pytest.mark.integration

# SeaweedFS has no archive: what is stored there as GLACIER is read at once.
ministack = pytest.mark.parametrize("server", ["ministack"], indirect=True)

FIRST, SECOND = dt.date(2026, 3, 1), dt.date(2026, 3, 2)
ENOUGH = dt.timedelta(seconds=60)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def shortly(_seconds: float) -> None:
    time.sleep(0.1)


@pytest.fixture
def proxy(config: LakeConfig) -> Iterator[AwsProxy]:
    with aws_proxy(config.endpoint_url or "") as proxy:
        yield proxy


@pytest.fixture
def through(config: LakeConfig, proxy: AwsProxy) -> LakeStore:
    """The bucket through the proxy; each request is tried once, so that a fault is seen as it is."""
    return LakeStore(replace(config, endpoint_url=proxy.url, max_attempts=1))


def archive(store: LakeStore, key: str, body: bytes = b"rows", tier: str = "GLACIER") -> str:
    store.s3.put_object(Bucket=store.config.bucket, Key=key, Body=body, StorageClass=tier)
    return key


def files(store: LakeStore, layout: BronzeLayout, count: int, day: dt.date = FIRST) -> list[str]:
    return [archive(store, f"{layout.folder('store', day)}file_store_part_{n}.parquet") for n in range(count)]


def planned(store: LakeStore, layout: BronzeLayout, *, days: int = 3, extend: bool = False) -> RestorePlan:
    return plan_restore(
        "store",
        observe_days(store, layout, "store", FIRST, SECOND),
        first=FIRST,
        last=SECOND,
        retrieval=Retrieval.STANDARD,
        days=days,
        extend=extend,
        prices=PRICES,
        now=now(),
    )


def followed(
    store: LakeStore, plan: RestorePlan, asked: tuple[AskedObject, ...], **options: Callable[[], dt.datetime]
) -> RestoreReport:
    return follow(store, plan, asked, **{"clock": now, "timeout": ENOUGH, "sleep": shortly, **options})  # type: ignore[arg-type]


def restores(proxy: AwsProxy) -> Counter[str]:
    """Restore requests by file."""
    return Counter(name(each) for each in proxy.seen if is_restore(each))


def is_restore(seen: Seen) -> bool:
    return seen.method == "POST" and seen.path.endswith("?restore")


def name(seen: Seen) -> str:
    return seen.path.partition("?")[0].rpartition("/")[2]


@ministack
def test_a_day_is_asked_back_once_followed_to_the_end_and_read(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    keys = files(store, layout, 3)
    deep = archive(store, f"{layout.folder('store', SECOND)}file_store_part_0.parquet", tier="DEEP_ARCHIVE")
    hot = archive(store, f"{layout.folder('store', SECOND)}file_store_part_1.parquet", tier="STANDARD_IA")
    for other in (
        f"{layout.folder('store', FIRST)}_SUCCESS",
        f"{layout.folder('store', SECOND + dt.timedelta(days=1))}file_store_part_0.parquet",
        f"{layout.folder('store', FIRST - dt.timedelta(days=1))}file_store_part_0.parquet",
        f"{layout.folder('store_item', FIRST)}file_store_item_part_0.parquet",
    ):
        archive(store, other)

    plan = planned(through, layout)
    assert [each.object.key for each in plan.objects] == [*keys, deep, hot]
    assert [each.object.key for each in plan.starts] == [*keys, deep]
    told: list[tuple[int, int]] = []
    asked = ask_for(through, plan, clock=now, on_progress=lambda done, of: told.append((done, of)))
    assert [each.outcome for each in asked] == [Asked.STARTED] * 4
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]

    # Beside a run that has started it, and after one was killed, another finds it under way.
    again = planned(through, layout)
    assert len(again.in_state(Readability.RESTORING)) == 4
    assert not again.is_needed

    limited = follow(through, again, (), clock=now, timeout=dt.timedelta(seconds=0.2), sleep=shortly)
    assert (limited.timed_out, limited.is_readable, limited.days[0].under_way) == (True, False, 3)
    assert limited.problems == {}

    seen: list[FollowProgress] = []
    report = follow(through, again, (), clock=now, timeout=ENOUGH, sleep=shortly, on_progress=seen.append)
    assert report.is_readable
    assert (report.problems, report.timed_out) == ({}, False)
    assert seen[0] == FollowProgress(readable=1, under_way=4, objects=5)
    assert seen[-1] == FollowProgress(readable=5, under_way=0, objects=5)
    ends = copy_expires_at(now(), 3)
    assert [(day.day, day.objects, day.readable_until) for day in report.days] == [(FIRST, 3, ends), (SECOND, 2, ends)]
    assert store.s3.get_object(Bucket=store.config.bucket, Key=deep)["Body"].read() == b"rows"

    # What is there is not asked for again, whatever is asked.
    assert ask_for(through, plan, clock=now)[0].outcome is Asked.RESTORED
    assert not planned(through, layout).is_needed
    assert proxy.count("POST", "?restore") == 4

    # A copy lives longer only where that is asked for, and where it would.
    assert not planned(through, layout, days=30).is_needed
    assert not planned(through, layout, days=1, extend=True).is_needed
    longer = planned(through, layout, days=30, extend=True)
    prolonged = ask_for(through, longer, clock=now)
    assert [each.outcome for each in prolonged] == [Asked.EXTENDED] * 4
    assert followed(through, longer, prolonged).days[0].readable_until == copy_expires_at(now(), 30)
    # Planned before another run had made it live for 30 days: to ask now would end it sooner.
    assert {each.outcome for each in ask_for(through, replace(longer, days=9), clock=now)} == {Asked.RESTORED}
    assert proxy.count("POST", "?restore") == 8


@ministack
def test_a_restore_that_another_run_has_begun_in_the_meantime_is_followed(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    begun, moved = files(store, layout, 2)
    plan = planned(through, layout)

    def overtaken(seen: Seen) -> Answer | None:
        if not is_restore(seen):
            return None
        if name(seen) in begun:
            store.s3.restore_object(Bucket=store.config.bucket, Key=begun, RestoreRequest={"Days": 3})
            return s3_error(409, "RestoreAlreadyInProgress")
        archive(store, moved, tier="STANDARD")
        return s3_error(403, "ObjectAlreadyInActiveTierError")

    proxy.rules.append(overtaken)
    asked = ask_for(through, plan, clock=now)
    assert [each.outcome for each in asked] == [Asked.UNDER_WAY, Asked.READABLE]
    report = followed(through, plan, asked, timeout=dt.timedelta())  # type: ignore[arg-type]
    assert (report.problems, report.days[0].readable, report.days[0].under_way) == ({}, 1, 1)


@ministack
def test_what_cannot_be_asked_for_is_named_and_keeps_no_other_from_it(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    keys = files(store, layout, 6)
    gone, denied, crowded, slow, patient, fine = keys
    plan = planned(through, layout)
    store.delete(gone)
    answers = {denied: [access_denied()] * 9, slow: [slow_down()] * 8, patient: [slow_down()] * 2}
    answers[crowded] = [s3_error(503, "GlacierExpeditedRetrievalNotAvailable")]
    waiting = {key.rpartition("/")[2]: found for key, found in answers.items()}
    proxy.rules.append(lambda seen: waiting[name(seen)].pop() if is_restore(seen) and waiting.get(name(seen)) else None)

    asked = {
        each.object.object.key: each for each in ask_for(through, plan, clock=now, pace=Pace(16, first_wait=0.001))
    }
    assert {key: each.outcome for key, each in asked.items()} == {
        gone: Asked.FAILED,
        denied: Asked.FAILED,
        crowded: Asked.FAILED,
        slow: Asked.FAILED,
        patient: Asked.STARTED,
        fine: Asked.STARTED,
    }
    report = followed(through, plan, tuple(asked.values()))
    assert sorted(report.problems) == sorted([gone, denied, crowded, slow])
    assert "is gone since it was listed" in report.problems[gone]
    assert "[AccessDenied]" in report.problems[denied]
    assert "no room for expedited retrievals now" in report.problems[crowded]
    assert "[SlowDown]" in report.problems[slow]
    assert (report.days[0].readable, report.days[0].readable_until, report.is_readable) == (2, None, False)
    assert restores(proxy)[slow.rpartition("/")[2]] == 8

    # Once it can be, the next run asks for what is left and for nothing else.
    proxy.rules.clear()
    before = proxy.count("POST", "?restore")
    rest = planned(through, layout)
    assert {each.outcome for each in ask_for(through, rest, clock=now)} == {Asked.STARTED}
    assert proxy.count("POST", "?restore") - before == 3


@ministack
def test_a_bucket_that_is_away_is_an_error_before_and_waited_for_after(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    files(store, layout, 2)
    plan = planned(through, layout)
    proxy.rules.append(lambda _seen: s3_error(500, "InternalError"))
    with pytest.raises(LakeError) as caught:
        ask_for(through, plan, clock=now)
    assert caught.value.fault is LakeFault.ENDPOINT
    with pytest.raises(LakeError):
        observe_days(through, layout, "store", FIRST, SECOND)
    proxy.rules.clear()
    asked = ask_for(through, plan, clock=now)

    proxy.rules.append(lambda _seen: s3_error(500, "InternalError"))
    away = followed(through, plan, asked, timeout=dt.timedelta())  # type: ignore[arg-type]
    assert (away.timed_out, away.days[0].under_way) == (True, 2)
    assert all("500" in problem for problem in away.problems.values())
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            proxy.rules.clear()
            # Until the copies are there.
            assert follow(store, plan, asked, clock=now, timeout=ENOUGH, sleep=shortly).is_readable

    report = followed(through, plan, asked, sleep=sleep)  # type: ignore[arg-type]
    assert report.is_readable
    assert report.problems == {}
    assert pauses == [0.5, 0.75, 1.125]


@ministack
def test_a_copy_that_ends_before_the_others_are_there_is_named_and_not_paid_for_again(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    early, late, undone = files(store, layout, 3)
    found = planned(through, layout, days=30)
    # Restored yesterday, as S3 would tell, until the coming midnight.
    copy = RestoredCopy(is_ongoing=False, expires_at=copy_expires_at(now(), 0))
    restored = replace(found.objects[0], copy=copy)
    plan = replace(found, objects=(restored, *found.objects[1:]), starts=found.starts[1:])
    asked = ask_for(through, plan, clock=now)
    # Written anew while it was being restored: nobody asked for this one.
    archive(store, undone)
    moments = iter([now()] * 3)
    report = follow(
        through,
        plan,
        asked,
        clock=lambda: next(moments, now() + dt.timedelta(days=5)),
        timeout=dt.timedelta(days=9),
        sleep=shortly,
    )
    assert not report.is_readable
    assert set(report.problems) == {early, undone}
    assert report.problems[early].startswith(f"the copy of {early} expired on {copy_expires_at(now(), 0):%Y-%m-%d}")
    assert "S3 tells of no copy" in report.problems[undone]
    assert restores(proxy) == {key.rpartition("/")[2]: 1 for key in (late, undone)}
    assert [each.object.key for each in report.objects if each.is_readable(now() + dt.timedelta(days=5))] == [late]


ASK = """
import datetime as dt, pickle, sys
from radar_pipeline.lake.restoring import ask_for
from radar_pipeline.lake.store import LakeStore
config, plan = pickle.load(sys.stdin.buffer)
ask_for(LakeStore(config), plan, clock=lambda: dt.datetime.now(dt.UTC), parallel=3)
"""


@ministack
def test_a_killed_run_is_run_again_and_starts_nothing_twice(
    store: LakeStore, through: LakeStore, proxy: AwsProxy, layout: BronzeLayout
) -> None:
    keys = files(store, layout, 12)
    plan = planned(through, layout)
    process = subprocess.Popen([sys.executable, "-c", ASK], stdin=subprocess.PIPE)

    def kill(seen: Seen) -> None:
        # The request itself goes on to S3: its answer finds nobody.
        if is_restore(seen) and proxy.count("POST", "?restore") >= 5 and process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)

    proxy.rules.append(kill)
    process.communicate(pickle.dumps((through.config, plan)), timeout=60)
    assert process.returncode == -signal.SIGKILL
    # What it asked for last takes effect all the same.
    proxy.settle()
    begun = proxy.count("POST", "?restore")
    assert 5 <= begun < len(keys)

    again = planned(through, layout)
    report = followed(through, again, ask_for(through, again, clock=now))
    assert (report.problems, report.is_readable) == ({}, True)
    assert restores(proxy) == {key.rpartition("/")[2]: 1 for key in keys}


def test_what_s3_says_of_a_copy_is_understood() -> None:
    end = dt.datetime(2026, 12, 23, tzinfo=dt.UTC)
    living = parse_restore('ongoing-request="false", expiry-date="Wed, 23 Dec 2026 00:00:00 GMT"')
    assert living is not None
    assert (living.is_ongoing, living.expires_at) == (False, end)
    running = parse_restore('ongoing-request="true"')
    assert running is not None
    assert (running.is_ongoing, running.expires_at) == (True, None)
    assert parse_restore(None) is None


@ministack
def test_an_object_of_no_archive_is_never_asked_for(store: LakeStore, layout: BronzeLayout) -> None:
    archive(store, f"{layout.folder('store', FIRST)}file_store_part_0.parquet", tier="STANDARD")
    (seen,) = observe_days(store, layout, "store", FIRST, SECOND)
    plan = replace(
        planned(store, layout), starts=(ObservedObject(replace(seen.object, tier=StorageClass.GLACIER), FIRST),)
    )
    assert [each.outcome for each in ask_for(store, plan, clock=now)] == [Asked.READABLE]
