"""Start-or-attach against the Airbyte-compatible server, in both eras."""

from __future__ import annotations

import datetime as dt
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Timer
from typing import Any

import pytest

from radar_pipeline.airbyte.client import AirbyteClient, connect
from radar_pipeline.airbyte.config import AirbyteConfig, Timeouts
from radar_pipeline.airbyte.errors import AirbyteRefusedError, SyncLostError, SyncNotStartedError, SyncTimeoutError
from radar_pipeline.airbyte.outage import ride_out
from radar_pipeline.airbyte.progress import Patience, SyncProgress
from radar_pipeline.airbyte.sync import SyncOutcome, ensure_sync
from radar_pipeline.airbyte.watch import watch
from radar_pipeline.domain.sync import JobKind, JobStatus, SyncAction, SyncDecision
from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID
from radar_pipeline_tests.local.airbyte_harness import TABLES, Server, running

pytestmark = pytest.mark.integration

QUICK = Patience(poll_seconds=0.05, timeout_seconds=40, outage_seconds=20, stuck_seconds=30, progress_seconds=0.5)


@pytest.fixture(scope="module", params=["0.39", "2.0"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shared(era: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp(f"airbyte-{era}"), era, pause=0.05) as started:
        yield started


@pytest.fixture
def server(shared: Server) -> Server:
    """A server of either era that has seen nothing yet."""
    shared.local("POST", "reset")
    return shared


def client_of(server: Server, **timeouts: float) -> AirbyteClient:
    return connect(AirbyteConfig(server.url, CONNECTION_ID, timeouts=Timeouts(**{"patience": 5.0, **timeouts})))


@dataclass
class Seen:
    """What a caller of ensure_sync is told."""

    decisions: list[SyncDecision] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    progress: list[SyncProgress] = field(default_factory=list)

    @property
    def actions(self) -> list[SyncAction]:
        return [decision.action for decision in self.decisions]


def ensure(
    client: AirbyteClient, *, proven: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[SyncOutcome, Seen]:
    seen = Seen()
    given = {"patience": QUICK, "settle_seconds": 1.5, "day": dt.datetime.now(dt.UTC).date(), **options}
    outcome = ensure_sync(
        client,
        proven=proven,
        on_decision=seen.decisions.append,
        on_job=seen.jobs.append,
        on_progress=seen.progress.append,
        **given,
    )
    return outcome, seen


def test_the_first_run_of_a_day_starts_one_sync_and_returns_its_counts(server):
    outcome, seen = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert seen.actions == [SyncAction.START]
    assert seen.jobs == [outcome.job.id]
    attempt = outcome.job.last_attempt
    assert {table: count.records for table, count in attempt.streams.items()} == dict.fromkeys(TABLES, 100)
    assert attempt.total_records == 300
    assert server.sync_posts() == 1


def test_a_proven_day_is_not_synced_again(server):
    client = client_of(server)
    first, _ = ensure(client)
    second, seen = ensure(client, proven=lambda: True)
    assert (second.job.id, seen.actions, seen.jobs) == (first.job.id, [SyncAction.REUSE], [])
    assert second.job.attempts
    assert server.sync_posts() == 1


def test_a_day_that_is_not_proven_is_synced_again(server):
    client = client_of(server)
    first, _ = ensure(client)
    second, _ = ensure(client)
    assert second.job.id != first.job.id
    assert server.sync_posts() == 2


def test_a_person_may_force_a_second_sync(server):
    client = client_of(server)
    ensure(client)
    # The server tells whole seconds: a sync of the same second would be taken for the one that was asked for.
    time.sleep(1)
    ensure(client, proven=lambda: True, forced_at=dt.datetime.now(dt.UTC))
    assert server.sync_posts() == 2


def test_the_bucket_is_not_asked_where_no_sync_has_succeeded(server):
    ensure(client_of(server), proven=lambda: pytest.fail("asked"))


def test_a_running_sync_is_followed_even_when_forced(server):
    server.fault("already-running", options={"seconds": 1})
    outcome, seen = ensure(client_of(server), forced_at=dt.datetime.now(dt.UTC))
    assert seen.actions == [SyncAction.ATTACH]
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert server.sync_posts() == 0


def test_a_reset_is_waited_for_and_never_taken_for_a_sync(server):
    server.fault("reset-running", options={"seconds": 1})
    outcome, seen = ensure(client_of(server))
    assert seen.actions == [SyncAction.WAIT, SyncAction.START]
    assert (outcome.job.kind, outcome.job.status) == (JobKind.SYNC, JobStatus.SUCCEEDED)
    assert server.sync_posts() == 1


def test_a_start_whose_answer_is_lost_is_found_and_not_repeated(server):
    server.fault("lost-post-response")
    outcome, seen = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert seen.jobs == [outcome.job.id]
    assert server.sync_posts() == 1
    (said,) = [str(each) for each in seen.progress if "the start was lost" in str(each)]
    assert said.startswith("the answer to the start was lost (Airbyte at ")
    assert said.endswith(f"): sync job {outcome.job.id} is the one that it started")


def test_a_start_that_is_answered_too_late_is_found_and_not_repeated(server):
    server.fault("slow-post", options={"seconds": 1.5})
    outcome, seen = ensure(client_of(server, start=0.3))
    assert outcome.job.status is JobStatus.SUCCEEDED
    (said,) = [str(each) for each in seen.progress if "the start was lost" in str(each)]
    assert "within 0.3 s" in said
    assert said.endswith(f"): sync job {outcome.job.id} is the one that it started")
    while not server.sync_posts():
        time.sleep(0.05)
    assert server.sync_posts() == 1
    assert len(server.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"]) == 1


@pytest.mark.parametrize("fault", ["post-500", "post-409"])
def test_a_refused_start_is_tried_again_only_when_no_job_came_of_it(server, fault):
    server.fault(fault)
    outcome, _ = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert server.sync_posts() == 2
    assert len(server.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"]) == 1


def test_a_server_that_starts_nothing_is_given_up_with_its_own_words(server):
    server.fault("post-500", times=None)
    with pytest.raises(SyncNotStartedError, match=r"in 3 tries, and none runs; .* Last: .*HTTP 500"):
        ensure(client_of(server), settle_seconds=0.3)


def test_two_runs_at_once_follow_one_sync(server):
    clients = [client_of(server), client_of(server)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = [each[0] for each in pool.map(ensure, clients)]
    assert {outcome.job.id for outcome in outcomes} == {outcomes[0].job.id}
    assert all(outcome.job.status is JobStatus.SUCCEEDED for outcome in outcomes)


@pytest.mark.parametrize("mode", ["503", "reset"])
def test_an_outage_is_ridden_out_and_the_sync_is_not_cancelled(server, mode):
    server.fault("poll-outage", options={"seconds": 2.5, "mode": mode})
    outcome, seen = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    notes = [each.note for each in seen.progress if each.note]
    assert "does not answer, the sync goes on" in notes[0]
    assert "answers again" in notes[-1]
    assert len(notes) < 12
    assert server.sync_posts() == 1


@pytest.mark.parametrize("poll_seconds", [0.05, 0.6])
def test_a_server_that_hangs_does_not_silence_the_log_and_is_followed_when_it_wakes(server, poll_seconds):
    server.fault("stuck-job")
    client = client_of(server)
    job = client.start_sync().job
    assert client.connection().selected
    told: list[tuple[float, str]] = []
    # A stopped process is a server that hangs: its port accepts, and nobody ever answers.
    hang, wake = (
        Timer(at, server.process.send_signal, [sign]) for at, sign in ((1, signal.SIGSTOP), (4, signal.SIGCONT))
    )
    patience = Patience(poll_seconds, timeout_seconds=5.5, outage_seconds=20, stuck_seconds=30, progress_seconds=0.6)
    hang.start()
    wake.start()
    try:
        with pytest.raises(SyncTimeoutError):
            watch(client, job, patience, on_progress=lambda seen: told.append((time.monotonic(), str(seen))))
    finally:
        hang.join()
        wake.join()
        client.cancel(job.id)
        server.finished(job.id)
    gaps = [after - before for (before, _), (after, _) in pairwise(told)]
    assert max(gaps) < 0.9, told
    assert any("no answer from Airbyte for 2 s" in line for _, line in told), told
    assert "no answer" not in told[-1][1], "the try that was under way is answered late, not given up"


def test_a_sign_of_life_that_falls_into_a_look_does_not_call_it_an_outage(server, monkeypatch):
    server.fault("stuck-job")
    client = client_of(server)
    job = client.start_sync().job

    def slow(*arguments: Any, look: Callable[..., Any] = client.job, **options: Any) -> Any:
        time.sleep(0.3)
        return look(*arguments, **options)

    monkeypatch.setattr(client, "job", slow)
    told: list[str] = []
    patience = Patience(0.5, timeout_seconds=3, outage_seconds=20, stuck_seconds=30, progress_seconds=0.7)
    try:
        with pytest.raises(SyncTimeoutError):
            watch(client, job, patience, on_progress=lambda seen: told.append(str(seen)))
    finally:
        client.cancel(job.id)
        server.finished(job.id)
    assert len(told) >= 3, told
    assert not [line for line in told if "no answer" in line]


def test_an_outage_that_begins_with_the_start_is_ridden_out_too(server):
    server.fault("lost-post-response")
    server.fault("poll-outage", options={"seconds": 6, "mode": "reset"})
    outcome, seen = ensure(client_of(server, patience=1.0))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert any(str(each).startswith("waiting for Airbyte for") for each in seen.progress)
    assert server.sync_posts() == 1


def test_an_outage_before_the_decision_is_ridden_out_with_a_sign_of_life_though_each_question_takes_long(server):
    client = client_of(server, patience=1.5)
    server.fault("poll-outage", options={"seconds": 3, "mode": "reset", "when": "now"})
    outcome, seen = ensure(client)
    assert outcome.job.status is JobStatus.SUCCEEDED
    waits = [each.seconds for each in seen.progress if each.job is None]
    assert waits
    assert max(later - earlier for earlier, later in pairwise([0.0, *waits])) < 2 * QUICK.progress_seconds


def test_a_proven_sync_is_reused_though_the_server_goes_away_once_that_is_decided(server):
    client = client_of(server, patience=0.5)
    ensure(client)

    def proven() -> bool:
        server.fault("poll-outage", options={"seconds": 2, "mode": "reset", "when": "now"})
        return True

    outcome, seen = ensure(client, proven=proven)
    assert seen.actions == [SyncAction.REUSE]
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert server.sync_posts() == 1


def test_a_refusal_is_no_outage_and_is_not_waited_for():
    told: list[SyncProgress] = []

    def refuse() -> None:
        raise AirbyteRefusedError(404, "no such connection")

    with pytest.raises(AirbyteRefusedError):
        ride_out(refuse, QUICK, told.append)
    assert not told


def test_an_outage_without_end_is_given_up_and_the_job_lives(server):
    server.fault("poll-outage", options={"seconds": 4})
    client = client_of(server)
    with pytest.raises(SyncLostError, match="was not cancelled"):
        ensure(client, patience=Patience(0.05, 40, outage_seconds=1, progress_seconds=0.5))
    outcome, seen = ensure(client, proven=lambda: True)
    assert seen.actions[0] in {SyncAction.ATTACH, SyncAction.REUSE}
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert server.sync_posts() == 1


def test_a_failed_attempt_is_followed_by_its_retry(server):
    server.fault("attempt-fails-then-succeeds")
    outcome, _ = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert [attempt.status for attempt in outcome.job.attempts] == [JobStatus.FAILED, JobStatus.SUCCEEDED]
    assert outcome.job.attempts[0].failure


def test_a_failed_sync_is_an_outcome_with_the_servers_reason(server):
    server.fault("wrong-password", times=None)
    outcome, _ = ensure(client_of(server))
    assert outcome.job.status is JobStatus.FAILED
    assert "Access denied" in (outcome.job.failure or "")


def test_a_job_that_stands_still_is_told_and_not_cancelled(server):
    server.fault("stuck-job")
    client = client_of(server)
    seen = []
    with pytest.raises(SyncTimeoutError, match="goes on"):
        ensure_sync(
            client,
            dt.datetime.now(dt.UTC).date(),
            proven=lambda: False,
            patience=Patience(0.05, timeout_seconds=3, stuck_seconds=1, progress_seconds=0.5),
            on_progress=seen.append,
        )
    assert any("may be stuck" in (each.note or "") for each in seen)
    job = client.recent_jobs(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))[0]
    assert job.status is JobStatus.RUNNING
    assert client.cancel(job.id) is True
    server.finished(job.id)
    assert client.cancel(job.id) is False


def test_no_sync_is_started_for_another_day_than_today(server):
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    with pytest.raises(SyncNotStartedError, match="would land under that day"):
        ensure(client_of(server), day=yesterday)
    assert server.sync_posts() == 0


def test_midnight_that_comes_while_waiting_stops_the_start(server):
    server.fault("reset-running", options={"seconds": 1})
    today = dt.datetime.now(dt.UTC)
    with pytest.raises(SyncNotStartedError, match=f"Run the partition {(today + dt.timedelta(days=1)).date()}"):
        ensure(client_of(server), day=today.date(), clock=lambda: today + dt.timedelta(days=1))
    assert server.sync_posts() == 0


def test_progress_is_told_while_a_sync_runs(server):
    server.fault("already-running", options={"seconds": 2})
    _, seen = ensure(client_of(server))
    assert len(seen.progress) >= 4
    assert str(seen.progress[-1]).startswith(f"sync job {seen.jobs[0]} succeeded after ")
    assert "3 of 3 tables, 300 rows" in str(seen.progress[-1])


def test_a_queued_job_is_waited_for(server, era):
    if era == "0.39":
        pytest.skip("server 0.39 knows no `queued`")
    server.fault("queued-first", options={"seconds": 1})
    outcome, seen = ensure(client_of(server))
    assert outcome.job.status is JobStatus.SUCCEEDED
    assert JobStatus.QUEUED in {each.job.status for each in seen.progress}
    assert server.sync_posts() == 1
