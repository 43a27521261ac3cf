"""Loopback ports: is one free, which one to take."""

from __future__ import annotations

import contextlib
import secrets
import socket
from pathlib import Path

import psutil

from radar_pipeline.local.errors import LocalStackError

HOST = "127.0.0.1"
_TRIES = 50
_GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Above the well-known services and most that are usual on a developer's machine.
_LOWEST = 10_000
_ENOUGH = 1_000
# Nobody may listen yet on those that were chosen a moment ago.
_chosen: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        # Without it a port whose last connections are still in TIME_WAIT would look taken after every restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port that no outgoing connection takes and that this process did not choose before.

    A port that the kernel chose is one that it gives to the next connection too. On a busy machine that happened
    between the choice and the server's start. So it is drawn from those below, and left to the kernel only where
    hardly any are.
    """
    to_choose_from = _never_given_out()
    for _ in range(_TRIES if len(to_choose_from) >= _ENOUGH else 0):
        port = secrets.choice(to_choose_from)
        if port not in _chosen and is_free(port):
            _chosen.add(port)
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _never_given_out() -> range:
    """The ports below those that the kernel gives to outgoing connections; Linux's default where it does not tell."""
    try:
        first_given_out = int(_GIVEN_OUT.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first_given_out = 32_768
    return range(_LOWEST, first_given_out)


def first_free(preferred: int, *, avoid: frozenset[int] = frozenset()) -> int:
    """The preferred port, or the next free one above it, or any."""
    for port in range(preferred, min(preferred + _TRIES, 65_536)):
        if port not in avoid and is_free(port):
            return port
    return free_port()


def require_free(port: int, *, what: str) -> int:
    """Returns a port that somebody asked for by number.

    Raises:
        LocalStackError: Another program listens there; says which, where the system tells.
    """
    if is_free(port):
        return port
    owner = _listener(port)
    held = f" by {owner}" if owner else ""
    message = f"port {port} for {what} is taken{held}. Choose another, or leave the choice to the stack."
    raise LocalStackError(message)


def _listener(port: int) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,)
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None
