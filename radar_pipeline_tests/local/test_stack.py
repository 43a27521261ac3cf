"""The whole local stack, really started: nothing is stubbed, and at the end nothing is left behind."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import boto3
import psutil
import pymysql
import pytest
import requests
from slack_sdk import WebClient

from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.environment import BUCKET, variables
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import connect
from radar_pipeline.local.parts import Part, ensure_running
from radar_pipeline.local.ports import free_port, is_free
from radar_pipeline.local.processes import find
from radar_pipeline.local.provision import ensure_aws_venv
from radar_pipeline.local.stack import LocalOptions, LocalStack
from radar_pipeline.local.state import PART_OF_PORT, PARTS, load_state
from radar_pipeline.settings import Settings
from radar_pipeline_tests.conftest import AWS_VENV
from radar_pipeline_tests.servers import PROJECT, S3Server

pytestmark = pytest.mark.integration

TINY = 0.001


def new_stack(home: Path, **options) -> LocalStack:
    # Ports of the kernel's choice: other test processes and a stack of the developer's own may be up.
    ports = {name: free_port() for name in PART_OF_PORT}
    return LocalStack(home, LocalOptions(**{"ports": ports, "aws_venv": AWS_VENV, **options}))


def remembered(stack: LocalStack) -> LocalStack:
    """The same stack as a command without any options finds it."""
    return LocalStack(stack.path, LocalOptions(aws_venv=AWS_VENV))


def pids(stack: LocalStack) -> dict[str, int]:
    return {part.name: part.pid for part in stack.status().parts}


@pytest.fixture(scope="module")
def stack(mariadbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with a little data, down or up as the test before left it."""
    made = new_stack(tmp_path_factory.mktemp("stack"))
    made.up(scale=TINY)
    yield remembered(made)
    made.down()


@pytest.fixture
def up(stack: LocalStack) -> LocalStack:
    stack.up()
    return stack


def test_a_second_up_changes_nothing(up: LocalStack):
    before = pids(up)
    assert up.up() == ()
    assert pids(up) == before
    assert up.status().is_up


def test_down_leaves_no_process_and_no_listening_port(up: LocalStack):
    processes = [psutil.Process(pid) for pid in pids(up).values()]
    family = processes + [child for process in processes for child in process.children(recursive=True)]
    ports = list(load_state(up.home.state).ports.values())
    assert not any(is_free(port) for port in ports)

    assert up.down() == ("inbox", "airbyte", "aws", "mariadb")

    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert all(is_free(port) for port in ports)
    assert {part.state for part in up.status().parts} == {"stopped"}
    assert up.down() == ()


def test_every_port_is_on_loopback_only(up: LocalStack):
    listening = [
        connection.laddr.ip
        for pid in pids(up).values()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"] * len(PART_OF_PORT)


def test_data_catalogue_objects_and_faults_survive_a_restart(up: LocalStack):
    servers = up.servers
    with connect(servers.admin) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM store")
        rows = cursor.fetchone()
    servers.aws.client("s3").put_object(Bucket=BUCKET, Key="kept", Body=b"kept")
    servers.aws.client("glue").create_database(DatabaseInput={"Name": "kept"})
    AirbyteAdmin(servers.airbyte.url).switch_on("stream-fails", table="store", times=2, options={})

    up.down()
    assert "demonstration data loaded" not in up.up()

    with connect(servers.source) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM store")
        assert cursor.fetchone() == rows != (0,)
    assert servers.aws.client("s3").get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"kept"
    assert servers.aws.client("s3").get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert servers.aws.client("glue").get_database(Name="kept")["Database"]["Name"] == "kept"
    faults = AirbyteAdmin(servers.airbyte.url).faults()["active"]
    assert [(fault["name"], fault["table"]) for fault in faults] == [("stream-fails", "store")]
    AirbyteAdmin(servers.airbyte.url).clear_faults()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_killed_with_9_is_the_only_one_started_again(up: LocalStack, part: str):
    before = pids(up)
    os.kill(before[part], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before[part])] if psutil.pid_exists(before[part]) else [], timeout=5)

    assert up.up() == (f"{part} started again: it had ended by itself",)

    after = pids(up)
    assert {name for name in PARTS if after[name] != before[name]} == {part}
    assert up.status().is_up


