"""Athena, through Dagster's own resource: one workgroup, its results read from Athena itself.

What belongs here: how Athena is asked and what its answers and errors are. What does not: what is asked of it.

dagster_aws's resource knows neither an endpoint nor a region, leaves a query running that it gave up on, and fetches
results from S3 with whatever credentials the machine has. What is missing is added here, and the rest is Dagster's. It
is made when first used and is no resource of the definitions: importing it takes boto3 with it, and the UI shows the
configuration of every resource, keys included.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.athena import AthenaClient, AthenaClientResource
from pydantic import Field

from radar_pipeline.lake.errors import LakeFault, fault_of_boto

# Athena answers a small question in about a second; each look costs a request. The first look comes sooner.
POLL_SECONDS = 0.5
FIRST_POLL_SECONDS = 0.05

_TRACE = re.compile(r"\s*(?:Stack Trace:|Traceback \(most recent call last\):)")

_RUNNING = {"QUEUED", "RUNNING"}
_DENIED = {"AccessDeniedException", "AccessDenied"}
_KEYS = {"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId"}

_CHECK_KEYS = "Check FARMARCAS_AWS_ACCESS_KEY_ID and its secret"


class AthenaQueryError(Exception):
    """A question that Athena did not answer; the text is meant for a person."""


@dataclass(frozen=True)
class Answer:
    """What Athena answered.

    Attributes:
        columns: Column names.
        rows: Values as text, None for NULL, in the order of the columns.
        scanned_bytes: What the query read, which is what it costs; None where Athena does not say.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    scanned_bytes: int | None = None


class WorkgroupClient(AthenaClient):
    """Dagster's client, with the database of bronze, a place for results and a limit in seconds."""

    def __init__(self, client: Any, workgroup: str, *, database: str, output: str | None, timeout: float) -> None:
        polls = max(1, int(timeout / POLL_SECONDS))
        super().__init__(client, workgroup, POLL_SECONDS, polls)  # type: ignore[no-untyped-call]
        self._database = database
        self._output = output
        self._timeout = timeout

    def ask(self, sql: str) -> Answer:
        """Asks and waits for all of the answer.

        Raises:
            AthenaQueryError: It was refused, failed, or took too long; then it is stopped.
        """
        with _told(f"Athena's workgroup {self.workgroup}"):
            started = self.client.start_query_execution(
                QueryString=sql,
                WorkGroup=self.workgroup,
                QueryExecutionContext={"Database": self._database},
                **({"ResultConfiguration": {"OutputLocation": self._output}} if self._output else {}),
            )
            return self._await(started["QueryExecutionId"])

    def look(self) -> str:
        """The state of the workgroup (``ENABLED``, ``DISABLED``).

        Raises:
            AthenaQueryError: There is none of that name, or Athena cannot be asked.
        """
        with _told(f"Athena's workgroup {self.workgroup}"):
            return str(self.client.get_work_group(WorkGroup=self.workgroup)["WorkGroup"].get("State", "ENABLED"))

    def _await(self, query: str) -> Answer:
        try:
            execution = self._ended(query)
        except BaseException:
            # Whoever gives up, at the keyboard too, must not go on paying for it.
            self.client.stop_query_execution(QueryExecutionId=query)
            raise
        state = execution["Status"]["State"]
        if state != "SUCCEEDED":
            reason = _plain(execution["Status"].get("StateChangeReason") or "it gives no reason")
            message = f"Athena: the query ended {state}: {reason}"
            raise AthenaQueryError(message)
        scanned = execution.get("Statistics", {}).get("DataScannedInBytes")
        return _answer(list(self._pages(query)), scanned)

    def _ended(self, query: str) -> Any:
        until, pause = time.monotonic() + self._timeout, FIRST_POLL_SECONDS
        while True:
            execution = self.client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if execution["Status"]["State"] not in _RUNNING:
                return execution
            if time.monotonic() > until:
                message = f"Athena did not answer within {self._timeout:.0f} s; the query is stopped"
                raise AthenaQueryError(message)
            time.sleep(pause)
            pause = min(2 * pause, self.polling_interval)

    def _pages(self, query: str) -> Iterator[Any]:
        yield from self.client.get_paginator("get_query_results").paginate(QueryExecutionId=query)


class AthenaWorkgroup(AthenaClientResource):
    """Dagster's Athena resource for one workgroup, anywhere."""

    database: str
    region: str
    endpoint_url: str | None = None
    output: str | None = None
    timeout: float = 300.0
    aws_secret_access_key: str | None = Field(default=None, repr=False)

    def get_client(self) -> WorkgroupClient:
        """A client of the workgroup; opens nothing until it is asked.

        Raises:
            AthenaQueryError: There are no keys to ask with, as of a profile that is not there.
        """
        config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})
        # A session of its own: boto3's common one must not make clients in several threads at once.
        with _told(f"Athena's workgroup {self.workgroup}"):
            session = boto3.Session(self.aws_access_key_id, self.aws_secret_access_key, region_name=self.region)
            client = session.client("athena", endpoint_url=self.endpoint_url, config=config)
        return WorkgroupClient(client, self.workgroup, database=self.database, output=self.output, timeout=self.timeout)


def _plain(reason: str) -> str:
    """Athena's reason on one line; the local engine's own, without the traces that it adds."""
    return " ".join(_TRACE.split(reason, maxsplit=1)[0].split()) or "it gives no reason"


class _told:  # noqa: N801 - reads as a verb where it is used
    """Turns whatever boto3 raises into one sentence, without its cause: that text may quote a signature."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ClientError):
            raise AthenaQueryError(self._words(error)) from None
        if isinstance(error, BotoCoreError):
            if fault_of_boto(error)[0] is LakeFault.CREDENTIALS:
                message = f"{self._where}: there are no access keys to ask with ({type(error).__name__}). {_CHECK_KEYS}"
                raise AthenaQueryError(message) from None
            message = f"{self._where} cannot be reached: {type(error).__name__}. Check RADAR_ATHENA_ENDPOINT_URL"
            raise AthenaQueryError(message) from None

    def _words(self, error: ClientError) -> str:
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if code in _DENIED:
            return f"{self._where}: access is denied ({text}). docs/production.md lists the rights"
        if code in _KEYS:
            return f"{self._where}: the access keys are refused ({code}). {_CHECK_KEYS}"
        return f"{self._where}: {text or code}. Check RADAR_ATHENA_WORKGROUP and RADAR_ATHENA_OUTPUT"


def _answer(pages: Sequence[Any], scanned: int | None) -> Answer:
    described = pages[0]["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", ()) if pages else ()
    columns = tuple(each["Name"] for each in described)
    rows = [
        tuple(value.get("VarCharValue") for value in row.get("Data", ()))
        for page in pages
        for row in page["ResultSet"]["Rows"]
    ]
    # Of a SELECT the first row repeats the names; of other statements (SHOW, DESCRIBE) it does not.
    if rows and rows[0] == columns:
        rows = rows[1:]
    return Answer(columns, tuple(rows), scanned)
