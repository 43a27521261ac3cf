"""A store on a fresh bucket of each of two S3 servers, and one on an endpoint that enforces IAM policies.

What a test asks of S3 in general it asks of both servers. What only one of them can do names it:
``@pytest.mark.parametrize("server", ["ministack"], indirect=True)``.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import start, stop, tail, wait_until_ready
from radar_pipeline.local.provision import ensure_aws_venv
from radar_pipeline_tests.conftest import AWS_VENV
from radar_pipeline_tests.seaweed import seaweed_endpoint, weed_program
from radar_pipeline_tests.servers import S3Server, tied_to_this_process

_TRIES = 3


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS with no buckets, for the whole test process."""
    try:
        weed = weed_program()
    except LocalStackError as error:
        missing = "the second S3 server is not there, so half of the S3 tests do not run"
        # A skip alone says its reason only to who asks for it.
        warnings.warn(f"{missing}: {error}", stacklevel=1)
        pytest.skip(missing)
    home = tmp_path_factory.mktemp("weed")
    pid_file = home / "server.pid"
    for _ in range(_TRIES):
        # Another program may take one of its many ports between the choice and the start.
        endpoint = seaweed_endpoint(home, secrets.token_urlsafe(16))
        program = endpoint.program(weed, pid_file=pid_file, log_file=home / "server.log")
        program = tied_to_this_process(program)
        with contextlib.suppress(LocalStackError):
            wait_until_ready(program, start(program), endpoint.is_ready, seconds=60)
            break
    else:
        pytest.fail(f"SeaweedFS did not come up in {_TRIES} tries: {tail(home / 'server.log')}")
    yield S3Server(endpoint)
    # It waits for idle connections of clients, and what it holds is nobody's.
    stop(pid_file, seconds=0.5)


@pytest.fixture(params=["ministack", "seaweed"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each of the two S3 servers in turn."""
    return request.getfixturevalue({"ministack": "s3", "seaweed": "seaweed"}[request.param])


@pytest.fixture
def bucket(server: S3Server) -> str:
    """A fresh versioned bucket."""
    return server.new_bucket()


@pytest.fixture
def config(server: S3Server, bucket: str) -> LakeConfig:
    return LakeConfig(bucket, **server.reach)


@pytest.fixture
def store(config: LakeConfig) -> LakeStore:
    return LakeStore(config)


@pytest.fixture
def layout() -> BronzeLayout:
    return BronzeLayout("origin=airbyte/database=bronze_radar")


@dataclass(frozen=True)
class Guarded:
    """A bucket whose owner may do everything and others what their policy says."""

    server: S3Server
    bucket: str

    def store(self, *, forbidding: tuple[str, str] | None = None) -> LakeStore:
        """The bucket as its owner sees it, or as a user who may do everything but one action on one key."""
        s3 = self.server
        config = LakeConfig(self.bucket, **s3.reach)
        if forbidding is None:
            return LakeStore(config)
        action, key = forbidding
        rules = [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": f"s3:{action}", "Resource": f"arn:aws:s3:::{self.bucket}/{key}"},
        ]
        iam, name = s3.client("iam"), f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": rules})
        iam.put_user_policy(UserName=name, PolicyName="all-but-one", PolicyDocument=policy)
        granted = iam.create_access_key(UserName=name)["AccessKey"]
        return LakeStore(
            replace(config, access_key_id=granted["AccessKeyId"], secret_access_key=granted["SecretAccessKey"])
        )


@pytest.fixture(scope="session")
def iam_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A local AWS endpoint that checks signatures and policies, which the stack's own does not."""
    home = tmp_path_factory.mktemp("aws-iam")
    endpoint = AwsEndpoint(home, free_port(), "us-east-2", secrets.token_urlsafe(16), "owner")
    pid_file = home / "server.pid"
    program = endpoint.program(ensure_aws_venv(AWS_VENV, print), pid_file=pid_file, log_file=home / "server.log")
    keys = {"AWS_ACCESS_KEY_ID": endpoint.access_key_id, "AWS_SECRET_ACCESS_KEY": endpoint.secret_access_key}
    strict = tied_to_this_process(replace(program, environment={**program.environment, **keys, "AUTH": "true"}))
    try:
        wait_until_ready(strict, start(strict), endpoint.is_ready, seconds=60)
        yield S3Server(endpoint)
    finally:
        stop(pid_file, seconds=30)


@pytest.fixture
def guarded(iam_server: S3Server) -> Guarded:
    return Guarded(iam_server, iam_server.new_bucket())
