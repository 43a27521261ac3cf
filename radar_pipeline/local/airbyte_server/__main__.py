"""Starts the server: ``python -m radar_pipeline.local.airbyte_server --state DIR --port P --era 0.39``."""

from __future__ import annotations

import argparse
import shlex
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from radar_pipeline.local.airbyte_server import auth
from radar_pipeline.local.airbyte_server.app import build_app, open_services
from radar_pipeline.local.airbyte_server.bootstrap import BootstrapError, apply_bootstrap, read_bootstrap
from radar_pipeline.local.airbyte_server.clock import ServerClock
from radar_pipeline.local.airbyte_server.eras import ERAS, RetryPolicy
from radar_pipeline.local.airbyte_server.store import StateInUseError, Store
from radar_pipeline.local.airbyte_server.worker import fork_extraction, program
from radar_pipeline.local.droppable import DroppableProtocol
from radar_pipeline.source import SourceError

# Requests still open at a stop (a slow POST, say) are given this long.
_GRACEFUL_SECONDS = 2


class _Server(uvicorn.Server):
    """Says in one line on standard output when it can be called."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            sys.stdout.write(f"ready http://{host}:{port}\n")
            sys.stdout.flush()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m radar_pipeline.local.airbyte_server", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of the server's state")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port (default %(default)s, 0 for a free one)")
    parser.add_argument("--era", choices=sorted(ERAS), default="0.39", help="which Airbyte (default %(default)s)")
    parser.add_argument("--bootstrap", type=Path, help="JSON document with source, destination and connection")
    parser.add_argument("--auth", choices=auth.MODES, default="none", help="who may call (default %(default)s)")
    parser.add_argument("--retry-pause", type=float, default=3.0, help="seconds between attempts (default %(default)s)")
    parser.add_argument(
        "--max-attempts",
        type=int,
        default=3,
        help="most attempts of a job (default %(default)s); 0 for what the era does by itself, up to 20 in 2.0",
    )
    parser.add_argument("--worker-command", help="program that runs an attempt (default: the extraction worker)")
    return parser.parse_args(arguments)


def _bootstrap(state: Path, path: Path, *, modern: bool) -> None:
    document = read_bootstrap(path)
    store = Store(state)
    try:
        apply_bootstrap(store, document, ServerClock(store.get("clock_offset", 0.0)).now(), modern=modern)
    except SourceError as error:
        msg = f"{path}: the tables of its source cannot be read: {error}"
        raise BootstrapError(msg) from None
    finally:
        store.close()


def main(arguments: list[str] | None = None) -> int:
    """Runs the server until SIGTERM or SIGINT."""
    options = _parse(arguments)
    era = ERAS[options.era]
    if options.auth == "token" and not era.is_modern:
        sys.stderr.write("error: --auth token needs --era 2.0: server 0.39 knows no tokens\n")
        return 2
    retries = RetryPolicy(era, pause=options.retry_pause, max_attempts=options.max_attempts or None)
    worker = program(shlex.split(options.worker_command)) if options.worker_command else fork_extraction
    try:
        if options.bootstrap:
            _bootstrap(options.state, options.bootstrap, modern=era.is_modern)
        services = open_services(options.state, retries, worker, options.auth)
    except (BootstrapError, StateInUseError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    config = uvicorn.Config(
        build_app(services),
        host=options.host,
        port=options.port,
        http=DroppableProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    # uvicorn raises the signal once more after its own clean stop; without a handler that would end the process
    # before its workers are stopped.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    services.runner.resume()
    try:
        _Server(config).run()
    finally:
        services.runner.stop()
        services.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
