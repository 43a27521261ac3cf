"""The Airbyte-compatible server as a program of the stack: what it is told about source and destination."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.airbyte_server.bootstrap import bootstrap_document
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.environment import BUCKET, PREFIX
from radar_pipeline.local.files import write_private
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.processes import Program, python_program

CLIENT_ID = "radar-local"


@dataclass(frozen=True)
class AirbyteServer:
    """One Airbyte-compatible server.

    Attributes:
        home: Folder of its state.
        port: TCP port on loopback.
        era: Which Airbyte it is like.
        source: The Radar database.
        aws: Where the bronze bucket is.
        client_secret: Secret of its one application in era 2.0; not in the repr.
        tls: Whether the source speaks TLS.
    """

    home: Path
    port: int
    era: str
    source: MySqlAddress
    aws: AwsEndpoint
    client_secret: str = field(repr=False)
    tls: bool = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def credentials(self) -> Mapping[str, str]:
        """Variables with which the platform logs in; the old era knows no login."""
        if self.era == "0.39":
            return {}
        return {"RADAR_AIRBYTE_CLIENT_ID": CLIENT_ID, "RADAR_AIRBYTE_CLIENT_SECRET": self.client_secret}

    def bootstrap(self) -> str:
        """What the server is told to have: one source, one destination, one connection, the documented ones."""
        source = {
            "host": self.source.host,
            "port": self.source.port,
            "database": self.source.database,
            "username": self.source.user,
            "password": self.source.password,
            "ssl": self.tls,
        }
        destination = {
            "bucket": BUCKET,
            "path": PREFIX,
            "region": self.aws.region,
            "endpoint": self.aws.url,
            "access_key_id": self.aws.access_key_id,
            "secret_access_key": self.aws.secret_access_key,
        }
        auth = {"client_id": CLIENT_ID, "client_secret": self.client_secret}
        return json.dumps(bootstrap_document(source=source, destination=destination, auth=auth), indent=2)

    def program(self, *, pid_file: Path, log_file: Path) -> Program:
        """How the server is started. Its passwords are in a file: other users can read a command line."""
        write_private(self._bootstrap_file, self.bootstrap())
        command = ["--state", str(self.home), "--host", HOST]
        command += ["--port", str(self.port), "--era", self.era, "--bootstrap", str(self._bootstrap_file)]
        command += ["--auth", "token" if self.credentials else "none"]
        module = "radar_pipeline.local.airbyte_server"
        return python_program("airbyte", module, command, self.home, pid_file=pid_file, log_file=log_file)

    def is_ready(self) -> bool:
        """Whether it answers."""
        return AirbyteAdmin(self.url).is_healthy()

    @property
    def _bootstrap_file(self) -> Path:
        return self.home / "bootstrap.json"
