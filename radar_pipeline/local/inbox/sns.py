"""Amazon SNS: Publish of the query protocol, to a telephone or a topic."""

from __future__ import annotations

import re
import uuid
from xml.sax.saxutils import escape

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from radar_pipeline.local.inbox.faults import ChannelFault, Mode
from radar_pipeline.local.inbox.services import Inbox

PREFIX = "/sns"
_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
# ITU-T E.164: a country code that does not begin with 0, fifteen digits at most.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_SMS_AT_MOST = 1600
_MESSAGE_AT_MOST = 256 * 1024
_SUBJECT_AT_MOST = 100


async def answer(inbox: Inbox, request: Request) -> Response:
    """Answers any request."""
    # Whose key signed it is looked at, not the signature: loopback needs no proof that it was not altered.
    signed = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
    if signed is None:
        return _failed(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    if signed[1] != inbox.credentials.aws_access_key_id:
        return _failed(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    form = await request.form()
    if form.get("Action") != "Publish":
        return _failed(400, "InvalidAction", f"The action {form.get('Action')} is not valid for this endpoint.")
    return _publish(inbox, form)


def refusal(fault: ChannelFault) -> Response:
    """What SNS answers while it fails in a certain way."""
    if fault.mode is Mode.RATE_LIMIT:
        return _failed(429, "Throttled", "Rate exceeded")
    if fault.mode is Mode.REFUSE:
        return _failed(403, "AuthorizationError", "User is not authorized to perform: SNS:Publish on resource")
    return _failed(500, "InternalError", "The request processing has failed because of an unknown error.")


def _publish(inbox: Inbox, form: FormData) -> Response:
    message, phone, subject = (str(form.get(name, "")) for name in ("Message", "PhoneNumber", "Subject"))
    topic = str(form.get("TopicArn") or form.get("TargetArn") or "")
    for is_wrong, name, reason in (
        (not message, "Message", "Empty message"),
        (bool(phone) == bool(topic), "PhoneNumber", "Exactly one of TopicArn, TargetArn and PhoneNumber must be given"),
        (phone and not _E164.fullmatch(phone), "PhoneNumber", f"{phone} is not valid to publish to"),
        (topic and not _TOPIC.fullmatch(topic), "TopicArn", f"{topic} is no ARN of a topic"),
        (phone and len(message) > _SMS_AT_MOST, "Message", f"Message must be at most {_SMS_AT_MOST} characters long"),
        (len(message.encode()) > _MESSAGE_AT_MOST, "Message", "Message too long"),
        (len(subject) > _SUBJECT_AT_MOST, "Subject", f"Subject must be at most {_SUBJECT_AT_MOST} characters long"),
    ):
        if is_wrong:
            return _failed(400, "InvalidParameter", f"Invalid parameter: {name} Reason: {reason}")
    message_id = str(uuid.uuid4())
    body = {"to": phone or topic, "text": message, "message_id": message_id}
    inbox.store.add("sns", {**body, **({"subject": subject} if subject else {})})
    return _xml(200, _published(message_id))


def _published(message_id: str) -> str:
    return (
        f'<PublishResponse xmlns="{_NAMESPACE}"><PublishResult><MessageId>{message_id}</MessageId></PublishResult>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></PublishResponse>"
    )


def _failed(status: int, code: str, message: str) -> Response:
    side = "Receiver" if status >= 500 else "Sender"
    text = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{side}</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return _xml(status, text)


def _xml(status: int, text: str) -> Response:
    return Response(text, status, media_type="text/xml")
