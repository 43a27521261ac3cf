"""The small files of the stack's home."""

from __future__ import annotations

import io
import json
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.local import ports
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.environment import Wiring, write_environment
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import write_private
from radar_pipeline.local.home import Home
from radar_pipeline.local.inbox.address import inbox_page
from radar_pipeline.local.mariadb import MySqlAddress, socket_path
from radar_pipeline.local.ports import free_port, is_free
from radar_pipeline.local.servers import LocalOptions, choose_state, foreign_source
from radar_pipeline.local.state import PART_OF_PORT, StackState, ensure_secrets, load_state

SOURCE = MySqlAddress("127.0.0.1", 13306, "bi-cognitivo-read", "secret")
AWS = AwsEndpoint(Path("/nowhere"), 14566, "us-east-2", "aws-secret")


def test_the_state_is_read_back_as_it_was_saved(tmp_path: Path):
    path = tmp_path / "state.json"
    assert load_state(path) == StackState()
    state = StackState(era="2.0", ports={"aws": 1, "mariadb": 2})
    state.save(path)
    assert load_state(path) == state


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"era": "1.0", "ports": {}}', '{"era": "2.0", "ports": 1}'])
def test_a_damaged_state_is_named_with_what_to_do(tmp_path: Path, text: str):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(LocalStackError, match=r"state\.json is damaged: delete it"):
        load_state(path)


def test_passwords_are_made_once_kept_private_and_shown_nowhere(tmp_path: Path):
    path = tmp_path / "secrets.json"
    made = ensure_secrets(path)
    assert ensure_secrets(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.mariadb_reader) >= 32
    assert made.mariadb_reader not in repr(made)


def test_a_stack_of_an_older_version_gets_the_passwords_that_it_lacks_and_keeps_its_own(tmp_path: Path):
    path = tmp_path / "secrets.json"
    names = ("mariadb_admin", "mariadb_reader", "aws_secret_access_key", "airbyte_client_secret")
    path.write_text(json.dumps({name: f"old-{name}" for name in names}))
    made = ensure_secrets(path)
    assert [getattr(made, name) for name in names] == [f"old-{name}" for name in names]
    assert made.slack_token.startswith("xoxb-")
    assert len(made.pagerduty_routing_key) == 32
    assert made.pagerduty_routing_key.isalnum()
    assert ensure_secrets(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_commands_at_once_come_to_the_same_passwords(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ensure_secrets(tmp_path / "secrets.json"), range(16)))
    assert len({each.slack_token for each in made}) == 1


def test_the_ports_of_an_older_stack_are_kept_and_those_of_the_inbox_chosen(tmp_path: Path):
    home = Home(tmp_path)
    home.state.write_text('{"era": "2.0", "ports": {"mariadb": 1, "aws": 2, "airbyte": 3}}')
    assert inbox_page(tmp_path) is None
    state = load_state(home.state)
    asked = {"mariadb": free_port(), "aws": free_port(), "airbyte": free_port()}
    chosen = choose_state(home, state, LocalOptions(ports=asked), lambda _: None)
    assert set(chosen.ports) == set(PART_OF_PORT)
    assert len(set(chosen.ports.values())) == len(PART_OF_PORT)
    chosen.save(home.state)
    assert inbox_page(tmp_path) == f"http://127.0.0.1:{chosen.ports['inbox']}"


@pytest.mark.parametrize("text", ["", "[]", '"x"', "null"])
def test_damaged_passwords_are_named_with_what_to_do_and_not_shown(tmp_path: Path, text: str):
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(LocalStackError, match=r"secrets\.json is damaged: delete it"):
        ensure_secrets(path)


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=30))
def test_any_password_comes_back_from_the_env_file_as_it_was(tmp_path_factory: pytest.TempPathFactory, password: str):
    path = tmp_path_factory.mktemp("env") / "env"
    write_environment(path, Wiring(replace(SOURCE, password=password), AWS, 18001, {}, {}))
    assert (
        dotenv_values(stream=io.StringIO(path.read_text(encoding="utf-8")), interpolate=False)["RADAR_PASS"] == password
    )


def test_a_private_file_is_replaced_whole_or_left_alone(tmp_path: Path):
    path = tmp_path / "file"
    write_private(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@given(st.text(st.characters(categories=("Ll", "Nd")), min_size=1, max_size=150))
def test_the_socket_of_any_home_fits_the_kernel_and_is_the_same_each_time(name: str):
    home = Path("/home/somebody") / name
    assert len(bytes(socket_path(home))) <= 107
    assert socket_path(home) == socket_path(home)
    assert (socket_path(home).parent == home) == (len(bytes(home / "mariadb.sock")) <= 107)


@pytest.mark.parametrize(
    ("source", "ports", "is_foreign"),
    [
        (None, {}, False),
        (SOURCE, {"mariadb": 13306}, False),
        (SOURCE, {"mariadb": 13307}, True),
        (SOURCE, {}, True),
        (replace(SOURCE, host="db.example"), {"mariadb": 13306}, True),
    ],
)
def test_a_source_is_foreign_unless_it_is_the_own_mariadb(
    source: MySqlAddress | None, ports: dict[str, int], is_foreign: bool
):
    found = foreign_source(LocalOptions(source=source), StackState(ports=ports))
    assert found == (source if is_foreign else None)


@pytest.fixture
def given_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kernel's word on which ports outgoing connections get."""
    path = tmp_path / "ip_local_port_range"
    path.write_text("32768\t60999\n")
    monkeypatch.setattr(ports, "_GIVEN_OUT", path)
    return path


def test_a_chosen_port_is_none_that_an_outgoing_connection_could_take(given_out: Path):
    given_out.write_text("30000\t60999\n")
    chosen = [free_port() for _ in range(300)]
    assert all(10_000 <= port < 30_000 and is_free(port) for port in chosen)
    assert len(set(chosen)) == 300, "none twice, though nobody listens on any of them"


@pytest.mark.parametrize("told", ["1024\t65535\n", "10001 65535\n"])
def test_where_connections_may_take_every_port_the_kernel_chooses(given_out: Path, told: str):
    given_out.write_text(told)
    chosen = [free_port() for _ in range(20)]
    assert all(map(is_free, chosen))
    assert len(set(chosen)) > 1


def test_a_port_that_somebody_listens_on_is_passed_over(given_out: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
        taken = listener.getsockname()[1]
        monkeypatch.setattr(ports, "_chosen", set())
        drawn = iter((taken, taken, taken + 1, taken + 2))
        monkeypatch.setattr("radar_pipeline.local.ports.secrets.choice", lambda _: next(drawn))
        assert free_port() in {taken + 1, taken + 2}
