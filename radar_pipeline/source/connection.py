"""One read-only connection to MySQL, and one sentence for everything that can keep it from being made."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import Cursor

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 120

# PyMySQL gives these as bare numbers: ER_SECURE_TRANSPORT_REQUIRED, and MariaDB's and MySQL's "account is locked".
_SECURE_TRANSPORT_REQUIRED = 3159
_ACCOUNT_LOCKED = {3118, 4151}
_TOO_MANY_CONNECTIONS = {ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED}


class Tls(StrEnum):
    """Whether the connection is encrypted; the certificate is not verified, as with Airbyte's modes of these names."""

    DISABLED = "disabled"
    PREFERRED = "preferred"
    REQUIRED = "required"


class Problem(StrEnum):
    """What kept the source from answering."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    ACCESS_DENIED = "access_denied"
    UNKNOWN_DATABASE = "unknown_database"
    TLS = "tls"
    BUSY = "busy"
    QUERY = "query"


class SourceError(Exception):
    """The source did not answer; the message says what, where and what to look at, and never the password.

    Attributes:
        problem: The kind of failure, for code that decides by it.
    """

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True)
class SourceAddress:
    """Where the Radar database is and who reads it.

    Attributes:
        host: Host name or address.
        port: TCP port.
        user: A user that may only read.
        password: Its password; kept out of every repr.
        database: Schema to read.
        tls: Whether to encrypt.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    tls: Tls = Tls.PREFERRED

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def connect(
    address: SourceAddress,
    *,
    connect_timeout: float = CONNECT_TIMEOUT_SECONDS,
    read_timeout: float = READ_TIMEOUT_SECONDS,
) -> pymysql.connections.Connection[Cursor]:
    """Opens a read-only session.

    Args:
        address: Where and who.
        connect_timeout: Seconds until a host that does not answer counts as away.
        read_timeout: Seconds that one answer may take.

    Raises:
        SourceError: With the reason in one sentence.
    """
    try:
        connection = _open(address, connect_timeout)
    except (pymysql.Error, OSError, RuntimeError, UnicodeError) as error:
        raise explain(error, address, connect_timeout) from None
    # A port that accepts and then says nothing is held to the connect time-out too, which PyMySQL has only for the
    # TCP handshake: so the session is opened with the short one, and queries then get the long one.
    connection._read_timeout = read_timeout  # type: ignore[attr-defined]
    return connection


@contextmanager
def cursor_at(address: SourceAddress, doing: str, *, read_timeout: float = READ_TIMEOUT_SECONDS) -> Iterator[Cursor]:
    """A cursor on a connection of its own, closed at the end; anything MySQL answers becomes a SourceError.

    Args:
        address: Where and who.
        doing: What the queries are for, as a person would say it (``reading the columns``).
        read_timeout: Seconds that one answer may take.
    """
    connection = connect(address, read_timeout=read_timeout)
    try:
        with connection.cursor() as cursor:
            yield cursor
    except (pymysql.Error, OSError) as error:
        raise explain(error, address, read_timeout, doing) from None
    finally:
        connection.close()


def unverified_context() -> ssl.SSLContext:
    """TLS that checks no certificate, and so does not read those of the system, which takes 39 ms of a slow core."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _open(address: SourceAddress, timeout: float) -> pymysql.connections.Connection[Cursor]:
    options: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password.encode(),
        "database": address.database,
        "charset": "utf8mb4",
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "write_timeout": timeout,
        "autocommit": True,
        "init_command": "SET SESSION TRANSACTION READ ONLY",
    }
    if address.tls is Tls.DISABLED:
        return pymysql.connect(**options, ssl_disabled=True)
    if address.tls is Tls.REQUIRED:
        return pymysql.connect(**options, ssl=unverified_context())
    return connect_preferring_tls(**options)


def connect_preferring_tls(**options: Any) -> pymysql.connections.Connection[Cursor]:
    """PyMySQL's ``connect``, over TLS where the server speaks it and plain where it does not.

    PyMySQL's own "preferred" is the default of 1.2 only, and reads the system's certificates without checking any.
    """
    try:
        return pymysql.connect(**options, ssl=unverified_context())
    except pymysql.OperationalError as error:
        # Asked for TLS, PyMySQL refuses a server without it before the password is sent.
        if _server_speaks_no_tls(error):
            return pymysql.connect(**options, ssl_disabled=True)
        raise


def _server_speaks_no_tls(error: pymysql.Error) -> bool:
    return _code(error) == CR.CR_SSL_CONNECTION_ERROR


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _root(error: BaseException) -> BaseException:
    """The socket's own error, which PyMySQL wraps into a sentence of its own."""
    return getattr(error, "original_exception", None) or error.__cause__ or error.__context__ or error


def explain(error: BaseException, address: SourceAddress, waited: float, doing: str = "connecting") -> SourceError:
    """One sentence and a kind for anything PyMySQL raises.

    Args:
        error: What was raised.
        address: Where the connection went.
        waited: The time-out that was in force, for the sentence.
        doing: What it happened at.
    """
    code, root = _code(error), _root(error)
    if code in {ER.ACCESS_DENIED_ERROR, *_ACCOUNT_LOCKED}:
        reason = "the password is wrong, or the user does not exist or may not connect from this host"
        return SourceError(Problem.ACCESS_DENIED, f"MySQL at {address} refused user '{address.user}': {reason}")
    if code == ER.DBACCESS_DENIED_ERROR:
        message = f"MySQL at {address.host}:{address.port}: user '{address.user}' may not read database"
        return SourceError(Problem.ACCESS_DENIED, f"{message} '{address.database}', or it does not exist: GRANT SELECT")
    if code == ER.BAD_DB_ERROR:
        message = f"MySQL at {address.host}:{address.port} has no database '{address.database}'"
        return SourceError(Problem.UNKNOWN_DATABASE, message)
    if code in _TOO_MANY_CONNECTIONS:
        message = f"MySQL at {address} takes no more connections (error {code}): see max_connections"
        return SourceError(Problem.BUSY, message)
    if code in {CR.CR_SSL_CONNECTION_ERROR, _SECURE_TRANSPORT_REQUIRED} or isinstance(root, ssl.SSLError):
        return SourceError(Problem.TLS, f"TLS with MySQL at {address} failed (set to {address.tls}): {_words(root)}")
    return _network_problem(error, address, waited, doing)


def _network_problem(error: BaseException, address: SourceAddress, waited: float, doing: str) -> SourceError:
    root = _root(error)
    if isinstance(root, TimeoutError):
        message = f"MySQL at {address} did not answer within {waited:g} s while {doing}: network, firewall or load"
        return SourceError(Problem.TIMED_OUT, message)
    if isinstance(root, OSError | UnicodeError) or _code(error) in {CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR}:
        message = f"MySQL at {address.host}:{address.port} cannot be reached: {_words(root)}"
        return SourceError(Problem.UNREACHABLE, message)
    if _code(error) in {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST}:
        return SourceError(
            Problem.UNREACHABLE, f"MySQL at {address} closed the connection while {doing}: {_words(root)}"
        )
    return SourceError(Problem.QUERY, f"MySQL at {address} refused while {doing}: {_words(error)}")


def _words(error: BaseException) -> str:
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        return f"{error.args[-1]} (error {error.args[0]})"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
