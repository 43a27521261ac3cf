"""What of the stack runs now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radar_pipeline.local.home import Home
from radar_pipeline.local.processes import find
from radar_pipeline.local.servers import Servers
from radar_pipeline.local.state import PARTS, StackState


@dataclass(frozen=True)
class PartStatus:
    """One part as it is now.

    Attributes:
        name: The part.
        state: ``running``, ``not answering``, ``stopped``, or ``elsewhere`` for a MySQL that is not the stack's.
        pid: Its process; None where it has none.
        address: Where it listens.
        log: Its log file.
    """

    name: str
    state: str
    pid: int | None
    address: str
    log: Path


@dataclass(frozen=True)
class StackStatus:
    """The stack as it is now.

    Attributes:
        home: Where it lives.
        era: Era of the Airbyte-compatible server.
        parts: Its parts in the order in which they start; empty where there never was a stack.
    """

    home: Path
    era: str
    parts: tuple[PartStatus, ...]

    @property
    def is_up(self) -> bool:
        """Whether all of it answers."""
        return bool(self.parts) and all(part.state in {"running", "elsewhere"} for part in self.parts)


def observe(home: Home, state: StackState, servers: Servers) -> StackStatus:
    """Asks the kernel for each part's process and the part itself for an answer."""
    source, aws, airbyte, inbox = servers.source, servers.aws, servers.airbyte, servers.inbox
    asks = {"aws": aws.is_ready, "airbyte": airbyte.is_ready, "inbox": inbox.is_ready}
    addresses = {"mariadb": f"{source.host}:{source.port}", "aws": aws.url, "airbyte": airbyte.url, "inbox": inbox.url}
    if servers.mariadb:
        asks["mariadb"] = servers.mariadb.is_ready
    parts = []
    for name in PARTS:
        process = find(home.pid_file(name))
        if name not in asks:
            found = "elsewhere"
        elif process is None:
            found = "stopped"
        else:
            found = "running" if asks[name]() else "not answering"
        parts.append(PartStatus(name, found, process.pid if process else None, addresses[name], home.log_file(name)))
    return StackStatus(home.root, state.era, tuple(parts))
