"""The local AWS endpoint: ministack as a program, the bucket that the bronze layer lies in, and Athena's workgroup."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from radar_pipeline.local import startup
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.processes import Program

# ministack takes a key of twelve digits for an account id and keeps a state for each; any other means its one account.
ACCESS_KEY_ID = "RADARLOCAL"


@dataclass(frozen=True)
class AwsEndpoint:
    """One ministack server.

    Attributes:
        home: Folder of its state.
        port: TCP port on loopback.
        region: The one region in use: ministack keeps a state for each.
        secret_access_key: Secret key; not in the repr.
    """

    home: Path
    port: int
    region: str
    secret_access_key: str = field(repr=False)
    access_key_id: str = ACCESS_KEY_ID

    @property
    def url(self) -> str:
        """Endpoint of every AWS service."""
        return f"http://{HOST}:{self.port}"

    def program(self, ministack: Path, *, pid_file: Path, log_file: Path) -> Program:
        """How the server is started. It saves its state on SIGTERM only, so it gets time for that."""
        environment = {
            "PATH": f"{ministack.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.home),
            "PYTHONPATH": str(startup.FOLDER),
            "GATEWAY_PORT": str(self.port),
            # It would listen on every interface otherwise.
            "BIND_HOST": HOST,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "ATHENA_ENGINE": "duckdb",
            "LOG_LEVEL": "WARNING",
        }
        self.home.mkdir(parents=True, exist_ok=True)
        return Program("aws", (str(ministack),), pid_file, log_file, environment, cwd=self.home, stop_seconds=60)

    def is_ready(self) -> bool:
        """Whether it answers."""
        # Loopback only: a proxy of the environment has no business here.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/_ministack/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            # No HTTP: another program, or this one. A port that was free may be the very one that a client to it gets,
            # and loopback connects it to itself.
            return False

    def client(self, service: str) -> Any:
        """A boto3 client for this endpoint; path addressing, because bucket names are no host names here."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 3}),
        )

    @cached_property
    def s3(self) -> Any:
        """The boto3 client of S3, made once."""
        return self.client("s3")

    def ensure_bucket(self, bucket: str) -> None:
        """Makes the bucket, versioned as the customer's is, unless it is there."""
        s3 = self.s3
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def ensure_workgroup(self, workgroup: str, output: str) -> None:
        """Makes Athena's workgroup unless it is there. Glue's database is made by the platform itself."""
        athena = self.client("athena")
        if workgroup in {each["Name"] for each in athena.list_work_groups()["WorkGroups"]}:
            return
        athena.create_work_group(Name=workgroup, Configuration={"ResultConfiguration": {"OutputLocation": output}})
