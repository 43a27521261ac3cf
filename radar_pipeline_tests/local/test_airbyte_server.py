"""The server as a process: jobs, faults, restarts, errors, with a worker that copies nothing."""

from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from radar_pipeline.local.airbyte_server.bootstrap import (
    CONNECTION_ID,
    DESTINATION_ID,
    SOURCE_ID,
    WORKSPACE_ID,
    write_bootstrap,
)
from radar_pipeline_tests.local.airbyte_harness import TABLES, Server, document, running, start

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def old_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("old"), "0.39") as found:
        yield found


@pytest.fixture(scope="module")
def modern_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("modern"), "2.0") as found:
        yield found


@pytest.fixture
def old(old_server: Server) -> Server:
    old_server.local("POST", "reset")
    return old_server


@pytest.fixture
def modern(modern_server: Server) -> Server:
    modern_server.local("POST", "reset")
    return modern_server


@pytest.fixture(params=["old_server", "modern_server"])
def either(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    found.local("POST", "reset")
    return found


def failures(job: dict) -> list[str]:
    return [f["internalMessage"] for a in job["attempts"] for f in a["attempt"]["failureSummary"]["failures"]]


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.03)


def said_in_log(server: Server, job_id: int, text: str) -> bool:
    return any(text in repr(each["logs"]) for each in server.job(job_id)["attempts"])


# What a worker is ordered to do.


def test_the_worker_gets_what_the_protocol_says(either: Server) -> None:
    job_id = either.sync()
    assert either.finished(job_id)["job"]["status"] == "succeeded"

    order = either.order(job_id)

    assert order["source"] == {
        "host": "127.0.0.1",
        "port": 3306,
        "user": "reader",
        "password": "s3cr3t-db",
        "database": "radar",
        "tls": True,
    }
    assert order["destination"]["bucket"] == "bronze"
    assert order["destination"]["path_prefix"] == "origin=airbyte/database=bronze_radar"
    assert [table["name"] for table in order["tables"]] == list(TABLES)
    assert {table["fault"] for table in order["tables"]} == {None}
    assert order["sync_id"] == job_id
    assert order["dialect"] == ("0.3" if either.local("GET", "health")["era"] == "0.39" else "1.x")
    assert not Path(order["spool_dir"]).exists()


def test_the_clock_decides_every_time_and_the_day_of_the_files(either: Server) -> None:
    either.local("POST", "clock", {"now": "2027-03-01T02:00:00Z"})
    job_id = either.sync()
    job = either.finished(job_id)

    assert dt.datetime.fromtimestamp(job["job"]["createdAt"], dt.UTC).date() == dt.date(2027, 3, 1)
    assert either.order(job_id)["started_at"].startswith("2027-03-01T02:00:0")
    assert abs(either.order(job_id)["clock_offset_seconds"] - either.local("GET", "clock")["offset_seconds"]) < 1


# What each era tells.


def test_an_old_server_tells_rows_only_at_the_end_and_a_current_one_while_they_move(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "old", "0.39", pause=1.0) as old, running(tmp_path / "new", "2.0", pause=1.0) as new:
        job_ids = old.sync(), new.sync()
        wait_for(lambda: said_in_log(old, job_ids[0], "Records read: 50"))
        wait_for(lambda: said_in_log(new, job_ids[1], "Records read: 50"))
        told, live = old.listed(job_ids[0]), new.listed(job_ids[1])
        assert {told["job"]["status"], live["job"]["status"]} == {"running"}
        assert "streamStats" not in told["attempts"][0]
        assert live["attempts"][0]["totalStats"]["recordsEmitted"] > 0
        assert live["job"]["aggregatedStats"]["recordsEmitted"] > 0
        assert "aggregatedStats" not in new.config("jobs/get_light", {"id": job_ids[1]})["job"]
        assert len(old.finished(job_ids[0])["attempts"][0]["attempt"]["streamStats"]) == len(TABLES)


def test_a_current_server_tells_the_state_of_each_table(modern: Server) -> None:
    modern.fault("stream-fails", table="product")
    job_id = modern.sync()
    job = modern.finished(job_id)

    found = modern.config("stream_statuses/list", {"workspaceId": WORKSPACE_ID, "jobId": job_id, "attemptNumber": 0})

    states = {each["streamName"]: each["runState"] for each in found["streamStatuses"]}
    assert states == {"store": "COMPLETE", "product": "INCOMPLETE", "contest_score": "COMPLETE"}
    assert {each.get("incompleteRunCause") for each in found["streamStatuses"]} == {None, "FAILED"}
    summary = job["attempts"][0]["attempt"]["failureSummary"]
    assert summary["partialSuccess"] is True
    assert summary["failures"][0]["streamDescriptor"] == {"name": "product", "namespace": "radar"}


