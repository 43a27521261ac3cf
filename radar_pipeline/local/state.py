"""What the stack remembers between two commands: ports, the era, passwords. Two small files of its home."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import exclusive, write_private

ERAS = ("0.39", "2.0")
PARTS = ("mariadb", "aws", "airbyte", "inbox")
# The inbox listens for mail on a port of its own.
SMTP = "inbox-smtp"
PART_OF_PORT = {**{name: name for name in PARTS}, SMTP: "inbox"}

# Away from the standard ports, where a server of the machine's own may live.
PREFERRED_PORTS = {"mariadb": 13306, "aws": 14566, "airbyte": 18001, "inbox": 18025, SMTP: 18026}


@dataclass(frozen=True)
class StackState:
    """What is no secret.

    Attributes:
        era: Era of the Airbyte-compatible server.
        ports: Port of each part that ever ran, and that of the inbox for mail.
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
    slack_token: str = field(repr=False)
    pagerduty_routing_key: str = field(repr=False)
    pagerduty_api_token: str = field(repr=False)
    smtp_password: str = field(repr=False)


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
        ports = {name: int(found["ports"][name]) for name in PART_OF_PORT if name in found["ports"]}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged: delete it, and `radar local up` chooses era and ports anew and keeps the data."
        raise LocalStackError(message) from error
    return StackState(era=era, ports=ports)


def ensure_secrets(path: Path) -> StackSecrets:
    """Reads the passwords, and makes those that are not there: a stack of an older version knew fewer.

    Raises:
        LocalStackError: The file is damaged.
    """
    found = _read_secrets(path)
    if set(found) == set(_SECRETS):
        return StackSecrets(**found)
    # `status` may look while `up` makes them: both must come to the same.
    with exclusive(path.parent / "run" / "secrets.lock"):
        found = {name: make() for name, make in _SECRETS.items()} | _read_secrets(path)
        write_private(path, json.dumps(found, indent=2) + "\n")
    return StackSecrets(**found)


def _read_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8")).items()
    except (ValueError, AttributeError) as error:
        # MariaDB takes its passwords from here at each start, so new ones lock nobody out.
        message = f"{path} is damaged: delete it and run `radar local down` and `radar local up`; new ones are made."
        raise LocalStackError(message) from error
    return {name: str(value) for name, value in found if name in _SECRETS}


def _password() -> str:
    return secrets.token_urlsafe(24)


_SECRETS: Mapping[str, Callable[[], str]] = {
    **dict.fromkeys(StackSecrets.__dataclass_fields__, _password),
    # The forms of the real ones, which clients and servers check.
    "slack_token": lambda: f"xoxb-{_password()}",
    "pagerduty_routing_key": lambda: secrets.token_hex(16),
}
