"""What the stack needs on the machine and may have to install: the MariaDB server, ministack's virtual environment."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import exclusive, write_private

Progress = Callable[[str], None]

AWS_REQUIREMENTS = Path(__file__).with_name("aws-requirements.lock")

# The second brings my_print_defaults, without which the first cannot make a data directory and which Debian does not
# list among what it depends on.
_MARIADB_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_HOW_TO_GET_MARIADB = (
    f"MariaDB's server (mariadbd) is not installed: run `sudo apt-get install {' '.join(_MARIADB_PACKAGES)}`, or point "
    "RADAR_HOST, RADAR_PORT, RADAR_DATABASE, RADAR_USER and RADAR_PASS at a MySQL that is already there."
)


def find_mariadbd() -> Path | None:
    """The MariaDB server program, on PATH or where Debian puts it, which is not on an ordinary user's PATH.

    None also where the program is there and what its installer calls is not.
    """
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"))
    found = shutil.which("mariadbd", path=folders)
    if found is None:
        return None
    server = Path(found).resolve()
    beside = os.pathsep.join((folders, str(server.parent.parent / "bin"), str(server.parent)))
    return server if shutil.which("my_print_defaults", path=beside) else None


def ensure_mariadbd(progress: Progress, *, may_install: bool) -> Path:
    """Finds the MariaDB server, or installs it through apt where that needs no password.

    Raises:
        LocalStackError: It is missing and may not or cannot be installed; one sentence on what to do.
    """
    found = find_mariadbd()
    if found:
        return found
    sudo = _sudo() if may_install and shutil.which("apt-get") else None
    if sudo is None:
        raise LocalStackError(_HOW_TO_GET_MARIADB)
    progress(f"installing {' and '.join(_MARIADB_PACKAGES)} with apt")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A machine just started often has its own updates holding apt's lock for a while.
    apt = [*sudo, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
    install = [*apt, "install", "-y", "--no-install-recommends", *_MARIADB_PACKAGES]
    # A machine whose package lists are fresh needs no update, and one whose lists are old says so by failing.
    for command in (install, [*apt, "update"], install):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
        if found := find_mariadbd():
            return found
    lines = "".join(f"\n    {line}" for line in (done.stdout + done.stderr).splitlines()[-10:])
    message = f"{_HOW_TO_GET_MARIADB} apt failed:{lines}"
    raise LocalStackError(message)


def _sudo() -> list[str] | None:
    """What to put before a command to run it as root; None where that would ask for a password."""
    if os.getuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def ensure_aws_venv(folder: Path, progress: Progress) -> Path:
    """Installs ministack into a virtual environment of its own, once: it pins botocore to one exact version.

    Returns:
        The ``ministack`` program.
    """
    return ensure_venv(folder, AWS_REQUIREMENTS, "ministack", "the local AWS endpoint (ministack)", progress)


def ensure_venv(folder: Path, requirements: Path, program: str, what: str, progress: Progress) -> Path:
    """Installs a locked list of packages into a virtual environment of its own, once.

    The marker is written last and holds the hash of the lock file, so an interrupted installation and a changed lock
    file are both installed anew.

    Args:
        folder: Where the environment goes.
        requirements: The lock file, with hashes.
        program: Name of the program that is wanted.
        what: What it is, for a person.
        progress: Told what takes a while.

    Returns:
        The program.

    Raises:
        LocalStackError: It could not be installed.
    """
    found = folder / "bin" / program
    with exclusive(folder.with_name(f"{folder.name}.lock")):
        marker = folder / "installed"
        wanted = _fingerprint(folder, requirements)
        if found.exists() and marker.exists() and marker.read_text(encoding="utf-8") == wanted:
            return found
        progress(f"installing {what}, once")
        shutil.rmtree(folder, ignore_errors=True)
        for command in _install_commands(folder, requirements):
            _run(command, what)
        write_private(marker, wanted)
    return found


def _fingerprint(folder: Path, requirements: Path) -> str:
    """What the environment was made from: a moved one or one of another Python does not run."""
    parts = (requirements.read_bytes(), os.fsencode(folder), sys.version.encode(), sys.base_prefix.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _install_commands(folder: Path, requirements: Path) -> list[list[str]]:
    python = str(folder / "bin" / "python")
    uv = _uv()
    flags = ["--quiet", "--require-hashes"]
    if uv:
        return [
            [*uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
            [*uv, "pip", "install", *flags, "--system-certs", "--python", python, "-r", str(requirements)],
        ]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", *flags, "-r", str(requirements)],
    ]


def _uv() -> list[str] | None:
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else None


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = "".join(f"\n    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
        message = f"{what} could not be installed. `{' '.join(command)}` said:{lines}"
        raise LocalStackError(message)
