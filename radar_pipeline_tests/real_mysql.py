"""A real MySQL server, which Debian packages in its unstable suite only: a chroot of that suite, mysqld inside it.

Needs root and Debian. The chroot (about 560 MB, half a minute to make) is kept under `.radar/mysql`; data lives in a
fresh folder of it for each test process and goes with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from radar_pipeline.local.files import exclusive
from radar_pipeline.local.mariadb import ADMIN, DATABASE, READER, MySqlAddress, answers
from radar_pipeline.local.ports import HOST, free_port
from radar_pipeline.local.processes import Program, start, stop, wait_until_ready
from radar_pipeline_tests.servers import PROJECT, MySqlServer, tied_to_this_process

CHROOT = PROJECT / ".radar" / "mysql"

# Where chroot, mount and unshare lie; the caller's PATH may lack the folders for root.
_ROOT_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# The mounts belong to a mount namespace of the server's own: they end with it, however it ends.
_INSIDE = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" /usr/sbin/mysqld "$@"'


def why_not() -> str | None:
    """Why no real MySQL can be started on this machine; None where it can."""
    if os.getuid() != 0:
        return "a real MySQL runs in a chroot, which needs root"
    if (CHROOT / "usr" / "sbin" / "mysqld").exists():
        return None
    if not debian_mirror():
        return "a real MySQL is taken from Debian's unstable suite, and this machine's apt names no Debian mirror"
    if not shutil.which("debootstrap") and os.environ.get("RADAR_NO_APT"):
        return "debootstrap is not installed, and RADAR_NO_APT forbids installing it: apt-get install debootstrap"
    return None


def debian_mirror(apt: Path = Path("/etc/apt")) -> str | None:
    """The mirror that this machine's own apt uses for Debian itself (not for its security updates)."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    lines = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    mirrors = [m[1] for line in lines if (m := re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+\S+", line))]
    for file in sorted((apt / "sources.list.d").glob("*.sources")):
        mirrors += [
            uri for m in re.findall(r"(?m)^URIs:\s*(.+)$", file.read_text(encoding="utf-8")) for uri in m.split()
        ]
    return next((mirror for mirror in mirrors if mirror.rstrip("/").endswith("/debian")), None)


def ensure_chroot() -> None:
    """Makes the chroot unless it is there; an interrupted one is made anew."""
    with exclusive(CHROOT.with_name("mysql.lock")):
        if (CHROOT / "usr" / "sbin" / "mysqld").exists():
            return
        if not shutil.which("debootstrap"):
            _run("apt-get", "install", "-y", "-q", "--no-install-recommends", "debootstrap")
        fresh = CHROOT.with_name("mysql.new")
        shutil.rmtree(fresh, ignore_errors=True)
        mirror = debian_mirror()
        assert mirror
        # In a mount namespace, so that what debootstrap mounts cannot be left behind when it is interrupted.
        _run(
            "unshare",
            "--mount",
            "debootstrap",
            "--variant=minbase",
            "--include=mysql-server-core",
            "sid",
            str(fresh),
            mirror,
        )
        fresh.rename(CHROOT)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{lines}")


@contextlib.contextmanager
def started_mysql(home: Path) -> Iterator[MySqlServer]:
    """Starts a real MySQL with an empty schema `radar`; pid file and log lie in `home`."""
    ensure_chroot()
    data = Path(tempfile.mkdtemp(prefix="data-", dir=CHROOT))
    inside = f"/{data.name}/data"
    port = free_port()
    admin = MySqlAddress(HOST, port, ADMIN, secrets.token_urlsafe(16))
    reader = MySqlAddress(HOST, port, READER, secrets.token_urlsafe(16))
    (data / "users.sql").write_text(_users(admin, reader), encoding="utf-8")
    common = ("--no-defaults", "--user=root", f"--datadir={inside}")
    options = (
        f"--port={port}",
        f"--bind-address={HOST}",
        f"--socket=/{data.name}/my.sock",
        f"--pid-file=/{data.name}/my.pid",
        f"--init-file=/{data.name}/users.sql",
        "--mysqlx=OFF",
        "--secure-file-priv=",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--local-infile=ON",
        "--default-time-zone=-03:00",
        "--character-set-server=utf8mb4",
        "--sql-mode=NO_ENGINE_SUBSTITUTION",
        "--innodb-flush-log-at-trx-commit=0",
        "--performance-schema=OFF",
    )
    enter = ("unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", _INSIDE, str(CHROOT))
    program = Program(
        "MySQL", (*enter, *common, *options), home / "mysql.pid", home / "mysql.log", {"PATH": _ROOT_PATH}, cwd=home
    )
    program = tied_to_this_process(program)
    try:
        _run(*enter, *common, "--initialize-insecure")
        wait_until_ready(program, start(program), lambda: answers(reader), seconds=60)
        yield MySqlServer(admin, reader, data / "data" / "ca.pem")
    finally:
        stop(program.pid_file, seconds=30)
        shutil.rmtree(data, ignore_errors=True)


def _users(admin: MySqlAddress, reader: MySqlAddress) -> str:
    statements = (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4",
        f"CREATE USER IF NOT EXISTS '{ADMIN}'@'{HOST}' IDENTIFIED BY '{admin.password}'",
        f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'{HOST}' WITH GRANT OPTION",
        f"CREATE USER IF NOT EXISTS '{READER}'@'{HOST}' IDENTIFIED BY '{reader.password}'",
        f"GRANT SELECT ON {DATABASE}.* TO '{READER}'@'{HOST}'",
        "DROP USER IF EXISTS 'root'@'localhost'",
    )
    return "".join(f"{statement};\n" for statement in statements)


@pytest.fixture(scope="session")
def real_mysql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySqlServer]:
    """A real MySQL with an empty schema `radar`, for the whole test process; skips, saying why, where none can."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with started_mysql(tmp_path_factory.mktemp("mysql")) as server:
        yield server
