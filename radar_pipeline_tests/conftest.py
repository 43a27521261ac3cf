"""Servers that the tests of every room share: a private MariaDB, a local S3 and an inbox, one of each for a process."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import alembic.script
import botocore.session
import pytest
from hypothesis import settings

from radar_pipeline.local import ports, startup
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import MariaDb
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import Program, start, stop, wait_until_ready
from radar_pipeline.local.provision import ensure_aws_venv, ensure_mariadbd
from radar_pipeline_tests.local.inbox_harness import Running, running
from radar_pipeline_tests.real_mysql import real_mysql
from radar_pipeline_tests.servers import PROJECT, MySqlServer, S3Server, tied_to_this_process

__all__ = ["real_mysql"]

# The same examples on every machine and every day: what passes once passes again. Others are looked for by
# `pytest --hypothesis-profile=thorough -m "not integration and not e2e and not mysql and not browser"`.
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("suite")

# The stack's own folder: installed once for the tests, for `radar local up` and for every test process.
AWS_VENV = PROJECT / ".radar" / "local" / "aws-venv"

_TRIES = 3

# Files that take long, roughly longest first. The one that waits for a minute of outage leaves the processors to the
# others meanwhile.
_LONGEST_FIRST = (
    "end_to_end/test_outages.py",
    "end_to_end/test_error_flow.py",
    "end_to_end/test_commands.py",
    "end_to_end/test_faults.py",
    "end_to_end/test_killed.py",
    "end_to_end/test_ui.py",
    "end_to_end/test_catalogue.py",
    "end_to_end/test_alerts.py",
    "end_to_end/test_daily_run.py",
    "end_to_end/test_check_config.py",
    "end_to_end/test_bad_input.py",
    "end_to_end/test_terminated.py",
    "orchestration/test_alerts_killed.py",
    "local/test_stack.py",
    "orchestration/test_event_log.py",
    "end_to_end/test_retention.py",
    "lake/test_compaction.py",
    "lake/test_retention_killed.py",
    "lake/test_restoring.py",
    "lake/test_retention.py",
    "local/test_airbyte_server_copies.py",
    "local/test_extract.py",
    "orchestration/test_catalogue_sensor.py",
    "tables/test_proposal.py",
    "radar_pipeline_tests/test_runbooks.py",
)

# A store of each test makes a session of its own, and each session would read and parse boto3's models anew: 50 ms.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

# Each Dagster instance executes the 88 scripts of Dagster's migrations twice, to learn the name of the newest.
alembic.script.ScriptDirectory.from_config = functools.cache(alembic.script.ScriptDirectory.from_config)


def pytest_configure() -> None:
    """Lets what the tests start be ended by SIGINT and SIGTERM however the tests themselves were started.

    A shell starts what it puts into the background with SIGINT ignored; Dagster handles SIGTERM as it finds SIGINT; and
    what a process ignores its children ignore too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _choose_ports_apart()
    # Python programs that tests start are begun like those of the stack.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(startup.FOLDER), os.environ.get("PYTHONPATH"))))


def _choose_ports_apart() -> None:
    """Each test process draws ports from a share of its own: two chose the same one before either listened on it."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    of_all = ports._never_given_out
    ports._never_given_out = lambda: of_all()[number::processes]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded by its end stays: the collector walks through the rest alone, and as seldom as in a command.

    While the tests were compiled and loaded it took two fifths of the CPU.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        _keep_engines()
        gc.freeze()
        gc.set_threshold(50_000, 10, 10)
        gc.enable()


def _keep_engines() -> None:
    """Dagster's storages of runs and schedules make an engine for each question, which keeps no connection.

    The process that only hands out the tests has not loaded Dagster, and does not load it for this.
    """
    if "dagster" in sys.modules:
        for name in ("runs.sqlite.sqlite_run_storage", "schedules.sqlite.sqlite_schedule_storage"):
            storage = importlib.import_module(f"dagster._core.storage.{name}")
            storage.create_engine = functools.cache(storage.create_engine)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: it must not be what everybody waits for at the end.

    A file is one piece of work for one process. Its own tests keep their order.
    """
    ranks = {name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get("/".join(item.path.parts[-2:]), len(ranks)))


@pytest.fixture(scope="session")
def mariadbd() -> Path:
    """The MariaDB server program."""
    return ensure_mariadbd(print, may_install=not os.environ.get("RADAR_NO_APT"))


@pytest.fixture(scope="session")
def mariadb(mariadbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySqlServer]:
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
    yield MySqlServer(server.admin, server.reader, server.tls.authority)
    stop(pid_file, seconds=30)


def in_memory(program: Callable[..., Program]) -> Callable[..., Program]:
    """The same server, which keeps nothing on disk: for tests that do not start it again."""

    def made(*args: Any, **named: Any) -> Program:
        server = program(*args, **named)
        return replace(server, environment={**server.environment, "PERSIST_STATE": "0", "S3_PERSIST": "0"})

    return made


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A local AWS endpoint with no buckets, for the whole test process."""
    ministack = ensure_aws_venv(AWS_VENV, print)
    home = tmp_path_factory.mktemp("aws")
    pid_file = home / "server.pid"
    for _ in range(_TRIES):
        endpoint = AwsEndpoint(home, free_port(), "us-east-2", secrets.token_urlsafe(16))
        program = in_memory(endpoint.program)(ministack, pid_file=pid_file, log_file=home / "server.log")
        if _came_up(program, endpoint):
            break
    else:
        pytest.fail(f"no free port in {_TRIES} tries")
    yield S3Server(endpoint)
    stop(pid_file, seconds=30)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A fresh versioned bucket on the local endpoint."""
    return s3.new_bucket()


@pytest.fixture(scope="session")
def started_inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Every channel of the alerts, for the whole test process."""
    with running(tmp_path_factory.mktemp("inbox")) as inbox:
        yield inbox


@pytest.fixture
def inbox(started_inbox: Running) -> Running:
    """Every channel of the alerts: nothing has arrived, and all of them work."""
    started_inbox.client.forget()
    started_inbox.client.clear_faults()
    return started_inbox


def _came_up(program: Program, server: MariaDb | AwsEndpoint) -> bool:
    """Starts a server. False where another program took its port between the choice and the start."""
    program = tied_to_this_process(program)
    try:
        wait_until_ready(program, start(program), server.is_ready, seconds=60)
    except LocalStackError as error:
        if "address already in use" in str(error).lower():
            return False
        raise
    return True
