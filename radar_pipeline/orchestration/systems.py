"""The systems of one environment, reached when first used.

What belongs here: making clients from settings. What does not: what is asked of them.

boto3, pyarrow, requests and PyMySQL are imported inside the methods: together they would double the time that a code
location takes to load, and loading needs none of them (benchmarks/definitions_load.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry

if TYPE_CHECKING:
    from pydantic import AnyHttpUrl

    from radar_pipeline.airbyte.client import AirbyteClient
    from radar_pipeline.airbyte.config import Timeouts
    from radar_pipeline.lake.catalogue.glue import GlueCatalogue
    from radar_pipeline.lake.store import LakeStore
    from radar_pipeline.orchestration.catalogue.athena import AthenaWorkgroup, WorkgroupClient
    from radar_pipeline.source.connection import SourceAddress


def utc_now() -> dt.datetime:
    """The time, UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Systems:
    """The bronze bucket, its catalogue, the Airbyte server and the source of one environment.

    Attributes:
        settings: Where they are.
        registry: The tables of the connection.
        clock: What time it is, UTC. Only the local stack ever passes another than the real one.
    """

    settings: Settings
    registry: Registry
    clock: Callable[[], dt.datetime] = utc_now

    @property
    def layout(self) -> BronzeLayout:
        """Where things lie in the bucket."""
        return BronzeLayout(self.settings.prefix.strip("/"), self.settings.control_prefix.strip("/"))

    @cached_property
    def lake(self) -> LakeStore:
        """The bronze bucket."""
        from radar_pipeline.lake.store import LakeConfig, LakeStore

        secret = self.settings.aws_secret_access_key
        return LakeStore(
            LakeConfig(
                bucket=self.settings.bucket,
                region=self.settings.aws_region,
                endpoint_url=str(self.settings.s3_endpoint_url) if self.settings.s3_endpoint_url else None,
                access_key_id=self.settings.aws_access_key_id,
                secret_access_key=secret.get_secret_value() if secret else None,
            )
        )

    @cached_property
    def glue(self) -> GlueCatalogue:
        """The catalogue of bronze."""
        from radar_pipeline.lake.catalogue.glue import GlueCatalogue, GlueConfig

        settings = self.settings
        secret = settings.aws_secret_access_key
        return GlueCatalogue(
            GlueConfig(
                database=settings.glue_database,
                region=settings.aws_region,
                endpoint_url=_text(settings.glue_endpoint_url),
                access_key_id=settings.aws_access_key_id,
                secret_access_key=secret.get_secret_value() if secret else None,
            )
        )

    @cached_property
    def athena(self) -> AthenaWorkgroup | None:
        """The workgroup that bronze is queried through; None where this environment has none."""
        settings = self.settings
        if settings.athena_workgroup is None:
            return None
        from radar_pipeline.orchestration.catalogue.athena import AthenaWorkgroup

        secret = settings.aws_secret_access_key
        return AthenaWorkgroup(
            workgroup=settings.athena_workgroup,
            database=settings.glue_database,
            region=settings.aws_region,
            endpoint_url=_text(settings.athena_endpoint_url),
            output=settings.athena_output,
            aws_access_key_id=settings.aws_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
        )

    @cached_property
    def athena_client(self) -> WorkgroupClient | None:
        """One client of the workgroup for whoever asks more than once: making it takes longer than a question.

        Raises:
            AthenaQueryError: There are no keys to ask with.
        """
        return self.athena.get_client() if self.athena else None

    def connect_airbyte(self, *, timeouts: Timeouts | None = None) -> AirbyteClient:
        """A client of the Airbyte server, its features detected.

        Args:
            timeouts: How long to wait for it; None for as long as a run does.

        Raises:
            SettingsError: The server's host is not set.
            AirbyteError: The server cannot be reached or refuses.
        """
        from radar_pipeline.airbyte.client import connect
        from radar_pipeline.airbyte.config import AirbyteConfig, BasicAuth, ClientCredentials, Timeouts

        self.settings.require()
        settings = self.settings
        auth: BasicAuth | ClientCredentials | None = None
        if settings.airbyte_client_id and settings.airbyte_client_secret:
            auth = ClientCredentials(settings.airbyte_client_id, settings.airbyte_client_secret.get_secret_value())
        elif settings.airbyte_username and settings.airbyte_password:
            auth = BasicAuth(settings.airbyte_username, settings.airbyte_password.get_secret_value())
        host = f"[{settings.airbyte_host}]" if ":" in str(settings.airbyte_host) else settings.airbyte_host
        return connect(
            AirbyteConfig(
                base_url=f"{settings.airbyte_scheme}://{host}:{settings.airbyte_port}",
                connection_id=settings.connection_id,
                auth=auth,
                ui_url=str(settings.airbyte_ui_url) if settings.airbyte_ui_url else None,
                timeouts=timeouts or Timeouts(),
            )
        )

    @cached_property
    def source(self) -> SourceAddress | None:
        """Where the source is; None where this environment cannot reach it."""
        from radar_pipeline.source.connection import SourceAddress, Tls

        settings = self.settings
        if settings.source_host is None or settings.source_password is None:
            return None
        return SourceAddress(
            host=settings.source_host,
            port=settings.source_port,
            user=settings.source_user,
            password=settings.source_password.get_secret_value(),
            database=settings.source_database,
            tls=Tls(settings.source_tls),
        )


def _text(url: AnyHttpUrl | None) -> str | None:
    return str(url).rstrip("/") if url else None