def test_no_answer_holds_a_null_or_a_secret(either: Server) -> None:
    either.fault("wrong-password")
    job = either.finished(either.sync())
    answers = [
        job,
        either.config("connections/get", {"connectionId": CONNECTION_ID}),
        either.config("sources/get", {"sourceId": SOURCE_ID}),
        either.config("destinations/get", {"destinationId": DESTINATION_ID}),
        either.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID}),
    ]

    text = repr(answers)

    assert "s3cr3t" not in text
    assert "AKID-KEY" not in text
    assert "None" not in text


def test_lists_page_and_filter(modern: Server) -> None:
    ids = [modern.finished(modern.sync())["job"]["id"] for _ in range(3)]

    def public(**query: object) -> list[int]:
        return [job["jobId"] for job in modern.public("GET", "/jobs", params=query)["data"]]

    assert public() == ids
    assert public(limit=2, offset=1, orderBy="createdAt|DESC") == [ids[1], ids[0]]
    assert public(status="failed") == []
    assert public(createdAtStart="2100-01-01T00:00:00Z") == []
    assert modern.public("GET", "/jobs", 400, params={"orderBy": "jobId|ASC"})["title"] == "bad-request"
    assert modern.public("GET", "/jobs", 400, params={"limit": 101})["title"] == "bad-request"
    newest = modern.config("jobs/list", {"configTypes": ["sync"], "pagination": {"pageSize": 1}})
    assert (newest["jobs"][0]["job"]["id"], newest["totalJobCount"]) == (ids[-1], 3)


def test_an_old_server_has_no_public_api_and_a_current_one_no_list_of_workspaces(old: Server, modern: Server) -> None:
    assert requests.get(f"{old.url}/api/public/v1/health", timeout=5).status_code == 404
    assert old.config("workspaces/list")["workspaces"][0]["workspaceId"] == WORKSPACE_ID
    assert requests.get(f"{modern.url}/api/public/v1/health", timeout=5).text == "Successful operation"
    modern.config("workspaces/list", status=404)
    old.config("jobs/get_light", {"id": 1}, status=404)


def test_wrong_bodies_are_answered_as_the_era_does(old: Server, modern: Server) -> None:
    nowhere = "00000000-0000-0000-0000-000000000000"
    for server in (old, modern):
        server.config("connections/get", {"connectionId": nowhere}, 404)
        server.config("connections/get", {}, 400)
        server.config("connections/get", {"connectionId": 5}, 400)
        server.config("jobs/list", {"configTypes": ["sync"]}, 400 if server is old else 200)
        malformed = requests.post(f"{server.url}/api/v1/connections/get", data="{", timeout=5)
        assert malformed.status_code == 422
    assert "Could not find job with id: 99" in old.config("jobs/get", {"id": 99}, 500)["message"]
    modern.config("jobs/get", {"id": 99}, 404)
    assert modern.public("GET", f"/connections/{nowhere}", 404)["title"] == "resource-not-found"
    refresh = {"connectionId": CONNECTION_ID, "jobType": "refresh"}
    assert modern.public("POST", "/jobs", 422, json=refresh)["title"] == "unprocessable-entity"


def test_an_update_keeps_a_secret_that_was_never_shown_and_old_servers_replace_the_rest(old: Server) -> None:
    source = old.config("sources/get", {"sourceId": SOURCE_ID})
    changed = {**source["connectionConfiguration"], "host": "replica"}
    old.config("sources/update", {"sourceId": SOURCE_ID, "name": source["name"], "connectionConfiguration": changed})
    job_id = old.sync()
    old.finished(job_id)
    assert (old.order(job_id)["source"]["host"], old.order(job_id)["source"]["password"]) == ("replica", "s3cr3t-db")

    connection = old.config("connections/get", {"connectionId": CONNECTION_ID})
    assert connection["namespaceDefinition"] == "destination"
    body = {key: connection[key] for key in ("connectionId", "syncCatalog", "status")}
    assert "namespaceDefinition" not in old.config("connections/update", body)
    old.config("connections/update", {**body, "namespaceDefinition": "destination", "prefix": ""})


# Faults.


