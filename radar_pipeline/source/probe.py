"""Is the source there, who is it, and may this user read it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from radar_pipeline.source.columns import of_this_schema
from radar_pipeline.source.connection import SourceAddress, cursor_at


@dataclass(frozen=True)
class ProbeResult:
    """What a connection test found.

    Attributes:
        flavour: ``MySQL`` or ``MariaDB``.
        version: The server's own version text.
        latency_seconds: Time of one small query on the open connection.
        connect_seconds: Time until the session was usable.
        tls_cipher: Cipher of the session; None where it is not encrypted.
        readable_tables: Tables and views of the database that the user can see. MySQL hides what a user may not
            read, so zero means a missing grant as well as an empty database.
        unreadable: Tables and views that are seen but whose columns may not be read with the grants of this user.
    """

    flavour: str
    version: str
    latency_seconds: float
    connect_seconds: float
    tls_cipher: str | None
    readable_tables: int
    unreadable: tuple[str, ...] = ()

    @property
    def can_read(self) -> bool:
        """Whether there is something to read and nothing is kept from this user as far as can be seen."""
        return self.readable_tables > 0 and not self.unreadable


# A table is listed for a user with any privilege on it, INSERT alone included; its columns are listed with their
# privileges, so a table with no column that may be selected is one that a sync would stumble on.
_TABLES = of_this_schema("""
SELECT table_name
FROM information_schema.tables
WHERE THIS_SCHEMA AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
""")
_READABLE = of_this_schema("""
SELECT table_name
FROM information_schema.columns
WHERE THIS_SCHEMA AND FIND_IN_SET('select', LOWER(privileges))
""")


def probe(address: SourceAddress) -> ProbeResult:
    """Connects, asks who is there and what may be read.

    Raises:
        SourceError: Where the source cannot be reached or refuses.
    """
    started = time.perf_counter()
    with cursor_at(address, "being asked for its version and tables") as cursor:
        connected = time.perf_counter()
        cursor.execute("SELECT VERSION(), @@version_comment")
        version, comment = cursor.fetchone() or ("", "")
        answered = time.perf_counter()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        cipher = (cursor.fetchone() or ("", ""))[1]
        cursor.execute(_TABLES)
        tables = {name for (name,) in cursor.fetchall()}
        cursor.execute(_READABLE)
        readable = {name for (name,) in cursor.fetchall()}
    unreadable = tuple(sorted(tables - readable))
    return ProbeResult(
        flavour="MariaDB" if "mariadb" in f"{version} {comment}".lower() else "MySQL",
        version=version,
        latency_seconds=answered - connected,
        connect_seconds=connected - started,
        tls_cipher=cipher or None,
        readable_tables=len(tables) - len(unreadable),
        unreadable=unreadable,
    )
