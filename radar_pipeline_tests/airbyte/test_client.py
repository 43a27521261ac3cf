"""The client against the Airbyte-compatible server and against small servers that misbehave on purpose."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from radar_pipeline.airbyte.client import Start, connect
from radar_pipeline.airbyte.config import AirbyteConfig, BasicAuth, ClientCredentials, Timeouts
from radar_pipeline.airbyte.errors import AirbyteAuthError, AirbyteError, AirbyteRefusedError, AirbyteUnreachableError
from radar_pipeline.domain.sync import JobKind, JobStatus, StreamState
from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID
from radar_pipeline_tests.local.airbyte_harness import CREDENTIALS, TABLES, running

FAST = Timeouts(connect=1, read=1, poll=1, start=1, check=30, patience=1.5)
BASIC = BasicAuth(CREDENTIALS["username"], CREDENTIALS["password"])
TOKEN = ClientCredentials(CREDENTIALS["client_id"], CREDENTIALS["client_secret"])

Answer = tuple[int, Any]
Script = Callable[[str, str, dict[str, str]], Answer]


@contextmanager
def scripted(script: Script) -> Iterator[tuple[str, list[str]]]:
    """A server that answers as a function says, and the requests that it got."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(f"{self.command} {self.path}")
            status, body = script(self.command, self.path, dict(self.headers))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()


def old_server(path: str, answers: dict[str, Answer]) -> Answer:
    given = {"/api/v1/health": (200, {"available": True}), **answers}
    return given.get(path, (404, {"message": "not found"}))


CONNECTION = {
    "connectionId": CONNECTION_ID,
    "name": "radar",
    "sourceId": "s",
    "destinationId": "d",
    "status": "active",
    "prefix": "radar_",
    "schedule": None,
    "syncCatalog": {
        "streams": [
            {
                "stream": {
                    "name": "store",
                    "jsonSchema": {
                        "properties": {
                            "Id": {"type": "number", "airbyte_type": "integer"},
                            "Opened_At": {"type": ["null", "string"], "format": "date"},
                        }
                    },
                    "sourceDefinedPrimaryKey": [["Id"]],
                },
                "config": {"selected": True, "primaryKey": None},
            },
            {"stream": {"name": "login", "jsonSchema": None}, "config": {"selected": False, "primaryKey": []}},
        ]
    },
}


def job_entry(job_id: int, created: int, **attempt: Any) -> dict[str, Any]:
    read = {"id": 0, "status": "succeeded", "createdAt": created, "updatedAt": created, "endedAt": created + 60}
    job = {"id": job_id, "configType": "sync", "configId": "c", "createdAt": created, "updatedAt": created + 60}
    return {"job": {**job, "status": "succeeded"}, "attempts": [{**read, **attempt}]}


def test_null_fields_and_a_prefix_in_stream_names_are_read_as_what_they_mean():
    entry = job_entry(
        7,
        1_700_000_000,
        streamStats=[{"streamName": "radar_store", "stats": {"recordsEmitted": 9, "recordsCommitted": None}}],
        totalStats=None,
        recordsSynced=9,
        failureSummary=None,
    )
    answers = {
        "/api/v1/connections/get": (200, CONNECTION),
        "/api/v1/sources/get": (200, {"workspaceId": "w"}),
        "/api/v1/jobs/list": (200, {"jobs": [entry]}),
    }
    with scripted(lambda _m, path, _h: old_server(path, answers)) as (url, _):
        client = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST))
        job = client.job(7)
        assert client.features.is_modern is False
        assert {table: count.records for table, count in job.last_attempt.streams.items()} == {"store": 9}
        assert job.last_attempt.total_records == 9
        assert job.created_at == dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
        store, login = client.catalog()
        assert [(column.name, column.type) for column in store.columns] == [
            ("Id", "integer"),
            ("Opened_At", "string:date"),
        ]
        assert (store.primary_key, store.is_selected, login.is_selected) == (("Id",), True, False)
        assert client.job_url(7) == f"{url}/workspaces/w/connections/{CONNECTION_ID}/status#7"


def test_a_list_is_read_to_the_day_asked_for_and_no_further():
    newest = 1_700_000_000
    pages = []

    def script(_method: str, path: str, _headers: dict[str, str]) -> Answer:
        if path == "/api/v1/jobs/list":
            first = 10 * len(pages)
            pages.append(first)
            return 200, {"jobs": [job_entry(1000 - n, newest - 600 * n) for n in range(first, first + 10)]}
        return old_server(path, {"/api/v1/connections/get": (200, CONNECTION), "/api/v1/sources/get": (200, {})})

    with scripted(script) as (url, _):
        client = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST))
        since = dt.datetime.fromtimestamp(newest - 600 * 14, dt.UTC)
        assert [job.id for job in client.recent_jobs(since)] == list(range(1000, 985, -1))
    assert len(pages) == 2


