"""Whether the systems that the daily run needs are there and let it in: what `radar check-config --connect` asks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.dialect import CheckOutcome
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.airbyte.wire import Connection
from radar_pipeline.domain.wording import some
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.glue import CatalogueError
from radar_pipeline.lake.probe import probe as probe_lake
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.source.connection import SourceError
from radar_pipeline.source.probe import probe as probe_source


@dataclass(frozen=True)
class Answer:
    """What one system answered.

    Attributes:
        who: The system.
        words: What it is, where all is well.
        problem: What is wrong and what to do; None where nothing is.
    """

    who: str
    words: str = ""
    problem: str | None = None


def ask_systems(systems: Systems) -> tuple[Answer, ...]:
    """Asks the bucket, the source, Glue and Athena where this environment has them, and Airbyte; all at once."""
    asked = (_ask_lake, _ask_source, _ask_airbyte, _ask_glue, _ask_athena)
    with ThreadPoolExecutor(len(asked), thread_name_prefix="ask") as pool:
        return tuple(answer for found in pool.map(lambda ask: ask(systems), asked) for answer in found)


def _ask_lake(systems: Systems) -> tuple[Answer, ...]:
    bucket, region = systems.settings.bucket, systems.settings.aws_region
    try:
        found = probe_lake(systems.lake, systems.layout)
    except LakeError as error:
        return (Answer("bucket", problem=str(error)),)
    if found.problem is None and found.region not in {None, region}:
        problem = f"{bucket} is in region {found.region}, not in {region}: check AWS_DEFAULT_REGION"
        return (Answer("bucket", problem=problem),)
    return (Answer("bucket", f"{bucket} can be listed, written and tidied", found.problem),)


def _ask_source(systems: Systems) -> tuple[Answer, ...]:
    if systems.source is None:
        return ()
    try:
        found = probe_source(systems.source)
    except SourceError as error:
        return (Answer("source", problem=str(error)),)
    who = f"user '{systems.source.user}' of {systems.source}"
    unreadable = [name for name in found.unreadable if name in systems.registry]
    if unreadable:
        return (Answer("source", problem=f"{who} may not read {some(unreadable)}: GRANT SELECT"),)
    if not found.readable_tables:
        return (Answer("source", problem=f"{who} sees no table: check RADAR_DATABASE, or GRANT SELECT"),)
    tls = "encrypted" if found.tls_cipher else "not encrypted"
    return (Answer("source", f"{found.flavour} {found.version}, {found.readable_tables} tables can be read, {tls}"),)


def _ask_glue(systems: Systems) -> tuple[Answer, ...]:
    if systems.settings.catalogue == "off":
        return ()
    database = systems.settings.glue_database
    try:
        if not systems.glue.has_database():
            return (Answer("Glue", f"it answers; the database {database} is made with the first day"),)
        tables = systems.glue.tables()
    except CatalogueError as error:
        return (Answer("Glue", problem=str(error)),)
    return (Answer("Glue", f"the database {database} can be read, {len(tables)} tables are in it"),)


def _ask_athena(systems: Systems) -> tuple[Answer, ...]:
    if systems.athena is None:
        return ()
    from radar_pipeline.orchestration.athena import AthenaQueryError

    name = systems.athena.workgroup
    try:
        state = systems.athena.get_client().look()
    except AthenaQueryError as error:
        return (Answer("Athena", problem=str(error)),)
    if state != "ENABLED":
        return (Answer("Athena", problem=f"the workgroup {name} is {state.lower()}: enable it"),)
    return (Answer("Athena", f"the workgroup {name} answers"),)


def _ask_airbyte(systems: Systems) -> tuple[Answer, ...]:
    try:
        client = systems.connect_airbyte()
        connection = client.connection()
    except AirbyteError as error:
        return (Answer("Airbyte", problem=str(error)),)
    version = f" {client.features.version}" if client.features.version else ""
    return (
        Answer("Airbyte", f"server{version} at {client.config.base_url} knows the connection '{connection.name}'"),
        _judge_connection(connection, systems),
        _checked(client, "Airbyte's source", client.check_source),
        _checked(client, "Airbyte's destination", client.check_destination),
    )


def _judge_connection(connection: Connection, systems: Systems) -> Answer:
    who, names = "Airbyte's connection", systems.registry.names
    if connection.status != "active":
        return Answer(who, problem=f"it is {connection.status} and syncs nothing: enable it in Airbyte")
    unsynced = [name for name in names if name not in set(connection.selected)]
    if unsynced:
        problem = (
            f"it does not sync {len(unsynced)} of the registry's {len(names)} tables ({some(unsynced)}): refresh its "
            "source schema in Airbyte and select them, or take them out of the registry; `radar tables diff` says more"
        )
        return Answer(who, problem=problem)
    return Answer(who, f"it is active and syncs all {len(names)} tables of the registry")


def _checked(client: AirbyteClient, who: str, check: Callable[[], CheckOutcome]) -> Answer:
    """Has Airbyte try one end of the connection, which is another way there than this platform's own."""
    if not client.features.configuration_api:
        return Answer(who, "not tried: the server's Configuration API (/api/v1) is not exposed")
    try:
        outcome = check()
    except AirbyteError as error:
        return Answer(who, problem=str(error))
    if outcome.succeeded:
        return Answer(who, "Airbyte can reach it and may use it")
    return Answer(who, problem=f"Airbyte cannot use it: {outcome.message}. Mend its settings in Airbyte")
