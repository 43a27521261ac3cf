"""What the handlers of every channel work with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from radar_pipeline.local.inbox.faults import Faults
from radar_pipeline.local.inbox.store import Store


@dataclass(frozen=True)
class Credentials:
    """What clients must show. None of it is in the repr.

    Attributes:
        slack_token: Bearer token of the Slack Web API.
        pagerduty_routing_key: Key of the one integration of the Events API, 32 letters and digits.
        pagerduty_api_token: Token of the REST API.
        smtp_user: User of the mail server.
        smtp_password: The user's password.
        aws_access_key_id: Key that SNS requests must be signed with.
    """

    slack_token: str = field(repr=False)
    pagerduty_routing_key: str = field(repr=False)
    pagerduty_api_token: str = field(repr=False)
    smtp_user: str = field(repr=False)
    smtp_password: str = field(repr=False)
    aws_access_key_id: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Credentials:
        """Reads a file that ``as_json`` filled."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def as_json(self) -> str:
        """All of them, as text for a file of their owner's."""
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True)
class Inbox:
    """One inbox behind its endpoints.

    Attributes:
        store: What arrived.
        faults: What goes wrong on purpose.
        credentials: What clients must show.
    """

    store: Store
    faults: Faults
    credentials: Credentials
