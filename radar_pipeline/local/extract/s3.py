"""The destination's S3: a client with the keys of the order, and what S3 said where it refused.

Through ``obstore``, as the platform lists: loading botocore, making its client and 2 requests for each table of the
demonstration database took 0.28 s of CPU.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from obstore.exceptions import GenericError
from obstore.store import S3Store

from radar_pipeline.local.extract.request import Destination

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential

_ANSWER = re.compile(r"status code: (\d+).*?<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_FOR_GOOD = re.compile(r"status code: 4\d\d")


@dataclass(frozen=True)
class Refusal:
    """What S3 answered in the place of what it was asked for.

    Attributes:
        status: HTTP status.
        code: S3's name of the error, like ``NoSuchBucket``.
        message: Its words.
    """

    status: int
    code: str
    message: str

    def as_error(self) -> GenericError:
        """What the client would raise of such an answer."""
        body = f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        return GenericError(f"status code: {self.status}: {body}")


# As S3 answers a key without permission; the local endpoint lets every key in.
DENIED = Refusal(403, "AccessDenied", "Access Denied")
BAD_DAY = Refusal(500, "InternalError", "We encountered an internal error. Please try again.")


def open_store(target: Destination, *, seconds: float = 60.0) -> S3Store:
    """A client of the destination's bucket that tries once.

    Args:
        target: The destination.
        seconds: How long one answer may take.

    Raises:
        BaseError: A part of the configuration is none that S3 could have.
    """
    config: S3Config = {
        "region": target.region,
        "virtual_hosted_style_request": target.endpoint_url is None,
        # Hashing 90 MB takes 50 ms of CPU, sending them 13. TLS protects a body, and on loopback nothing harms it.
        "unsigned_payload": True,
    }
    if target.endpoint_url:
        config["endpoint"] = target.endpoint_url.rstrip("/")
    keys: S3Credential = {
        "access_key_id": target.access_key_id,
        "secret_access_key": target.secret_access_key,
        "token": None,
        "expires_at": None,
    }
    return S3Store(
        target.bucket,
        config=config,
        # Without keys of its own the connector takes the machine's (instance profile), and so does this. Given as
        # configuration, a session token of the environment would be sent with them.
        credential_provider=(lambda: keys) if target.access_key_id else None,
        client_options={
            "allow_http": (target.endpoint_url or "").startswith("http://"),
            "connect_timeout": dt.timedelta(seconds=5),
            "timeout": dt.timedelta(seconds=seconds),
        },
        retry_config={"max_retries": 0},
    )


def refusal_of(error: Exception) -> Refusal | None:
    """What S3 answered where that is what went wrong; None where it did not answer, or not in its own way."""
    if answer := _ANSWER.search(str(error)):
        status, code, message = answer.groups()
        return Refusal(int(status), html.unescape(code), html.unescape(message))
    return None


def words_of(error: Exception, target: Destination) -> str:
    """One line on an error that is no refusal."""
    text = str(error)
    if "error sending request" in text:
        return f'Could not connect to the endpoint URL: "{target.endpoint_url or f"S3 in {target.region}"}"'
    return text.split("\n", 1)[0]


def may_pass(error: Exception) -> bool:
    """Whether another try may go better: the connection failed, or the server did, but nothing was refused."""
    return isinstance(error, GenericError) and not _FOR_GOOD.search(str(error))
