"""Servers that the tests of every room share: a private MariaDB and a local S3, one of each for a test process."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import MariaDb, MySqlAddress
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import Program, start, stop, wait_until_ready
from radar_pipeline.local.provision import ensure_aws_venv, ensure_mariadbd

PROJECT = Path(__file__).resolve().parents[1]
# The stack's own folder: installed once for the tests, for `radar local up` and for every test process.
AWS_VENV = PROJECT / ".radar" / "local" / "aws-venv"

_TRIES = 3


@dataclass(frozen=True)
class MariaDbServer:
    """A started private MariaDB: `admin` may do everything, `reader` may read the schema `radar`."""

    admin: MySqlAddress
    reader: MySqlAddress
    ca_file: Path

    @property
    def host(self) -> str:
        return self.admin.host

    @property
    def port(self) -> int:
        return self.admin.port

    @property
    def user(self) -> str:
        return self.admin.user

    @property
    def password(self) -> str:
        return self.admin.password

    @property
    def database(self) -> str:
        return self.admin.database


@dataclass(frozen=True)
class S3Server:
    """A started local AWS endpoint."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    endpoint: AwsEndpoint

    def client(self, service: str = "s3") -> Any:
        return self.endpoint.client(service)

    def new_bucket(self) -> str:
        """Makes a bucket of the caller's own, versioned as the customer's is."""
        bucket = f"test-{uuid.uuid4().hex[:12]}"
        self.endpoint.ensure_bucket(bucket)
        return bucket


@pytest.fixture(scope="session")
def mariadbd() -> Path:
    """The MariaDB server program."""
    return ensure_mariadbd(print, may_install=True)


@pytest.fixture(scope="session")
def mariadb(mariadbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDbServer]:
    """A private MariaDB with an empty schema `radar`, for the whole test process."""
    home = tmp_path_factory.mktemp("mariadb")
    pid_file = home / "server.pid"
    passwords = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    for _ in range(_TRIES):
        server = MariaDb(home, free_port(), *passwords, buffer_pool_mb=96)
        server.prepare(mariadbd)
        if _came_up(server.program(mariadbd, pid_file=pid_file, log_file=home / "server.log"), server):
            break
    else:
        pytest.fail(f"no free port in {_TRIES} tries")
    yield MariaDbServer(server.admin, server.reader, server.tls.authority)
    stop(pid_file, seconds=30)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A local AWS endpoint with no buckets, for the whole test process."""
    ministack = ensure_aws_venv(AWS_VENV, print)
    home = tmp_path_factory.mktemp("aws")
    pid_file = home / "server.pid"
    for _ in range(_TRIES):
        endpoint = AwsEndpoint(home, free_port(), "us-east-2", secrets.token_urlsafe(16))
        if _came_up(endpoint.program(ministack, pid_file=pid_file, log_file=home / "server.log"), endpoint):
            break
    else:
        pytest.fail(f"no free port in {_TRIES} tries")
    yield S3Server(endpoint.url, endpoint.region, endpoint.access_key_id, endpoint.secret_access_key, endpoint)
    stop(pid_file, seconds=30)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A fresh versioned bucket on the local endpoint."""
    return s3.new_bucket()


def _came_up(program: Program, server: MariaDb | AwsEndpoint) -> bool:
    """Starts a server. False where another program took its port between the choice and the start."""
    try:
        wait_until_ready(program, start(program), server.is_ready, seconds=60)
    except LocalStackError as error:
        if "address already in use" in str(error).lower():
            return False
        raise
    return True
