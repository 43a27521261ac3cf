"""What can go wrong between this platform and the Glue catalogue: one sentence with the culprit and the remedy."""

from __future__ import annotations

from enum import StrEnum

from botocore import exceptions as aws

from radar_pipeline.lake.errors import LakeFault, fault_of_boto

_SETTINGS = "FARMARCAS_AWS_ACCESS_KEY_ID and FARMARCAS_AWS_SECRET_ACCESS_KEY"


class CatalogueFault(StrEnum):
    """Which part of the way to the catalogue is at fault."""

    CREDENTIALS = "credentials"
    POLICY = "policy"
    ENDPOINT = "endpoint"
    THROTTLED = "throttled"
    MISSING = "missing"
    EXISTS = "exists"
    CHANGED = "changed"
    RUNNING = "running"
    UNKNOWN_VERB = "unknown verb"
    OTHER = "other"

    @property
    def is_catalogue_wide(self) -> bool:
        """Whether every other request will fail the same way."""
        return self in {CatalogueFault.CREDENTIALS, CatalogueFault.ENDPOINT}

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self in {CatalogueFault.ENDPOINT, CatalogueFault.THROTTLED, CatalogueFault.CHANGED}


class CatalogueError(Exception):
    """A request to Glue failed for good; the text is meant for a person.

    Attributes:
        fault: Which part of the way is at fault.
    """

    def __init__(self, fault: CatalogueFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


_BY_CODE = {
    "EntityNotFoundException": CatalogueFault.MISSING,
    "AlreadyExistsException": CatalogueFault.EXISTS,
    "ConcurrentModificationException": CatalogueFault.CHANGED,
    "VersionMismatchException": CatalogueFault.CHANGED,
    "CrawlerRunningException": CatalogueFault.RUNNING,
    "CrawlerStoppingException": CatalogueFault.RUNNING,
    "InvalidAction": CatalogueFault.UNKNOWN_VERB,
    "UnknownOperationException": CatalogueFault.UNKNOWN_VERB,
    "ExpiredTokenException": CatalogueFault.CREDENTIALS,
    "AccessDeniedException": CatalogueFault.POLICY,
    "ThrottlingException": CatalogueFault.THROTTLED,
    "Throttling": CatalogueFault.THROTTLED,
    "RequestLimitExceeded": CatalogueFault.THROTTLED,
    "ConcurrentRunsExceededException": CatalogueFault.THROTTLED,
    "InternalServiceException": CatalogueFault.ENDPOINT,
    "OperationTimeoutException": CatalogueFault.ENDPOINT,
}

_OF_LAKE = {
    LakeFault.CREDENTIALS: CatalogueFault.CREDENTIALS,
    LakeFault.POLICY: CatalogueFault.POLICY,
    LakeFault.ENDPOINT: CatalogueFault.ENDPOINT,
}


def fault_of(error: Exception) -> tuple[CatalogueFault, str]:
    """Fault and code of an exception of boto3; re-raises what is a mistake in this program."""
    if isinstance(error, aws.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _BY_CODE:
            return _BY_CODE[code], code
    if isinstance(error, aws.ParamValidationError):
        return CatalogueFault.OTHER, type(error).__name__
    fault, code = fault_of_boto(error)
    return _OF_LAKE.get(fault, CatalogueFault.OTHER), code


def fault_of_code(code: str) -> CatalogueFault:
    """The fault that the error code of one item of a batch stands for."""
    return _BY_CODE.get(code, CatalogueFault.OTHER)


def catalogue_error(fault: CatalogueFault, what: str, *, database: str, where: str, detail: str) -> CatalogueError:
    """Puts one failed request into one sentence.

    Args:
        fault: Which part is at fault.
        what: What was tried (``read the partitions of store``).
        database: Glue database name.
        where: Endpoint or region, for a person to check.
        detail: The service's own code; never its message, which may quote what was signed.
    """
    remedy = {
        CatalogueFault.CREDENTIALS: (
            f"Glue does not accept the access keys (wrong, expired or clock off): check {_SETTINGS}"
        ),
        CatalogueFault.POLICY: (
            "the keys are valid but not allowed to do this: check the IAM policy and Lake Formation's permissions"
        ),
        CatalogueFault.ENDPOINT: (
            f"Glue at {where} does not answer as it should: check the network and RADAR_GLUE_ENDPOINT_URL"
        ),
        CatalogueFault.THROTTLED: f"Glue at {where} turned it away as too much at once, each time: try again later",
        CatalogueFault.MISSING: "there is no such thing: check RADAR_GLUE_DATABASE and AWS_DEFAULT_REGION",
        CatalogueFault.EXISTS: "it is there already",
        CatalogueFault.CHANGED: "someone else keeps changing it: try again when nobody does",
        CatalogueFault.RUNNING: "it is running already",
        CatalogueFault.UNKNOWN_VERB: f"Glue at {where} knows no such request",
        CatalogueFault.OTHER: f"Glue at {where} refused the request",
    }[fault]
    return CatalogueError(fault, f"cannot {what} in Glue database {database}: {remedy} [{detail}]")
