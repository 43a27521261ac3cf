"""What has to be installed: MariaDB where it is missing, ministack's virtual environment once."""

from __future__ import annotations

from pathlib import Path

import pytest

from radar_pipeline.local import provision
from radar_pipeline.local.errors import LocalStackError


def test_a_missing_mariadb_that_may_not_be_installed_is_one_sentence_on_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(provision, "find_mariadbd", lambda: None)
    said: list[str] = []
    with pytest.raises(LocalStackError) as caught:
        provision.ensure_mariadbd(said.append, may_install=False)
    assert str(caught.value) == (
        "MariaDB's server (mariadbd) is not installed: run `sudo apt-get install mariadb-server-core "
        "mariadb-client-core`, or point RADAR_HOST, RADAR_PORT, RADAR_DATABASE, RADAR_USER and RADAR_PASS at a MySQL "
        "that is already there."
    )
    assert said == []


def test_a_user_without_root_and_without_sudo_gets_the_sentence_and_no_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(provision, "find_mariadbd", lambda: None)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    asks = tmp_path / "sudo"
    asks.write_text("#!/bin/sh\nexit 1\n")
    asks.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalStackError, match="is not installed: run `sudo apt-get install"):
        provision.ensure_mariadbd(print, may_install=True)


def test_an_apt_that_fails_shows_its_last_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(provision, "find_mariadbd", lambda: None)
    monkeypatch.setattr("os.getuid", lambda: 0)
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho E: Unable to locate package >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    said: list[str] = []
    with pytest.raises(LocalStackError, match=r"apt failed:\n    E: Unable to locate package"):
        provision.ensure_mariadbd(said.append, may_install=True)
    assert said == ["installing mariadb-server-core and mariadb-client-core with apt"]


def fake_installation(folder: Path, runs: list[str]) -> list[list[str]]:
    runs.append("run")
    program = folder / "bin" / "ministack"
    return [["mkdir", "-p", str(program.parent)], ["touch", str(program)]]


def test_the_aws_environment_is_installed_once_and_anew_when_it_was_interrupted_or_its_lock_file_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    runs: list[str] = []
    monkeypatch.setattr(provision, "_install_commands", lambda folder, _: fake_installation(folder, runs))
    folder = tmp_path / "venv"
    said: list[str] = []
    for _ in range(2):
        assert provision.ensure_aws_venv(folder, said.append) == folder / "bin" / "ministack"
    assert len(runs) == len(said) == 1

    (folder / "installed").unlink()
    provision.ensure_aws_venv(folder, said.append)
    assert len(runs) == 2

    changed = tmp_path / "requirements.lock"
    changed.write_text("ministack==0\n")
    monkeypatch.setattr(provision, "AWS_REQUIREMENTS", changed)
    provision.ensure_aws_venv(folder, said.append)
    assert len(runs) == 3


def test_an_installation_that_fails_says_what_the_installer_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(provision, "_install_commands", lambda *_: [["/bin/sh", "-c", "echo no route >&2; exit 1"]])
    with pytest.raises(LocalStackError, match=r"could not be installed.*\n    no route"):
        provision.ensure_aws_venv(tmp_path / "venv", print)
    assert not (tmp_path / "venv" / "installed").exists()


def test_the_lock_file_pins_every_package_with_hashes_and_names_no_place_to_get_them_from():
    text = provision.AWS_REQUIREMENTS.read_text()
    pins = [line for line in text.splitlines() if line and line[0].isalpha()]
    assert "ministack==1.5.33 \\" in pins
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert "://" not in text


def test_apt_is_asked_again_after_an_update_when_its_lists_are_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    apt, updated, server = tmp_path / "apt-get", tmp_path / "updated", tmp_path / "mariadbd"
    apt.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *update) touch {updated};;\n'
        f"  *install*mariadb-server-core*) [ -e {updated} ] && touch {server};; esac\n"
    )
    apt.chmod(0o755)
    monkeypatch.setattr(provision, "find_mariadbd", lambda: server if server.exists() else None)
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert provision.ensure_mariadbd(print, may_install=True) == server
    assert updated.exists()


def test_a_server_without_the_program_that_its_installer_calls_is_not_yet_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    sbin, tools = tmp_path / "sbin", tmp_path / "bin"
    for folder, program in ((sbin, "mariadbd"), (tools, "my_print_defaults")):
        folder.mkdir()
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(sbin))
    assert provision.find_mariadbd() == sbin / "mariadbd"
    (tools / "my_print_defaults").unlink()
    assert provision.find_mariadbd() is None
