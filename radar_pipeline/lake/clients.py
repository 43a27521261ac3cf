"""How the clients of AWS are made: where they reach, with whose keys, and how patient they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where a service of AWS is and how patient to be with it.

    Attributes:
        region: AWS region.
        endpoint_url: Address of an AWS-compatible server; None for AWS itself.
        access_key_id: Key id; None for the default chain (environment, profile, instance role).
        secret_access_key: Its secret.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for an answer.
        max_attempts: Tries of one request, the first included.
        parallel: Requests in flight at most.
    """

    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    max_attempts: int = 4
    parallel: int = 32

    @property
    def where(self) -> str:
        """Endpoint or region, for messages."""
        return self.endpoint_url or self.region


def new_session(reach: Reach) -> boto3.Session:
    """A session with the keys of the configuration, or with those that the machine has."""
    return boto3.Session(reach.access_key_id, reach.secret_access_key, region_name=reach.region)


def new_client(
    session: boto3.Session,
    service: str,
    reach: Reach,
    *,
    max_attempts: int | None = None,
    read_timeout: float | None = None,
    **options: Any,
) -> Any:
    """A boto3 client.

    Args:
        session: Whose keys.
        service: Its name in boto3.
        reach: Where and how patient.
        max_attempts: In the place of the configuration's.
        read_timeout: Likewise.
        **options: More of botocore's ``Config``.
    """
    config = Config(
        connect_timeout=reach.connect_timeout,
        read_timeout=read_timeout or reach.read_timeout,
        retries={"mode": "standard", "total_max_attempts": max_attempts or reach.max_attempts},
        max_pool_connections=reach.parallel,
        **options,
    )
    return session.client(service, endpoint_url=reach.endpoint_url, config=config)
