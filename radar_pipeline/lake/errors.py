"""What can go wrong between this platform and the bucket: one sentence that names the culprit and the remedy."""

from __future__ import annotations

import re
from enum import StrEnum

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

_SETTINGS = "FARMARCAS_AWS_ACCESS_KEY_ID and FARMARCAS_AWS_SECRET_ACCESS_KEY"


class LakeFault(StrEnum):
    """Which part of the way to the bucket is at fault."""

    CREDENTIALS = "credentials"
    BUCKET = "bucket"
    REGION = "region"
    POLICY = "policy"
    ENDPOINT = "endpoint"
    MISSING = "missing"
    CHANGED = "changed"
    OTHER = "other"

    @property
    def is_bucket_wide(self) -> bool:
        """Whether every other request to this bucket will fail the same way."""
        return self in {LakeFault.CREDENTIALS, LakeFault.BUCKET, LakeFault.REGION}


class LakeError(Exception):
    """A request to the bucket failed for good; the text is meant for a person.

    Attributes:
        fault: Which part of the way is at fault.
        code: The service's own code (``SlowDown``), the HTTP status where it gave none, or a word where none came.
    """

    def __init__(self, fault: LakeFault, message: str, code: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        self.code = code

    @property
    def is_throttled(self) -> bool:
        """Whether S3 asks for fewer requests; an answer to HEAD has no body and so only the status."""
        return self.code in _THROTTLED


# Source: S3's list of error codes; 503 with either name means that the request rate is too high for now.
_THROTTLED = {"SlowDown", "ServiceUnavailable", "503", "Throttling", "RequestLimitExceeded", "TooManyRequests", "429"}

_BY_CODE = {
    LakeFault.CREDENTIALS: {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "InvalidClientTokenId",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    },
    LakeFault.BUCKET: {"NoSuchBucket", "InvalidBucketName"},
    LakeFault.REGION: {
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
        "301",
        "307",
    },
    LakeFault.POLICY: {"AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidObjectState", "403"},
    LakeFault.MISSING: {"NoSuchKey", "NoSuchVersion", "404"},
    LakeFault.CHANGED: {"PreconditionFailed", "ConditionalRequestConflict", "412"},
    LakeFault.ENDPOINT: {
        "SlowDown",
        "ServiceUnavailable",
        "InternalError",
        "RequestTimeout",
        "500",
        "502",
        "503",
        "504",
    },
}


def fault_of_code(code: str) -> LakeFault:
    """The fault that an S3 error code (or a bare HTTP status) stands for."""
    return next((fault for fault, codes in _BY_CODE.items() if code in codes), LakeFault.OTHER)


def lake_error(fault: LakeFault, what: str, *, bucket: str, where: str, detail: str) -> LakeError:
    """Puts one failed request into one sentence.

    Args:
        fault: Which part is at fault.
        what: What was tried (``list store/cog_dt_ingestion=2026-11-23/``).
        bucket: Bucket name.
        where: Endpoint or region, for a person to check.
        detail: The service's own code; never its message, which may quote what was signed.
    """
    remedy = {
        LakeFault.CREDENTIALS: f"S3 does not accept the access keys (wrong, expired or clock off): check {_SETTINGS}",
        LakeFault.BUCKET: "there is no such bucket: check S3_BUCKET_NAME",
        LakeFault.REGION: f"the bucket is not in {where}: check AWS_DEFAULT_REGION",
        LakeFault.POLICY: "the keys are valid but not allowed to do this: check the IAM policy and the bucket policy",
        LakeFault.ENDPOINT: f"S3 at {where} does not answer as it should: check the network and RADAR_S3_ENDPOINT_URL",
        LakeFault.MISSING: "there is no such object",
        LakeFault.CHANGED: "the object was changed by someone else in the meantime",
        LakeFault.OTHER: f"S3 at {where} refused the request",
    }[fault]
    if detail in _THROTTLED:
        remedy = f"S3 at {where} asks to slow down and does so still: try again later"
    return LakeError(fault, f"cannot {what} in bucket {bucket}: {remedy} [{detail}]", detail)


_WITHOUT_KEYS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
)


def fault_of_boto(error: Exception) -> tuple[LakeFault, str]:
    """Fault and code of an exception of boto3; re-raises what is a mistake in this program."""
    if isinstance(error, aws.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        fault = fault_of_code(code)
        return (fault if fault is not LakeFault.OTHER else fault_of_code(status)), code or status
    if isinstance(error, _WITHOUT_KEYS):
        return LakeFault.CREDENTIALS, type(error).__name__
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError, aws.EndpointConnectionError)):
        return LakeFault.ENDPOINT, type(error).__name__
    if isinstance(error, ResponseParserError):
        # Half an answer, or a page of something in between that is not S3.
        return LakeFault.ENDPOINT, "the answer is no XML"
    if isinstance(error, aws.BotoCoreError):
        return LakeFault.OTHER, type(error).__name__
    raise error


_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


def fault_of_obstore(error: Exception) -> tuple[LakeFault, str]:
    """Fault and code of an exception of obstore, which carries the service's answer only as text."""
    text = str(error)
    if code := _CODE.search(text):
        fault = fault_of_code(code.group(1))
        if fault is not LakeFault.OTHER:
            return fault, code.group(1)
    if status := _STATUS.search(text):
        return fault_of_code(status.group(1)), code.group(1) if code else f"HTTP {status.group(1)}"
    if "sending request" in text or "timed out" in text or "HTTP error" in text:
        return LakeFault.ENDPOINT, "no connection"
    return LakeFault.OTHER, type(error).__name__
