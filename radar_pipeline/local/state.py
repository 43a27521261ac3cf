"""What the stack remembers between two commands: ports, the era, passwords. Two small files of its home."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import write_private

ERAS = ("0.39", "2.0")
PARTS = ("mariadb", "aws", "airbyte")

# Away from the standard ports, where a server of the machine's own may live.
PREFERRED_PORTS = {"mariadb": 13306, "aws": 14566, "airbyte": 18001}


@dataclass(frozen=True)
class StackState:
    """What is no secret.

    Attributes:
        era: Era of the Airbyte-compatible server.
        ports: Port of each part that ever ran.
    """

    era: str = ERAS[0]
    ports: Mapping[str, int] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replaces the file."""
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class StackSecrets:
    """Passwords of the stack's own making; letters, digits, ``-`` and ``_`` only. None of them shows in the repr."""

    mariadb_admin: str = field(repr=False)
    mariadb_reader: str = field(repr=False)
    aws_secret_access_key: str = field(repr=False)
    airbyte_client_secret: str = field(repr=False)


def load_state(path: Path) -> StackState:
    """Reads the state; the first one where there is none yet.

    Raises:
        LocalStackError: The file is no state of the stack.
    """
    if not path.exists():
        return StackState()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        era = ERAS[ERAS.index(found["era"])]
        ports = {name: int(found["ports"][name]) for name in PARTS if name in found["ports"]}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged: delete it, and `radar local up` chooses era and ports anew and keeps the data."
        raise LocalStackError(message) from error
    return StackState(era=era, ports=ports)


def ensure_secrets(path: Path) -> StackSecrets:
    """Reads the passwords, or makes them where there are none.

    Raises:
        LocalStackError: The file is damaged.
    """
    names = tuple(StackSecrets.__dataclass_fields__)
    if not path.exists():
        made = StackSecrets(**{name: secrets.token_urlsafe(24) for name in names})
        write_private(path, json.dumps(asdict(made), indent=2) + "\n")
        return made
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return StackSecrets(**{name: str(found[name]) for name in names})
    except (ValueError, KeyError, TypeError) as error:
        # MariaDB takes its passwords from here at each start, so new ones lock nobody out.
        message = f"{path} is damaged: delete it and run `radar local down` and `radar local up`; new ones are made."
        raise LocalStackError(message) from error
