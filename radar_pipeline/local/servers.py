"""The servers of one stack, composed from what is remembered and what was chosen; and which ports they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from radar_pipeline.local import ports
from radar_pipeline.local.airbyte import AirbyteServer
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.environment import REGION, Wiring
from radar_pipeline.local.home import Home
from radar_pipeline.local.inbox.program import SMTP_USER, InboxServer
from radar_pipeline.local.inbox.services import Credentials
from radar_pipeline.local.mariadb import MariaDb, MySqlAddress
from radar_pipeline.local.processes import find
from radar_pipeline.local.provision import Progress
from radar_pipeline.local.state import PART_OF_PORT, PREFERRED_PORTS, SMTP, StackSecrets, StackState, ensure_secrets


@dataclass(frozen=True)
class LocalOptions:
    """What a person may choose about the stack.

    Attributes:
        era: Era of the Airbyte-compatible server; None keeps the one before.
        ports: Ports asked for, by part; what is not named is kept, or found.
        source: A MySQL that is already there, to be used instead of a MariaDB of the stack's own.
        may_install: Whether apt may be asked for MariaDB.
        aws_venv: Where ministack is installed; None for a folder of the home.
    """

    era: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    source: MySqlAddress | None = None
    may_install: bool = True
    aws_venv: Path | None = None


@dataclass(frozen=True)
class Servers:
    """The servers of one stack.

    Attributes:
        mariadb: The stack's own database; None where another MySQL is used.
        source: How the database is read.
        admin: Who may change the demonstration data.
        aws: The AWS endpoint.
        airbyte: The Airbyte-compatible server.
        inbox: Where the alerts arrive.
    """

    mariadb: MariaDb | None
    source: MySqlAddress
    admin: MySqlAddress
    aws: AwsEndpoint
    airbyte: AirbyteServer
    inbox: InboxServer

    @property
    def wiring(self) -> Wiring:
        """What the platform must be told to work on them."""
        tls = "required" if self.mariadb else "preferred"
        airbyte = self.airbyte
        return Wiring(self.source, self.aws, airbyte.port, airbyte.credentials, self.inbox.variables, tls)


def foreign_source(options: LocalOptions, state: StackState) -> MySqlAddress | None:
    """The MySQL to use instead of an own one; None where the one given is the stack's own, known from its env file."""
    source = options.source
    if source is None or (source.host == ports.HOST and source.port == state.ports.get("mariadb")):
        return None
    return source


def compose(home: Home, state: StackState, options: LocalOptions) -> Servers:
    """Describes the servers; starts nothing."""
    secrets = ensure_secrets(home.secrets)
    port = {**PREFERRED_PORTS, **state.ports}
    own: MariaDb | None = None
    foreign = foreign_source(options, state)
    if foreign:
        source = admin = foreign
    else:
        own = MariaDb(home.data("mariadb"), port["mariadb"], secrets.mariadb_admin, secrets.mariadb_reader)
        source, admin = own.reader, own.admin
    aws = AwsEndpoint(home.data("aws"), port["aws"], REGION, secrets.aws_secret_access_key)
    airbyte = AirbyteServer(
        home.data("airbyte"),
        port["airbyte"],
        state.era,
        source,
        aws,
        secrets.airbyte_client_secret,
        tls=foreign is None,
    )
    inbox = InboxServer(home.data("inbox"), port["inbox"], port[SMTP], _credentials(secrets, aws.access_key_id))
    return Servers(own, source, admin, aws, airbyte, inbox)


def _credentials(secrets: StackSecrets, aws_access_key_id: str) -> Credentials:
    return Credentials(
        slack_token=secrets.slack_token,
        pagerduty_routing_key=secrets.pagerduty_routing_key,
        pagerduty_api_token=secrets.pagerduty_api_token,
        smtp_user=SMTP_USER,
        smtp_password=secrets.smtp_password,
        aws_access_key_id=aws_access_key_id,
    )


def choose_state(home: Home, before: StackState, options: LocalOptions, progress: Progress) -> StackState:
    """Era and ports of this ``up``. What runs keeps its port, and so does what does not where its port is free.

    Raises:
        LocalStackError: A port that was asked for by number is taken.
    """
    chosen = dict(before.ports)
    foreign = foreign_source(options, before)
    for name, part in PART_OF_PORT.items():
        if foreign and part == "mariadb":
            continue
        asked, kept = options.ports.get(name), before.ports.get(name)
        if find(home.pid_file(part)) and kept and asked in {None, kept}:
            continue
        if asked is not None:
            chosen[name] = ports.require_free(asked, what=name)
            continue
        taken = frozenset(port for other, port in chosen.items() if other != name)
        chosen[name] = ports.first_free(kept or PREFERRED_PORTS[name], avoid=taken)
        if kept and chosen[name] != kept:
            progress(f"port {kept} is taken by another program: {name} moves to {chosen[name]}")
    return replace(before, era=options.era or before.era, ports=chosen)