def test_a_status_that_nobody_knows_is_not_final():
    entry = job_entry(7, 1_700_000_000)
    entry["job"]["status"] = "pondering"
    answers = {
        "/api/v1/connections/get": (200, CONNECTION),
        "/api/v1/sources/get": (200, {}),
        "/api/v1/jobs/list": (200, {"jobs": [entry]}),
    }
    with scripted(lambda _m, path, _h: old_server(path, answers)) as (url, _):
        status = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST)).job(7).status
    assert status is JobStatus.UNKNOWN
    assert not status.is_final


def test_a_question_is_repeated_on_5xx_and_a_4xx_is_not():
    tries = []

    def script(_method: str, path: str, _headers: dict[str, str]) -> Answer:
        if path == "/api/v1/connections/get":
            tries.append(path)
            return (503, b"<html>busy</html>") if len(tries) < 3 else (422, {"message": "no such thing"})
        return old_server(path, {})

    with scripted(script) as (url, _):
        client = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST))
        with pytest.raises(AirbyteRefusedError, match="HTTP 422: no such thing"):
            client.connection()
    assert len(tries) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_start_is_sent_once_whatever_the_answer(status):
    with scripted(lambda _m, path, _h: old_server(path, {"/api/v1/connections/sync": (status, {"message": "x"})})) as (
        url,
        seen,
    ):
        result = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST)).start_sync()
    assert (result.outcome, result.job) == (Start.UNKNOWN, None)
    assert seen.count("POST /api/v1/connections/sync") == 1


@pytest.mark.parametrize(
    "answer",
    [
        (409, {"title": "try-again-later", "data": {"message": "A sync is already running for: x"}}),
        (500, {"message": "Internal Server Error: A sync is already running for: x"}),
    ],
)
def test_both_ways_to_say_that_a_sync_runs_are_a_conflict(answer):
    with scripted(lambda _m, path, _h: old_server(path, {"/api/v1/connections/sync": answer})) as (url, _):
        result = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST)).start_sync()
    assert result.outcome is Start.CONFLICT
    assert "already running for: x" in result.detail


def test_a_refused_start_is_an_error_and_not_an_open_question():
    with scripted(lambda _m, path, _h: old_server(path, {"/api/v1/connections/sync": (404, {"errorId": "e-1"})})) as (
        url,
        _,
    ):
        client = connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST))
        with pytest.raises(AirbyteRefusedError, match="e-1"):
            client.start_sync()


def test_a_start_answered_with_nonsense_is_an_open_question():
    with scripted(lambda _m, path, _h: old_server(path, {"/api/v1/connections/sync": (200, b"<html>")})) as (url, _):
        assert connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST)).start_sync().outcome is Start.UNKNOWN


def test_a_server_that_is_away_is_named_in_one_sentence():
    with pytest.raises(AirbyteUnreachableError, match=r"127\.0\.0\.1:9 cannot be reached for GET .*refused"):
        connect(AirbyteConfig("http://127.0.0.1:9", CONNECTION_ID, timeouts=FAST))


def test_a_server_that_is_no_airbyte_is_told_from_one_that_is_away():
    with scripted(lambda *_: (404, b"nginx")) as (url, _), pytest.raises(AirbyteError, match="is it an Airbyte server"):
        connect(AirbyteConfig(url, CONNECTION_ID, timeouts=FAST))


def test_an_error_that_echoes_the_password_does_not_show_it():
    config = AirbyteConfig("http://127.0.0.1:9", CONNECTION_ID, BasicAuth("me", "hunter2-påss"), timeouts=FAST)
    echo = {"message": "bad password hunter2-påss"}
    with scripted(lambda *_: (403, echo)) as (url, _), pytest.raises(AirbyteAuthError) as caught:
        connect(replace(config, base_url=url))
    assert "hunter2" not in f"{caught.value} {config!r}"
    assert "bad password ***" in str(caught.value)


@pytest.mark.parametrize("login", ["admin:hunter2", "admin:hun/ter2", "hunter2-token", "admin:p@ss:w0rd"])
def test_a_login_in_the_address_shows_in_no_error_and_in_no_repr(login: str) -> None:
    password = login.rpartition("admin:")[2]
    config = AirbyteConfig(
        f"http://{login}@127.0.0.1:9", CONNECTION_ID, ui_url=f"http://{login}@127.0.0.1:9/", timeouts=FAST
    )
    with pytest.raises(AirbyteError) as caught:
        connect(config)
    for text in (str(caught.value), repr(config)):
        assert password not in text
        assert login not in text
    assert "***@127.0.0.1:9" in str(caught.value)


