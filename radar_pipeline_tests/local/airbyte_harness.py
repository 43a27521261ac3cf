"""Starts the Airbyte-compatible server as a process of its own, with a fast worker, and calls it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.local.airbyte_server import bootstrap as names
from radar_pipeline.local.airbyte_server.discovery import build_catalog

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
TABLES = ("store", "product", "contest_score")
CREDENTIALS = {"username": "airbyte", "password": "pa55", "client_id": "the-client", "client_secret": "the-secret"}


def catalog(*, modern: bool, tables: Sequence[str] = TABLES) -> dict[str, Any]:
    found = [ObservedTable(table, (ObservedColumn("Id", "int(11)"),), ("Id",)) for table in tables]
    return build_catalog(found, "radar", modern=modern)


def document(*, modern: bool, tables: Sequence[str] = TABLES) -> dict[str, Any]:
    return names.bootstrap_document(
        source={"host": "127.0.0.1", "port": 3306, "database": "radar", "username": "reader", "password": "s3cr3t-db"},
        destination={"bucket": "bronze", "access_key_id": "AKID-KEY", "secret_access_key": "s3cr3t-s3"},
        catalog=catalog(modern=modern, tables=tables),
        auth=CREDENTIALS,
    )


@dataclass
class Server:
    """A running server."""

    url: str
    state: Path
    process: subprocess.Popen[str]
    auth: tuple[str, str] | None = None

    @property
    def port(self) -> str:
        return self.url.rsplit(":", 1)[1]

    def config(self, path: str, body: dict[str, Any] | None = None, status: int | None = 200) -> Any:
        answer = requests.post(f"{self.url}/api/v1/{path}", json=body or {}, auth=self.auth, timeout=30)
        assert status is None or answer.status_code == status, answer.text
        return answer.json()

    def public(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = requests.request(method, f"{self.url}/api/public/v1{path}", auth=self.auth, timeout=30, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def local(self, method: str, path: str, body: dict[str, Any] | None = None, status: int = 200) -> Any:
        answer = requests.request(method, f"{self.url}/_local/{path}", json=body, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def fault(self, name: str, status: int = 200, **fields: Any) -> Any:
        return self.local("POST", "faults", {"name": name, **fields}, status)

    def sync(self) -> int:
        return self.config("connections/sync", {"connectionId": names.CONNECTION_ID})["job"]["id"]

    def job(self, job_id: int) -> Any:
        return self.config("jobs/get", {"id": job_id})

    def listed(self, job_id: int) -> Any:
        body = {"configTypes": ["sync"], "configId": names.CONNECTION_ID}
        return next(job for job in self.config("jobs/list", body)["jobs"] if job["job"]["id"] == job_id)

    def until(self, job_id: int, *statuses: str, seconds: float = 20) -> Any:
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id))["job"]["status"] not in statuses:
            assert time.monotonic() < deadline, job["job"]
            time.sleep(0.03)
        return job

    def finished(self, job_id: int) -> Any:
        return self.until(job_id, "succeeded", "failed", "cancelled")

    def order(self, job_id: int, attempt: int = 0) -> dict[str, Any]:
        return json.loads((self.state.parent / f"order-{job_id}-{attempt}.json").read_text())

    def sync_posts(self) -> int:
        seen = self.local("GET", "requests")["requests"]
        paths = ("/api/v1/connections/sync", "/api/public/v1/jobs")
        return sum(each["method"] == "POST" and each["path"] in paths for each in seen)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def start(
    directory: Path,
    era: str,
    *options: str,
    pause: float = 0.02,
    worker: str | None = None,
    given: dict[str, Any] | None = None,
) -> Server:
    """Starts a server, whose worker copies nothing; the worker ``""`` is the one that the stack has."""
    directory.mkdir(parents=True, exist_ok=True)
    bootstrap = directory / "bootstrap.json"
    names.write_bootstrap(bootstrap, given or document(modern=era == "2.0"))
    fake = shlex.join([sys.executable, str(FAKE_WORKER), str(directory), str(pause)])
    command = fake if worker is None else worker
    arguments = ["--state", str(directory / "state"), "--port", "0", "--era", era, "--bootstrap", str(bootstrap)]
    arguments += ["--retry-pause", "0.1", *(("--worker-command", command) if command else ()), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "radar_pipeline.local.airbyte_server", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready "), line
    return Server(line.split()[1], directory / "state", process)


@contextmanager
def running(directory: Path, era: str, *options: str, pause: float = 0.02) -> Iterator[Server]:
    server = start(directory, era, *options, pause=pause)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
