"""E-mail over SMTP, never without TLS.

A mail's Message-ID is made of what names the message, so one that is sent twice is the same mail to whoever sorts it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import NoReturn

from radar_pipeline.alerts.channels.base import Before, ChannelRefusedError, ChannelUnavailableError, Receipt
from radar_pipeline.alerts.channels.config import EmailConfig
from radar_pipeline.alerts.channels.http import never_left
from radar_pipeline.alerts.codec import write_time
from radar_pipeline.alerts.render.mail import mail
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.incident import Message
from radar_pipeline.domain.routing import Medium, Target


class MailChannel:
    """One SMTP server."""

    medium = Medium.EMAIL

    def __init__(self, config: EmailConfig, presentation: Presentation) -> None:
        self._config, self._presentation = config, presentation

    def places(self, target: Target) -> Sequence[Target]:
        """Itself: the list of recipients gets one mail."""
        return (target,)

    def defaults(self) -> Sequence[Target]:
        """The list of recipients."""
        return (Target(Medium.EMAIL),) if self._config.recipients else ()

    def send(self, target: Target, message: Message, before: Before) -> Receipt:
        """Sends one mail to all recipients; those of a later message of an incident answer the first."""
        recipients = (target.address,) if target.address else self._config.recipients
        if not recipients:
            problem = "there is nobody to send e-mail to: set RADAR_ALERT_EMAIL_TO"
            raise ChannelRefusedError(problem)
        written = self._write(message, recipients, before.original)
        began = False
        try:
            server = self._connected()
            began = True
            with contextlib.closing(server):
                refused = server.send_message(written, self._config.sender, list(recipients))
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    # The mail is accepted; how the server says good-bye does not matter.
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            self._said(min(codes), "refused every recipient: check RADAR_ALERT_EMAIL_TO")
        except smtplib.SMTPAuthenticationError as error:
            self._said(error.smtp_code, "does not take RADAR_SMTP_USER and RADAR_SMTP_PASSWORD")
        except smtplib.SMTPSenderRefused as error:
            self._said(error.smtp_code, "refused the sender: check RADAR_ALERT_EMAIL_FROM")
        except smtplib.SMTPResponseException as error:
            self._said(error.smtp_code, "refused the mail")
        except smtplib.SMTPNotSupportedError:
            problem = f"{self._server} offers no TLS or no sign-in: check RADAR_SMTP_PORT and RADAR_SMTP_TLS"
            raise ChannelRefusedError(problem) from None
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message or "it cannot be verified"
            problem = f"the certificate of {self._server} is not trusted ({reason}): set RADAR_SMTP_CA_FILE"
            raise ChannelRefusedError(problem) from None
        except (smtplib.SMTPException, OSError) as error:
            problem = f"{self._server} does not answer: {type(error).__name__}"
            raise ChannelUnavailableError(problem, maybe_sent=began and not never_left(error)) from None
        receipt = {"message_id": str(written["Message-ID"])}
        return {**receipt, "refused": f"{len(refused)} of {len(recipients)} recipients"} if refused else receipt

    def find(self, target: Target, message: Message, before: Before) -> None:
        """None: nobody can be asked, and the same mail again is the same mail."""
        del target, message, before

    def acknowledged(self, fingerprint: str, opened_at: dt.datetime) -> None:
        """None: nobody takes an incident here."""
        del fingerprint, opened_at

    @property
    def _server(self) -> str:
        return f"the mail server {self._config.host}:{self._config.port}"

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        try:
            context = ssl.create_default_context(cafile=str(config.ca_file) if config.ca_file else None)
        except (OSError, ssl.SSLError):
            problem = f"{config.ca_file} is no readable certificate of an authority: correct RADAR_SMTP_CA_FILE"
            raise ChannelRefusedError(problem) from None
        server: smtplib.SMTP
        if config.tls == "implicit":
            server = smtplib.SMTP_SSL(config.host, config.port, timeout=config.timeout, context=context)
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=config.timeout)
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        if config.user:
            try:
                server.login(config.user, config.password)
            except BaseException:
                server.close()
                raise
        return server

    def _said(self, code: int, what: str) -> NoReturn:
        """Raises what an SMTP code means: 4xx passes, 5xx does not."""
        problem = f"{self._server} {what} [{code}]"
        if 400 <= code < 500:
            raise ChannelUnavailableError(problem) from None
        raise ChannelRefusedError(problem) from None

    def _write(self, message: Message, recipients: Sequence[str], original: Receipt | None) -> EmailMessage:
        contents = mail(message, self._presentation)
        written = EmailMessage()
        written["Subject"] = contents.subject
        written["From"] = self._config.sender
        written["To"] = ", ".join(recipients)
        written["Date"] = format_datetime(message.at)
        written["Message-ID"] = self._message_id(message)
        if original is not None:
            written["In-Reply-To"] = written["References"] = original["message_id"]
        written["Auto-Submitted"] = "auto-generated"
        written.set_content(contents.text)
        written.add_alternative(contents.html, subtype="html")
        return written

    def _message_id(self, message: Message) -> str:
        name = f"{message.alert.fingerprint}\n{write_time(message.opened_at)}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        domain = parseaddr(self._config.sender)[1].rpartition("@")[2] or "radar.invalid"
        return f"<radar.{digest}.{message.sequence}@{domain}>"
