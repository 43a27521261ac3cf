"""A private MariaDB on loopback: its files, its users and how it is started.

It reads no configuration of the system, shares no data with one that may run there, and is tuned for data that can be
made again: nothing waits for the disk.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import write_private
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.processes import Program
from radar_pipeline.local.tls import TlsFiles, ensure_tls
from radar_pipeline.source.connection import connect_preferring_tls

DATABASE = "radar"
READER = "bi-cognitivo-read"
ADMIN = "radar-admin"

# sun_path of unix(7) is 108 bytes with the closing zero.
_LONGEST_SOCKET = 107


@dataclass(frozen=True)
class MySqlAddress:
    """How one user reaches one MySQL server.

    Attributes:
        host: Host name or address.
        port: TCP port.
        user: User name.
        password: Password; not in the repr.
        database: Default schema.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = DATABASE


@dataclass(frozen=True)
class MariaDb:
    """One private server.

    Attributes:
        home: Folder of all its files.
        port: TCP port on loopback.
        admin_password: Password of the user that seeds; not in the repr.
        reader_password: Password of the documented reader; not in the repr.
        buffer_pool_mb: Memory for pages; tests take less.
    """

    home: Path
    port: int
    admin_password: str = field(repr=False)
    reader_password: str = field(repr=False)
    buffer_pool_mb: int = 256

    @property
    def admin(self) -> MySqlAddress:
        """The user that may do everything: seeding, advancing, altering a table for a fault."""
        return MySqlAddress(HOST, self.port, ADMIN, self.admin_password)

    @property
    def reader(self) -> MySqlAddress:
        """The documented reader: SELECT on ``radar`` and nothing else."""
        return MySqlAddress(HOST, self.port, READER, self.reader_password)

    @property
    def tls(self) -> TlsFiles:
        """Its certificates."""
        return TlsFiles(self.home / "tls")

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """Its Unix socket."""
        return socket_path(self.home)

    def prepare(self, mariadbd: Path) -> None:
        """Makes data directory, certificates and the statements run at each start. Does nothing twice."""
        for folder in (self.home, self.home / "tmp", self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.socket.parent.stat().st_uid != os.getuid():
            message = (
                f"{self.socket.parent} belongs to another user; remove it or choose a shorter home than {self.home}"
            )
            raise LocalStackError(message)
        ensure_tls(self.tls.folder, server="radar local MariaDB", now=dt.datetime.now(dt.UTC))
        if not self.data.exists():
            self._install(mariadbd)
        write_private(self.home / "users.sql", _users(self.admin_password, self.reader_password))

    def _install(self, mariadbd: Path) -> None:
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        temporary = self.home / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)
        command = [
            str(_install_script(mariadbd)),
            "--no-defaults",
            f"--datadir={fresh}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--cross-bootstrap",
        ]
        if os.getuid() == 0:
            # `--user=root` would make the script take over the files of the system's PAM plugin as well; `-u` it hands
            # through to the server, which refuses to run as root without being told.
            command.append("-uroot")
        # A server that starts removes every `#sql...` file of its tmpdir: in a shared one, those of its neighbours.
        # As a variable, because the script does not quote its arguments and the path may hold blanks.
        own = {**os.environ, "TMPDIR": str(temporary)}
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, cwd=self.home, env=own
        )
        if done.returncode != 0:
            lines = "".join(f"\n    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
            message = f"MariaDB's data directory could not be made in {fresh}:{lines}"
            raise LocalStackError(message)
        fresh.rename(self.data)

    def program(self, mariadbd: Path, *, pid_file: Path, log_file: Path) -> Program:
        """How the server is started."""
        pairs = {
            "basedir": mariadbd.parent.parent,
            "datadir": self.data,
            "tmpdir": self.home / "tmp",
            "socket": self.socket,
            "pid-file": self.home / "mariadbd.pid",
            "init-file": self.home / "users.sql",
            "bind-address": HOST,
            "port": self.port,
            "ssl-ca": self.tls.authority,
            "ssl-cert": self.tls.certificate,
            "ssl-key": self.tls.key,
            "character-set-server": "utf8mb4",
            "collation-server": "utf8mb4_general_ci",
            # Brazil has kept no summer time since 2019; the named zone would need the time zone tables of the system.
            "default-time-zone": "-03:00",
            # The source holds zero dates; strict modes would refuse to store them.
            "sql-mode": "NO_ENGINE_SUBSTITUTION",
            "max-connections": 100,
            "max-allowed-packet": "64M",
            "local-infile": "ON",
            "performance-schema": "OFF",
            "innodb-buffer-pool-size": f"{self.buffer_pool_mb}M",
            "innodb-log-file-size": "128M",
            # The page cache survives a killed server, which is all that a demonstration asks of durability.
            "innodb-flush-log-at-trx-commit": 0,
            "innodb-flush-method": "nosync",
            # Containers hand out few asynchronous I/O contexts, and a server that gets none does not start.
            "innodb-use-native-aio": 0,
        }
        argv = [str(mariadbd), "--no-defaults", *(f"--{name}={value}" for name, value in pairs.items())]
        argv.append("--skip-name-resolve")
        if os.getuid() == 0:
            argv.append("--user=root")
        # A language of the terminal would only change the words in the log.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        return Program("mariadb", tuple(argv), pid_file, log_file, environment, cwd=self.home)

    def is_ready(self) -> bool:
        """Whether the reader can log in: then the server is up and the users are made."""
        return answers(self.reader)


def socket_path(home: Path) -> Path:
    """The Unix socket of a home: in it, or where that path is too long for the kernel, in a folder named after it."""
    path = home / "mariadb.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    # Derived from the home, not random: a server found running must have the same socket again.
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"radar-{os.getuid()}-{digest}" / "mariadb.sock"


def remove_socket(home: Path) -> None:
    """Removes the folder of the socket where it lies outside the home."""
    folder = socket_path(home).parent
    if folder != home:
        shutil.rmtree(folder, ignore_errors=True)


def answers(address: MySqlAddress) -> bool:
    """Whether a user can log in at a server."""
    try:
        connect(address).close()
    except (pymysql.Error, OSError):
        return False
    return True


def connect(address: MySqlAddress) -> pymysql.Connection:
    """Opens a plain connection for the small questions of the stack."""
    return connect_preferring_tls(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        connect_timeout=5,
        charset="utf8mb4",
        autocommit=True,
    )


def _install_script(mariadbd: Path) -> Path:
    for folder in (mariadbd.parent.parent / "bin", mariadbd.parent, mariadbd.parent.parent / "scripts"):
        for name in ("mariadb-install-db", "mysql_install_db"):
            if (folder / name).is_file():
                return folder / name
    message = f"{mariadbd} is there, but no mariadb-install-db beside it; install the whole mariadb-server-core package"
    raise LocalStackError(message)


def _users(admin_password: str, reader_password: str) -> str:
    """Statements run at each start, one a line as ``init-file`` wants them; they leave things as they are."""
    # The passwords are this stack's own and hold no quotes: urlsafe letters only.
    statements = [
        f"CREATE DATABASE IF NOT EXISTS `{DATABASE}` CHARACTER SET utf8mb4",
        "DROP USER IF EXISTS ''@'localhost', 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1'",
        f"CREATE USER IF NOT EXISTS '{ADMIN}'@'{HOST}'",
        f"ALTER USER '{ADMIN}'@'{HOST}' IDENTIFIED BY '{admin_password}'",
        f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'{HOST}' WITH GRANT OPTION",
        f"CREATE USER IF NOT EXISTS '{READER}'@'{HOST}'",
        f"ALTER USER '{READER}'@'{HOST}' IDENTIFIED BY '{reader_password}'",
        f"GRANT SELECT ON `{DATABASE}`.* TO '{READER}'@'{HOST}'",
    ]
    return "".join(f"{statement};\n" for statement in statements)