def test_links_for_people_carry_no_login():
    assert AirbyteConfig("http://me:pw@airbyte:8001/", CONNECTION_ID).page == "http://airbyte:8001"
    ui = "https://me:pw@airbyte.example.com/users/@me/"
    assert AirbyteConfig("http://airbyte", CONNECTION_ID, ui_url=ui).page == "https://airbyte.example.com/users/@me"


def test_a_token_that_the_server_forgot_is_fetched_again_once():
    granted = []

    def script(_method: str, path: str, headers: dict[str, str]) -> Answer:
        if path.endswith("/applications/token"):
            granted.append(path)
            return 200, {"access_token": f"t{len(granted)}", "expires_in": 900}
        if headers.get("Authorization") == "Bearer t1" and path == "/api/v1/connections/get":
            return 401, {"title": "unauthorized"}
        return old_server(path, {"/api/v1/connections/get": (200, CONNECTION), "/api/v1/sources/get": (200, {})})

    with scripted(script) as (url, _):
        client = connect(AirbyteConfig(url, CONNECTION_ID, ClientCredentials("id", "secret"), timeouts=FAST))
        assert client.connection().selected == ("store",)
    assert len(granted) == 2


def test_a_wrong_client_secret_is_said_and_not_retried_for_ever():
    def script(_method: str, path: str, _headers: dict[str, str]) -> Answer:
        return (401, {"title": "unauthorized"}) if path.endswith("/token") else (200, {})

    with scripted(script) as (url, seen), pytest.raises(AirbyteAuthError, match="RADAR_AIRBYTE_"):
        connect(AirbyteConfig(url, CONNECTION_ID, ClientCredentials("id", "wrong"), timeouts=FAST))
    assert len(seen) == 1


@pytest.mark.integration
@pytest.mark.parametrize(
    ("era", "mode", "auth"),
    [
        ("0.39", "none", None),
        ("0.39", "basic", BASIC),
        ("2.0", "none", None),
        ("2.0", "basic", BASIC),
        ("2.0", "token", TOKEN),
    ],
)
def test_every_era_and_sign_in_gives_the_same_job(tmp_path: Path, era, mode, auth):
    with running(tmp_path, era, "--auth", mode) as server:
        client = connect(AirbyteConfig(server.url, CONNECTION_ID, auth))
        assert client.health()
        assert client.features.is_modern is (era == "2.0")
        assert client.connection().selected == TABLES
        result = client.start_sync()
        assert (result.outcome, result.job.kind) == (Start.STARTED, JobKind.SYNC)
        while not (job := client.job(result.job.id)).status.is_final:
            pass
        assert job.status is JobStatus.SUCCEEDED
        streams = job.last_attempt.streams
        assert {table: count.records for table, count in streams.items()} == dict.fromkeys(TABLES, 100)
        expected = StreamState.COMPLETE if era == "2.0" else StreamState.UNKNOWN
        assert {count.state for count in streams.values()} == {expected}
        assert client.check_source().succeeded is False
        assert [table.primary_key for table in client.catalog()] == [("Id",)] * 3
        assert (client.job_url(job.id) or "").startswith(f"{server.url}/workspaces/")


@pytest.mark.integration
def test_a_server_with_the_public_api_alone_is_spoken_to_in_it(tmp_path: Path):
    with running(tmp_path, "2.0", "--auth", "token") as real:
        # A gateway that lets nothing but the public API through.
        def gate(method: str, path: str, headers: dict[str, str]) -> Answer:
            if not path.startswith("/api/public/"):
                return 404, {"message": "not found"}
            body = (
                {"connectionId": CONNECTION_ID, "jobType": "sync"}
                if path.endswith("/jobs") and method == "POST"
                else None
            )
            if path.endswith("/token"):
                body = {"client_id": TOKEN.client_id, "client_secret": TOKEN.client_secret}
            passed = {key: headers[key] for key in ("Authorization",) if key in headers}
            answer = requests.request(method, real.url + path, json=body, headers=passed, timeout=10)
            return answer.status_code, answer.content

        with scripted(gate) as (url, _):
            client = connect(AirbyteConfig(url, CONNECTION_ID, TOKEN))
            assert client.features.configuration_api is False
            assert client.health()
            assert client.connection().selected == TABLES
            job = client.start_sync().job
            while not client.job(job.id).status.is_final:
                pass
            (listed,) = client.recent_jobs(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
            assert (listed.id, listed.status, listed.attempts) == (job.id, JobStatus.SUCCEEDED, ())
            assert client.cancel(job.id) is False
            with pytest.raises(AirbyteError, match="offers no check"):
                client.check_source()
