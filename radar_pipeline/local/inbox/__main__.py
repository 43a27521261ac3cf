"""Starts the inbox: ``python -m radar_pipeline.local.inbox --state DIR --port P --smtp-port P ...``."""

from __future__ import annotations

import argparse
import signal
import socket
import ssl
import sys
from pathlib import Path

import uvicorn

from radar_pipeline.local.droppable import DroppableProtocol
from radar_pipeline.local.inbox.app import build_app
from radar_pipeline.local.inbox.faults import Faults
from radar_pipeline.local.inbox.services import Credentials, Inbox
from radar_pipeline.local.inbox.slack import channel_id
from radar_pipeline.local.inbox.smtp import serve_mail
from radar_pipeline.local.inbox.store import Store
from radar_pipeline.local.tls import TlsFiles

# Never an address of the network: whoever reaches it may read everything.
_HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Takes mail as well, from before it says that it is ready until it ends."""

    def __init__(self, config: uvicorn.Config, inbox: Inbox, smtp_port: int, tls: ssl.SSLContext) -> None:
        super().__init__(config)
        self._inbox, self._smtp_port, self._tls = inbox, smtp_port, tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        mail = await serve_mail(self._inbox, _HOST, self._smtp_port, self._tls)
        await super().startup(sockets)
        if self.started:
            ports = self.servers[0].sockets[0].getsockname()[1], mail.sockets[0].getsockname()[1]
            sys.stdout.write(f"ready http://{_HOST}:{ports[0]} smtp {ports[1]}\n")
            sys.stdout.flush()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m radar_pipeline.local.inbox", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of what arrived")
    parser.add_argument("--port", type=int, required=True, help="port of the page and of every API, 0 for a free one")
    parser.add_argument("--smtp-port", type=int, required=True, help="port for mail, 0 for a free one")
    parser.add_argument("--credentials", type=Path, required=True, help="JSON file of what clients must show")
    parser.add_argument("--tls", type=Path, required=True, help="folder of the certificates")
    parser.add_argument("--slack-channel", action="append", default=[], help="a channel that is there from the start")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the inbox until SIGTERM or SIGINT."""
    options = _parse(arguments)
    inbox = Inbox(Store(options.state), Faults(), Credentials.read(options.credentials))
    for name in options.slack_channel:
        inbox.store.add_channel(channel_id(name), name)
    files = TlsFiles(options.tls)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate, files.key)
    config = uvicorn.Config(
        build_app(inbox),
        host=_HOST,
        port=options.port,
        http=DroppableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        # Connections that a fault leaves hanging end with the process.
        timeout_graceful_shutdown=1,
    )
    # uvicorn raises the signal once more after its own clean stop; it is no error to have been stopped.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        _Server(config, inbox, options.smtp_port, tls).run()
    finally:
        inbox.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
