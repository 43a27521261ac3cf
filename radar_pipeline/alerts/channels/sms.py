"""Text messages through SNS. SNS cannot be asked what it sent: one whose answer was lost is sent again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from radar_pipeline.alerts.channels.base import Before, ChannelRefusedError, ChannelUnavailableError, Receipt
from radar_pipeline.alerts.channels.config import SmsConfig
from radar_pipeline.alerts.channels.http import LOOPBACK
from radar_pipeline.alerts.render.sms import sms
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.incident import Message
from radar_pipeline.domain.routing import Medium, Target

_SHOWN = 4
_PASSING = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
    "InternalError", "InternalErrorException", "InternalFailure", "ServiceUnavailable", "KMSThrottlingException",
})  # fmt: skip
_KEYS = frozenset({
    "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "InvalidSecurity",
    "ExpiredTokenException", "IncompleteSignature", "MissingAuthenticationToken",
})  # fmt: skip


class SmsChannel:
    """SNS in one region."""

    medium = Medium.SMS

    def __init__(self, config: SmsConfig, presentation: Presentation) -> None:
        self._config, self._presentation = config, presentation
        self._numbers = {Target(Medium.SMS, name): number for name, number in _named(config.numbers).items()}
        self._client: Any = None

    def places(self, target: Target) -> Sequence[Target]:
        """Every number, known by its last digits: each is delivered to on its own."""
        del target
        return self.defaults()

    def defaults(self) -> Sequence[Target]:
        """Every number of the settings."""
        return tuple(self._numbers)

    def send(self, target: Target, message: Message, before: Before) -> Receipt:
        """Publishes one text message."""
        del before
        number = self._numbers.get(target)
        if number is None:
            problem = f"no number of RADAR_ALERT_SMS_TO ends with {target.address}"
            raise ChannelRefusedError(problem)
        try:
            answer = self._sns().publish(
                PhoneNumber=number,
                Message=sms(message, self._presentation),
                MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}},
            )
        except aws.ClientError as error:
            self._refused(error)
        except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError):
            problem = "there are no AWS credentials for SNS: set FARMARCAS_AWS_ACCESS_KEY_ID and its secret"
            raise ChannelRefusedError(problem) from None
        except (aws.BotoCoreError, ResponseParserError) as error:
            never = isinstance(error, (aws.EndpointConnectionError, aws.ConnectTimeoutError))
            problem = f"SNS in {self._config.region} does not answer: {type(error).__name__}"
            raise ChannelUnavailableError(problem, maybe_sent=not never) from None
        return {"message_id": str(answer["MessageId"])}

    def find(self, target: Target, message: Message, before: Before) -> None:
        """None: SNS cannot tell."""
        del target, message, before

    def acknowledged(self, fingerprint: str, opened_at: dt.datetime) -> None:
        """None: nobody takes an incident here."""
        del fingerprint, opened_at

    def _sns(self) -> Any:
        if self._client is None:
            config = self._config
            self._client = boto3.client(
                "sns",
                region_name=config.region,
                aws_access_key_id=config.access_key_id or None,
                aws_secret_access_key=config.secret_access_key or None,
                endpoint_url=config.endpoint_url or None,
                config=Config(
                    connect_timeout=min(5.0, config.timeout),
                    read_timeout=config.timeout,
                    # Delivery tries again itself; a retry within would send one more text message.
                    retries={"total_max_attempts": 1},
                    # A proxy of the environment has no business between this machine and itself.
                    proxies={} if urlsplit(config.endpoint_url).hostname in LOOPBACK else None,
                ),
            )
        return self._client

    def _refused(self, error: aws.ClientError) -> NoReturn:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _PASSING or status >= 500 or status == 429:
            problem = f"SNS in {self._config.region} does not take it now [{code or status}]"
            raise ChannelUnavailableError(problem, maybe_sent=status >= 500) from None
        remedy = "check RADAR_ALERT_SMS_TO and that the account may send SMS (spend limit, sandbox, opt-out)"
        if code in _KEYS:
            remedy = "check FARMARCAS_AWS_ACCESS_KEY_ID and its secret"
        elif "Auth" in code or "Denied" in code:
            remedy = "the keys may not call sns:Publish on a telephone number"
        problem = f"SNS in {self._config.region} refused the message [{code}]: {remedy}"
        raise ChannelRefusedError(problem) from None


def _named(numbers: Sequence[str]) -> dict[str, str]:
    """Numbers by their last digits, as many as tell them apart: whole ones belong in no record."""
    distinct = tuple(dict.fromkeys(numbers))
    for shown in range(_SHOWN, max((len(each) for each in distinct), default=0) + 1):
        named = {f"…{number[-shown:]}": number for number in distinct}
        if len(named) == len(distinct):
            return named
    return {f"…{number[-_SHOWN:]}": number for number in distinct}
