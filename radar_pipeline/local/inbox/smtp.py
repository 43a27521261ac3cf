"""A mail server that takes mail over STARTTLS from its one user, and delivers it to the inbox only."""

from __future__ import annotations

import asyncio
import email
import secrets
import ssl
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from radar_pipeline.local.inbox.faults import Mode
from radar_pipeline.local.inbox.services import Inbox

_MAIL_AT_MOST = 10 * 1024 * 1024
_ANSWERS = {
    Mode.ERROR: "451 4.3.0 Local error in processing, try again later",
    Mode.RATE_LIMIT: "450 4.7.1 Too many messages from this sender, try again in {0.retry_after} seconds",
    Mode.REFUSE: "550 5.7.1 Sender is not allowed to send mail through this server",
}


async def serve_mail(inbox: Inbox, host: str, port: int, tls: ssl.SSLContext) -> asyncio.Server:
    """Listens for mail on the running event loop.

    Raises:
        OSError: The port is taken.
    """
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _connection(inbox, tls, loop), host, port)


def _connection(inbox: Inbox, tls: ssl.SSLContext, loop: asyncio.AbstractEventLoop) -> _Connection:
    return _Connection(
        inbox,
        _Handler(inbox),
        # Given, because aiosmtpd would ask the name servers for it.
        hostname="inbox.radar.local",
        ident="radar local inbox",
        data_size_limit=_MAIL_AT_MOST,
        enable_SMTPUTF8=True,
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=lambda _server, _session, _envelope, _mechanism, given: _login(inbox, given),
        loop=loop,
    )


def _login(inbox: Inbox, given: Any) -> AuthResult:
    known = LoginPassword(inbox.credentials.smtp_user.encode(), inbox.credentials.smtp_password.encode())
    right = isinstance(given, LoginPassword) and (
        secrets.compare_digest(given.login, known.login) & secrets.compare_digest(given.password, known.password)
    )
    return AuthResult(success=right, handled=False, auth_data=known.login if right else None)


class _Connection(SMTP):
    """One connection; cut, or left waiting for its greeting, while the server is down or hangs."""

    def __init__(self, inbox: Inbox, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self._inbox = inbox
        handler.connection = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets, unless a fault keeps the server from it."""
        # A second time when TLS begins, and that is the same connection.
        begins = self.transport is None and self.session is None
        fault = self._inbox.faults.take("smtp", (Mode.DOWN, Mode.HANG)) if begins else None
        if fault is None:
            super().connection_made(transport)
        elif fault.mode is Mode.DOWN:
            _cut(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends what the connection still did; nothing where it was never greeted."""
        if self.transport is not None:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Reads; a connection that hangs reads nothing."""
        if self.transport is not None:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """Lets a connection that hangs be closed by its client."""
        return super().eof_received() if self.transport is not None else None


class _Handler:
    """Takes mail."""

    connection: _Connection

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_MAIL(  # noqa: N802, the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes the sender, unless a fault keeps the server from it."""
        fault = self._inbox.faults.take("smtp", _ANSWERS)
        if fault:
            return _ANSWERS[fault.mode].format(fault)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes the mail."""
        self._inbox.store.add("smtp", _read(session, envelope))
        if self._inbox.faults.take("smtp", (Mode.ACCEPT_THEN_DROP,)):
            _cut(self.connection.transport)
        return "250 2.0.0 OK, it is in the inbox"


def _cut(transport: asyncio.BaseTransport | None) -> None:
    # Not asked for its class: uvloop's transports are none of asyncio's.
    if transport is not None:
        cast("asyncio.Transport", transport).abort()


def _read(session: Session, envelope: Envelope) -> dict[str, Any]:
    content = envelope.content or b""
    raw = content if isinstance(content, bytes) else content.encode()
    message = email.message_from_bytes(raw, policy=default)
    headers = {name: str(value) for name, value in message.items()}
    return {
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "subject": str(message.get("subject", "")),
        "headers": headers,
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "tls": session.ssl is not None,
    }


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):
        # A character set that does not exist, or bytes that are none of it: what can be read is shown.
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