@pytest.mark.parametrize("name", ["mysql-refused", "wrong-password", "s3-denied"])
def test_a_job_that_cannot_start_copying_fails_after_three_attempts_and_says_why(either: Server, name: str) -> None:
    either.fault(name)
    job = either.finished(either.sync())

    assert job["job"]["status"] == "failed"
    assert len(job["attempts"]) == 3
    reason = {"mysql-refused": "refused", "wrong-password": "Access denied for user", "s3-denied": "403"}[name]
    assert all(reason in failure for failure in failures(job))
    assert either.finished(either.sync())["job"]["status"] == "succeeded"


def test_a_retry_writes_every_table_again(either: Server) -> None:
    either.fault("attempt-fails-then-succeeds")
    job_id = either.sync()
    job = either.finished(job_id)

    assert job["job"]["status"] == "succeeded"
    assert [each["attempt"]["status"] for each in job["attempts"]] == ["failed", "succeeded"]
    assert [len(each["attempt"]["streamStats"]) for each in job["attempts"]] == [3, 3]
    faults = [table["fault"] for table in either.order(job_id)["tables"]]
    assert faults == [None, None, {"kind": "fail", "share": 1.0}]
    assert {table["fault"] for table in either.order(job_id, 1)["tables"]} == {None}
    assert either.order(job_id, 1)["generation_id"] == either.order(job_id)["generation_id"] + 1


def test_a_job_succeeds_without_data_with_or_without_a_count(either: Server) -> None:
    either.fault("succeeded-without-data")
    either.fault("half-written-table", table="store")
    claimed = either.sync()
    assert either.finished(claimed)["attempts"][0]["attempt"]["recordsSynced"] == 300
    assert {table["fault"]["kind"] for table in either.order(claimed)["tables"]} == {"skip"}

    either.fault("succeeded-without-data", options={"report": "nothing"})
    silent = either.finished(either.sync())
    assert silent["job"]["status"] == "succeeded"
    assert silent["attempts"][0]["attempt"]["recordsSynced"] == 0
    assert silent["attempts"][0]["attempt"]["streamStats"] == []


def test_a_worker_without_memory_is_killed_and_said_so(either: Server) -> None:
    either.fault("worker-out-of-memory", options={"attempts": 1})
    job = either.finished(either.sync())

    assert [each["attempt"]["status"] for each in job["attempts"]] == ["failed", "succeeded"]
    assert "137 (OOMKilled: the worker ran out of memory)" in failures({"attempts": job["attempts"][:1]})[0]
    if either.local("GET", "health")["era"] == "0.39":
        assert "streamStats" not in job["attempts"][0]["attempt"]


def test_a_sync_that_crosses_midnight_lands_under_the_next_day(either: Server) -> None:
    either.fault("crosses-midnight")
    job_id = either.sync()
    job = either.finished(job_id)

    created = dt.datetime.fromtimestamp(job["job"]["createdAt"], dt.UTC).date()
    begun = dt.datetime.fromtimestamp(job["attempts"][0]["attempt"]["createdAt"], dt.UTC).date()
    assert begun == created + dt.timedelta(days=1)
    assert either.order(job_id)["started_at"].startswith(begun.isoformat())


def test_a_stuck_job_runs_until_it_is_cancelled(either: Server) -> None:
    either.fault("stuck-job")
    job_id = either.sync()
    either.until(job_id, "running")
    time.sleep(0.3)
    assert either.job(job_id)["job"]["status"] == "running"

    assert either.config("jobs/cancel", {"id": job_id})["job"]["status"] == "cancelled"
    assert either.finished(either.sync())["job"]["status"] == "succeeded"


def test_cancelling_an_old_job_cancels_what_runs_now(either: Server) -> None:
    done = either.sync()
    either.finished(done)
    either.fault("stuck-job")
    now = either.sync()
    either.until(now, "running")

    either.config("jobs/cancel", {"id": done})

    assert either.job(now)["job"]["status"] == "cancelled"
    assert either.job(done)["job"]["status"] == "succeeded"


def test_a_finished_job_cannot_be_cancelled_through_the_public_api(modern: Server) -> None:
    job_id = modern.sync()
    modern.finished(job_id)

    assert modern.public("DELETE", f"/jobs/{job_id}", 409)["title"] == "state-conflict"


def test_a_slow_post_starts_its_job_at_once(either: Server) -> None:
    either.fault("slow-post", options={"seconds": 4})
    with pytest.raises(requests.Timeout):
        requests.post(f"{either.url}/api/v1/connections/sync", json={"connectionId": CONNECTION_ID}, timeout=1)

    jobs = either.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"]
    assert len(jobs) == 1


