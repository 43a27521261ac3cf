"""Which day a command is about."""

from __future__ import annotations

import datetime as dt

import pytest

from radar_pipeline.cli.console import UsageProblem
from radar_pipeline.cli.platform import Platform
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
