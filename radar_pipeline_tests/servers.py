"""What the fixtures that start servers hand to a test."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.local.processes import Program

PROJECT = Path(__file__).resolve().parents[1]

# Dagster mirrors what a step prints with two programs and two watchers of its own for each step: 0.05 to 0.15 s
# of CPU a run, for text that nothing here looks at. The tests of the commands keep it.
_NO_COMPUTE_LOGS = """
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


@dataclass(frozen=True)
class MySqlServer:
    """A started MariaDB or MySQL: `admin` may do everything, `reader` may read the schema `radar`."""

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

    endpoint: AwsEndpoint

    @property
    def endpoint_url(self) -> str:
        return self.endpoint.url

    @property
    def region(self) -> str:
        return self.endpoint.region

    @property
    def access_key_id(self) -> str:
        return self.endpoint.access_key_id

    @property
    def secret_access_key(self) -> str:
        return self.endpoint.secret_access_key

    @property
    def reach(self) -> dict[str, str]:
        """Where it is and whose keys it takes, as ``LakeConfig`` and ``GlueConfig`` want it."""
        return {
            "region": self.region,
            "endpoint_url": self.endpoint_url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }

    def client(self, service: str = "s3") -> Any:
        return self.endpoint.s3 if service == "s3" else self.endpoint.client(service)

    def new_bucket(self) -> str:
        """Makes a bucket of the caller's own, versioned as the customer's is."""
        bucket = f"test-{uuid.uuid4().hex[:12]}"
        self.endpoint.ensure_bucket(bucket)
        return bucket


def configure_dagster(home: Path) -> None:
    """Gives a Dagster home the project's configuration, less the copies of what steps print."""
    text = (PROJECT / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(text + _NO_COMPUTE_LOGS, encoding="utf-8")


def tied_to_this_process(program: Program) -> Program:
    """A server that is told to end when the test process does, even when that is killed and no fixture cleans up."""
    setpriv = shutil.which("setpriv")
    return replace(program, argv=(setpriv, "--pdeathsig", "TERM", *program.argv)) if setpriv else program