def test_what_was_asked_before_a_reset_is_forgotten_though_it_is_answered_after_it(either: Server) -> None:
    either.fault("slow-post", options={"seconds": 0.8})
    with pytest.raises(requests.Timeout):
        requests.post(f"{either.url}/api/v1/connections/sync", json={"connectionId": CONNECTION_ID}, timeout=0.2)
    either.local("POST", "reset")

    time.sleep(1)
    assert either.sync_posts() == 0


def test_a_lost_answer_starts_a_job_and_cuts_the_connection(either: Server) -> None:
    either.fault("lost-post-response")
    with pytest.raises(requests.ConnectionError):
        either.sync()

    jobs = either.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"]
    assert len(jobs) == 1
    seen = [each for each in either.local("GET", "requests")["requests"] if each["path"].endswith("/sync")]
    assert [each["status"] for each in seen] == [None]


@pytest.mark.parametrize("name", ["post-500", "post-409"])
def test_a_refused_post_starts_nothing(either: Server, name: str) -> None:
    either.fault(name)
    status = 500 if name == "post-500" or either.local("GET", "health")["era"] == "0.39" else 409
    either.config("connections/sync", {"connectionId": CONNECTION_ID}, status)

    assert either.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"] == []
    assert either.finished(either.sync())["job"]["status"] == "succeeded"
    assert either.sync_posts() == 2


@pytest.mark.parametrize("mode", ["503", "reset"])
def test_an_outage_begins_with_the_first_poll_and_workers_go_on(either: Server, mode: str) -> None:
    either.fault("poll-outage", options={"seconds": 0.8, "mode": mode})
    either.fault("already-running", options={"seconds": 0.2})
    began = time.monotonic()
    if mode == "503":
        either.config("jobs/get", {"id": 1}, 503)
    else:
        with pytest.raises(requests.ConnectionError):
            either.config("jobs/get", {"id": 1})
    assert either.local("GET", "health")["era"]
    while either.local("GET", "health")["running_jobs"]:
        assert time.monotonic() < began + 10
        time.sleep(0.02)
    time.sleep(max(0.0, began + 1.0 - time.monotonic()))

    job = either.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"][0]
    assert job["job"]["status"] == "succeeded"


def test_a_job_is_queued_first(modern: Server) -> None:
    modern.fault("queued-first", options={"seconds": 1.5})
    job_id = modern.sync()

    assert modern.until(job_id, "queued")["attempts"] == []
    assert modern.finished(job_id)["job"]["status"] == "succeeded"


def test_a_running_sync_or_reset_of_someone_else_stands_in_the_way(either: Server) -> None:
    for name, kind in (("already-running", "sync"), ("reset-running", "reset_connection")):
        job_id = either.fault(name, options={"seconds": 1.5})["job_id"]
        status = 500 if either.local("GET", "health")["era"] == "0.39" else 409
        refused = either.config("connections/sync", {"connectionId": CONNECTION_ID}, status)
        assert f"A sync is already running for: {CONNECTION_ID}" in refused["message"]
        either.fault(name, status=409)
        job = either.finished(job_id)
        assert (job["job"]["configType"], job["job"]["status"]) == (kind, "succeeded")


def test_faults_are_listed_used_up_and_cleared(either: Server) -> None:
    either.fault("post-500", times=2)
    either.fault("stuck-job", times=None)
    either.config("connections/sync", {"connectionId": CONNECTION_ID}, 500)

    active = either.local("GET", "faults")["active"]
    assert [(fault["name"], fault["times"]) for fault in active] == [("post-500", 1), ("stuck-job", None)]
    assert either.local("DELETE", "faults")["active"] == []
    assert "there is no fault named" in either.fault("nonsense", status=400)["error"]


# Restarts, and what must not be left behind.


