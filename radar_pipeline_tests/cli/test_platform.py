"""Which day a command is about."""

from __future__ import annotations

import datetime as dt
import socketserver
import threading
from dataclasses import replace

import pytest

from radar_pipeline.cli.console import UsageProblem
from radar_pipeline.cli.platform import Platform
from radar_pipeline.cli.run import A_LOOK, airbyte_job
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry


def platform(today: str) -> Platform:
    now = dt.datetime.fromisoformat(f"{today}T12:00:00+00:00")
    return Platform(Settings(RADAR_FIRST_PARTITION="2026-01-02"), Registry(()), lambda: now)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, "2026-01-01"])
def test_a_day_before_the_first_partition_is_refused_also_where_it_is_today(text: str | None) -> None:
    with pytest.raises(UsageProblem, match=r"2026-01-01 .*before the first partition.*RADAR_FIRST_PARTITION"):
        platform("2026-01-01").day(text)


def test_without_a_date_it_is_today() -> None:
    assert platform("2026-01-02").day(None) == dt.date(2026, 1, 2)


class _Hears(socketserver.BaseRequestHandler):
    """Takes a connection and says nothing on it."""

    def handle(self) -> None:
        self.server.taken += 1  # type: ignore[attr-defined]
        if self.server.stays:  # type: ignore[attr-defined]
            self.request.settimeout(30)
            while self.request.recv(1024):
                pass


@pytest.mark.parametrize("stays", [False, True], ids=["hangs up", "stays silent"])
def test_a_server_that_does_not_answer_is_asked_once_by_who_only_looks(stays: bool) -> None:
    timeouts = replace(A_LOOK, read=0.2)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Hears) as server:
        server.taken, server.stays = 0, stays  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        settings = Settings(AIRBYTE_SERVER_HOST=host, AIRBYTE_SERVER_PORT=port)  # type: ignore[arg-type]
        platform = Platform(settings, Registry(()))
        assert airbyte_job(platform, dt.date(2026, 1, 2), timeouts=timeouts) is None
        server.shutdown()
        assert server.taken == 1  # type: ignore[attr-defined]
