"""What the extraction worker's bucket does that no run of the whole worker shows."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from radar_pipeline.local.extract.request import Request, parse_request
from radar_pipeline.local.extract.upload import PAUSES, Bucket, UploadError
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

NOTHING = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'


def request(url: str, bucket: str, **changes: Any) -> Request:
    document = {
        "source": {"host": "-", "port": 1, "user": "-", "password": "-", "database": "radar", "tls": False},
        "destination": {
            "endpoint_url": url,
            "region": "us-east-2",
            "bucket": bucket,
            "access_key_id": "AKIDOFTHEREQUEST",
            "secret_access_key": "s3cr3t",
            "path_prefix": "origin=airbyte",
            "path_format": "${STREAM_NAME}/",
        },
        "dialect": "1.x",
        "tables": [],
        "started_at": "2026-03-01T02:00:00+00:00",
        "sync_id": 1,
        "generation_id": 7,
        "spool_dir": "/nowhere",
    }
    return dataclasses.replace(parse_request(json.dumps(document)), **changes)


def test_a_file_arrives_whole_with_its_generation(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(12 * 1024**2))
    Bucket(request(s3.endpoint_url, bucket)).put(file, "a/file.parquet")
    stored = s3.client().get_object(Bucket=bucket, Key="a/file.parquet")
    assert stored["Body"].read() == file.read_bytes()
    assert stored["Metadata"] == {"ab-generation-id": "7"}


def test_a_path_may_end_within_a_name_and_finds_what_begins_with_it(s3: S3Server, bucket: str) -> None:
    for key in ("a/store_0", "a/store_1", "a/shop_0", "a/store/2", "a"):
        s3.client().put_object(Bucket=bucket, Key=key)
    found = Bucket(request(s3.endpoint_url, bucket)).listing("a/store_")
    assert sorted(found.keys) == ["a/store_0", "a/store_1"]


@dataclasses.dataclass
class Recorder:
    """A server that answers every listing as it is told to and keeps what it was sent."""

    url: str = ""
    status: int = 200
    seen: list[dict[str, str]] = dataclasses.field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(NOTHING)))
            self.end_headers()
            self.wfile.write(NOTHING)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def test_a_session_token_of_the_environment_is_not_sent_with_the_keys_of_the_request(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEENVIRONMENT")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another-session")
    Bucket(request(recorder.url, "bronze")).check()
    (headers,) = recorder.seen
    assert "Credential=AKIDOFTHEREQUEST/" in headers["authorization"]
    assert "another-session" not in str(headers)


@pytest.mark.parametrize(("status", "tries"), [(503, len(PAUSES) + 1), (403, 1)])
def test_a_server_on_a_bad_day_is_asked_again_and_a_refusal_is_not(recorder: Recorder, status: int, tries: int) -> None:
    recorder.status = status
    with pytest.raises(UploadError, match=str(status)):
        Bucket(request(recorder.url, "bronze")).check()
    assert len(recorder.seen) == tries