def worker_pid(server: Server) -> int:
    with sqlite3.connect(server.state / "airbyte.sqlite") as db:
        return int(db.execute("SELECT worker_pid FROM attempt WHERE worker_pid IS NOT NULL").fetchone()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_goes_on_after_a_restart_and_no_worker_is_left(tmp_path: Path, number: int) -> None:
    first = start(tmp_path, "2.0", pause=2.0)
    job_id = first.sync()
    wait_for(lambda: said_in_log(first, job_id, "Starting stream"))
    pid = worker_pid(first)
    code = first.stop(number)
    if number == signal.SIGTERM:
        assert code == 0
        assert not psutil.pid_exists(pid)

    second = start(tmp_path, "2.0", pause=0.02)
    try:
        job = second.finished(job_id)
        assert job["job"]["status"] == "succeeded"
        assert [each["attempt"]["status"] for each in job["attempts"]] == ["failed", "succeeded"]
        assert "The server was restarted" in failures({"attempts": job["attempts"][:1]})[0]
        assert not psutil.pid_exists(pid)
    finally:
        second.stop()


def test_jobs_faults_the_clock_and_a_known_catalogue_survive_a_restart_that_moves_the_source(tmp_path: Path) -> None:
    first = start(tmp_path, "0.39")
    job_id = first.sync()
    first.finished(job_id)
    first.local("POST", "clock", {"offset_seconds": 86400})
    first.fault("stuck-job")
    first.stop()
    moved = document(modern=False)
    moved["connection"]["catalog"] = None
    moved["source"]["port"] = 3307

    second = start(tmp_path, "0.39", given=moved)
    try:
        assert second.job(job_id)["job"]["status"] == "succeeded"
        assert second.local("GET", "clock")["offset_seconds"] == 86400
        assert [fault["name"] for fault in second.local("GET", "faults")["active"]] == ["stuck-job"]
        source = second.config("sources/get", {"sourceId": SOURCE_ID})
        assert source["connectionConfiguration"]["port"] == 3307
        connection = second.config("connections/get", {"connectionId": CONNECTION_ID})
        assert [each["stream"]["name"] for each in connection["syncCatalog"]["streams"]] == list(TABLES)
    finally:
        second.stop()


def test_a_second_server_on_the_same_state_is_refused_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, "0.39") as server:
        command = [sys.executable, "-m", "radar_pipeline.local.airbyte_server", "--port", "0", "--state"]
        second = subprocess.run([*command, str(server.state)], capture_output=True, text=True, timeout=30, check=False)

    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "another server is using" in second.stderr


def test_a_server_does_without_boto3_whose_import_would_be_a_third_of_its_start() -> None:
    code = "import sys, radar_pipeline.local.airbyte_server.__main__; print('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_source_that_cannot_be_read_at_bootstrap_is_said_without_its_password(tmp_path: Path) -> None:
    without_catalog = document(modern=False)
    without_catalog["connection"]["catalog"] = None
    without_catalog["source"]["port"] = 9
    path = tmp_path / "bootstrap.json"
    write_bootstrap(path, without_catalog)
    command = [
        sys.executable,
        "-m",
        "radar_pipeline.local.airbyte_server",
        "--port",
        "0",
        "--state",
        str(tmp_path / "s"),
    ]

    ended = subprocess.run(
        [*command, "--bootstrap", str(path)], capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {path}: the tables of its source cannot be read: MySQL at 127.0.0.1:9")
    assert "s3cr3t" not in ended.stderr


def test_a_worker_that_cannot_be_started_fails_the_job(tmp_path: Path) -> None:
    server = start(tmp_path, "0.39", worker="/nowhere/to/be/found")
    try:
        job = server.finished(server.sync())
        assert job["job"]["status"] == "failed"
        assert "The worker could not be run" in failures(job)[0]
    finally:
        server.stop()


def test_checks_really_connect(either: Server) -> None:
    source = either.config("sources/check_connection", {"sourceId": SOURCE_ID})
    destination = {
        "destinationId": DESTINATION_ID,
        "name": "d",
        "connectionConfiguration": {
            "s3_bucket_name": "b",
            "s3_bucket_path": "p",
            "s3_endpoint": "http://127.0.0.1:9",
            "access_key_id": "**********",
            "secret_access_key": "**********",
        },
    }
    checked = either.config("destinations/check_connection_for_update", destination)

    # Nothing listens on either port here.
    assert source["status"] == "failed"
    assert "State code: 08001" in source["message"]
    assert checked["status"] == "failed"
    assert "Could not connect to the endpoint URL" in checked["message"]
    lacking = {**destination, "connectionConfiguration": {"s3_bucket_path": "p"}}
    said = either.config("destinations/check_connection_for_update", lacking)
    assert said["message"] == "The configuration lacks the property s3_bucket_name"
    discovered = either.config("sources/discover_schema", {"sourceId": SOURCE_ID})
    assert "catalog" not in discovered
    assert discovered["jobInfo"]["succeeded"] is False