def test_a_part_that_hangs_is_shown_and_started_again(up: LocalStack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("radar_pipeline.local.parts._BUSY_SECONDS", 0.5)
    before = pids(up)
    os.kill(before["airbyte"], signal.SIGSTOP)
    monkeypatch.setattr("radar_pipeline.local.airbyte_admin._TIMEOUT_SECONDS", 0.5)
    assert {part.name: part.state for part in up.status().parts}["airbyte"] == "not answering"
    assert up.up() == ("airbyte started again: no answer",)
    assert up.status().is_up


def test_another_era_starts_only_the_airbyte_server_again_and_is_remembered(up: LocalStack):
    before = pids(up)
    modern = LocalStack(up.path, LocalOptions(era="2.0", aws_venv=AWS_VENV))
    assert modern.up() == ("airbyte started again: other settings",)
    assert up.up() == ()
    assert up.status().era == "2.0"
    assert {name for name in PARTS if pids(up)[name] != before[name]} == {"airbyte"}
    assert "RADAR_AIRBYTE_CLIENT_SECRET" in up.home.env.read_text()
    LocalStack(up.path, LocalOptions(era="0.39", aws_venv=AWS_VENV)).up()
    assert "RADAR_AIRBYTE_CLIENT_SECRET" not in up.home.env.read_text()


def test_a_port_taken_while_the_stack_was_down_is_given_up_and_said(up: LocalStack):
    up.down()
    port = load_state(up.home.state).ports["aws"]
    said: list[str] = []
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        up.up(said.append)
    moved = load_state(up.home.state).ports["aws"]
    assert moved != port
    assert f"port {port} is taken by another program: aws moves to {moved}" in said
    assert f"RADAR_S3_ENDPOINT_URL=http://127.0.0.1:{moved}" in up.home.env.read_text()
    assert up.status().is_up


def test_a_port_asked_for_by_number_and_taken_is_an_error_that_names_who_has_it(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalStackError, match=rf"port {port} for aws is taken by .*\(pid {os.getpid()}\)"):
            new_stack(tmp_path, ports={"aws": port}).up()
    assert not find(tmp_path / "run" / "aws.pid")


def test_the_env_file_is_private_and_holds_what_the_settings_need(up: LocalStack):
    assert stat.S_IMODE(up.home.env.stat().st_mode) == 0o600
    settings = Settings(_env_file=up.home.env)
    settings.require()
    assert settings.environment == "local"
    assert settings.source_port == up.servers.source.port
    assert settings.source_password.get_secret_value() == up.servers.source.password
    assert str(settings.slack_channel) == "#data-engineering"
    named = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert set(variables(up.servers.wiring)) <= named
    documented = {"RADAR_HOST", "RADAR_PORT", "RADAR_DATABASE", "RADAR_USER", "RADAR_PASS", "AIRBYTE_SERVER_HOST"}
    documented |= {"AIRBYTE_SERVER_PORT", "RADAR_CONNECTION_ID", "FARMARCAS_AWS_ACCESS_KEY_ID", "S3_RADAR_PREFIX"}
    documented |= {"FARMARCAS_AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "S3_BUCKET_NAME", "SLACK_CHANNEL"}
    assert documented | {"SLACK_ALERT_CHANNEL"} <= set(variables(up.servers.wiring))


def test_the_env_file_leads_every_channel_of_the_alerts_to_the_inbox(up: LocalStack):
    settings = Settings(_env_file=up.home.env)
    slack = WebClient(settings.slack_token.get_secret_value(), base_url=str(settings.slack_api_url))
    for channel in (settings.slack_channel, settings.slack_alert_channel):
        slack.chat_postMessage(channel=channel, text="x")
    event = {"routing_key": settings.pagerduty_routing_key.get_secret_value(), "event_action": "trigger"}
    event["payload"] = {"summary": "x", "source": "x", "severity": "critical"}
    requests.post(f"{settings.pagerduty_events_url}/v2/enqueue", json=event, timeout=5).raise_for_status()
    token = {"Authorization": f"Token token={settings.pagerduty_api_token.get_secret_value()}"}
    assert requests.get(f"{settings.pagerduty_api_url}/incidents", headers=token, timeout=5).json()["incidents"]
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=5) as session:
        session.starttls(context=ssl.create_default_context(cafile=settings.smtp_ca_file))
        session.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        session.sendmail(settings.email_from, settings.email_to, b"Subject: x\n\nx")
    sns = boto3.client(
        "sns",
        endpoint_url=str(settings.sns_endpoint_url),
        region_name=settings.aws_region,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key.get_secret_value(),
    )
    for number in settings.sms_to:
        sns.publish(PhoneNumber=number, Message="x")
    arrived = [message["channel"] for message in up.servers.inbox.client.messages()]
    assert arrived == ["slack", "slack", "pagerduty", "smtp", "sns"]
    assert settings.smtp_tls == "starttls"
    assert str(settings.dagster_ui_url) == "http://127.0.0.1:3000/"


def test_no_secret_is_on_a_command_line_in_a_log_or_readable_by_other_users(up: LocalStack):
    servers = up.servers
    secrets = {servers.source.password, servers.admin.password, servers.aws.secret_access_key}
    shown_to_the_inbox = servers.inbox.credentials
    secrets |= {shown_to_the_inbox.slack_token, shown_to_the_inbox.pagerduty_routing_key}
    secrets |= {shown_to_the_inbox.pagerduty_api_token, shown_to_the_inbox.smtp_password}
    shown = [" ".join(psutil.Process(pid).cmdline()) for pid in pids(up).values()]
    shown += [log.read_text(errors="replace") for log in up.home.log_file("aws").parent.iterdir()]
    shown += [repr(servers), repr(up.status())]
    assert len(shown) > 2 * len(PARTS)
    assert not [text for text in shown for secret in secrets if secret in text]
    # Whatever the parts write below, nobody else gets in.
    assert stat.S_IMODE(up.home.root.stat().st_mode) == 0o700


def test_the_documented_reader_reads_over_verified_tls_and_cannot_write(up: LocalStack):
    servers = up.servers
    source = servers.source
    connection = pymysql.connect(
        host=source.host,
        port=source.port,
        user="bi-cognitivo-read",
        password=source.password,
        database="radar",
        ssl_ca=str(servers.mariadb.tls.authority),
        ssl_verify_cert=True,
        ssl_verify_identity=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
        assert cursor.fetchone()[1].startswith("TLS")
        cursor.execute("SELECT @@time_zone, @@character_set_server, @@local_infile")
        assert cursor.fetchone() == ("-03:00", "utf8mb4", 1)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("DELETE FROM store")


def test_a_mysql_of_somebody_else_is_used_and_none_is_started(up: LocalStack, tmp_path: Path):
    other = new_stack(tmp_path / "other", source=up.servers.source)
    try:
        changed = other.up()
        assert set(changed) == {"aws started", "airbyte started", "inbox started"}
        assert [part.state for part in other.status().parts] == ["elsewhere", "running", "running", "running"]
        assert f"RADAR_PORT={up.servers.source.port}" in other.home.env.read_text()
        assert not other.home.data("mariadb").exists()
    finally:
        other.down()
    assert up.status().is_up


def test_a_mysql_that_does_not_answer_is_named_without_its_password(up: LocalStack, tmp_path: Path):
    source = replace(up.servers.source, password="not-this-one")
    other = new_stack(tmp_path / "other", source=source)
    try:
        with pytest.raises(LocalStackError, match=rf"127\.0\.0\.1:{source.port} for bi-cognitivo-read") as caught:
            other.up()
        assert "not-this-one" not in str(caught.value)
    finally:
        other.down()


def test_two_ups_at_once_start_one_stack(stack: LocalStack):
    stack.down()
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        changed = [future.result() for future in [pool.submit(stack.up, said.append) for _ in range(2)]]
    assert sorted(len(each) for each in changed) == [0, 4]
    assert "waiting for another `radar local` command" in said
    assert stack.status().is_up


def test_an_up_killed_while_it_seeds_is_finished_by_the_next(mariadbd: Path, tmp_path: Path):
    home = (
        tmp_path
        / "a home whose path has blanks and is much too long for a socket, which the kernel limits to 107 bytes"
    )
    stack = new_stack(home)
    code = (
        "import sys; from pathlib import Path; from radar_pipeline.local.stack import LocalOptions, LocalStack\n"
        f"options = LocalOptions(ports={stack.options.ports!r}, aws_venv=Path({str(AWS_VENV)!r}))\n"
        f"stack = LocalStack(Path({str(home)!r}), options)\n"
        "stack.up(scale=0.2, seed_progress=lambda table, rows: print('row', flush=True))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=PROJECT)
    try:
        assert child.stdout.readline() == b"row\n"
        child.kill()
        child.wait()
        started = pids(stack)
        assert started["mariadb"]
        assert started["airbyte"] is None
        assert remembered(stack).up(scale=TINY) == ("demonstration data loaded", "airbyte started")
        assert pids(stack)["mariadb"] == started["mariadb"]
        socket_folder = stack.servers.mariadb.socket.parent
        assert socket_folder.exists()
        stack.reset()
        assert not socket_folder.exists()
        assert [path.name for path in home.iterdir()] == ["lock"]
    finally:
        child.kill()
        child.stdout.close()
        if stack.home.state.exists():
            stack.reset()


def test_reset_stops_everything_and_the_next_up_begins_afresh(mariadbd: Path, tmp_path: Path):
    stack = new_stack(tmp_path / "stack")
    with pytest.raises(LocalStackError, match=r"there is no local stack in .*: `radar local up` makes one"):
        stack.reset()
    try:
        stack.up(with_data=False)
        stack.servers.aws.client("s3").put_object(Bucket=BUCKET, Key="gone", Body=b"gone")
        running = pids(stack)
        stack.reset()
        assert stack.status().parts == ()
        assert not any(psutil.pid_exists(pid) and _lives(pid) for pid in running.values())
        stack.up(with_data=False)
        assert "Contents" not in stack.servers.aws.client("s3").list_objects_v2(Bucket=BUCKET)
    finally:
        stack.reset()


def _lives(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.05)
    return True


def test_a_server_of_another_stack_on_the_same_port_is_not_taken_for_the_own(s3: S3Server, tmp_path: Path) -> None:
    late = AwsEndpoint(tmp_path, s3.endpoint.port, s3.region, "another-secret")
    files = {"pid_file": tmp_path / "aws.pid", "log_file": tmp_path / "aws.log"}
    program = late.program(ensure_aws_venv(AWS_VENV, print), **files)
    assert late.is_ready(), "it is the other that answers"
    with pytest.raises(LocalStackError, match="already in use"):
        ensure_running(Part(program, late.is_ready), print)
