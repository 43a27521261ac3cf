"""What must hold after every run, whatever went wrong: green only what lies there, nothing lost, nothing cancelled."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from radar_pipeline.domain.sync import JobStatus
from radar_pipeline.orchestration import day as day_module
from radar_pipeline_tests.end_to_end.world import Outcome, World

# The one table of the small world that has no rows at the source.
EMPTY = "store_closure_request"


def tables(world: World) -> set[str]:
    return set(world.registry.names)


def assert_green_is_there(world: World, day: dt.date, outcome: Outcome) -> None:
    """Every green table lies in its folder with exactly the source's rows; every other one is named with a reason."""
    source = world.source_rows()
    for table in outcome.status.tables:
        if table.landed or table.rows is not None:
            assert table.landed
            assert table.rows == source[table.table] == world.rows_of(world.data_keys(table.table, day)), table
        else:
            assert outcome.reason(table.table, "landed")
            assert is_named(table.table, outcome), (table.table, outcome.lines, outcome.failure)


def is_named(table: str, outcome: Outcome) -> bool:
    """Whether a person who reads the log or the failure learns that this table is missing."""
    said = any(line.startswith(f"{table} is not there: ") for line in outcome.lines)
    return said or re.search(rf"(?<!\w){re.escape(table)}(?!\w)", outcome.failure or "") is not None


def assert_missing(world: World, day: dt.date, outcome: Outcome, missing: set[str], *words: str) -> None:
    """Exactly these tables are missing, each with the words in its reason; the run fails where one is critical."""
    assert {table.table for table in outcome.status.tables if not table.landed} == missing
    assert outcome.green == tables(world) - missing
    assert_green_is_there(world, day, outcome)
    for table in missing:
        for word in words:
            assert word in outcome.reason(table, "landed")
    assert not any("bronze_radar__" in line for line in outcome.lines), "Dagster's own words reach nobody"
    critical = {table.name for table in world.registry.tables if table.critical} & missing
    assert outcome.success == (not critical)
    if critical:
        said = outcome.failure or ""
        assert all(word in said for word in (*critical, *words))
        assert f"run {day} again" in said


def assert_all_green(world: World, day: dt.date, outcome: Outcome, *, syncs: int, posts: int | None = None) -> None:
    """Every table is there once and accepted, and the server saw so many syncs of the day."""
    assert outcome.success, outcome.failure
    assert outcome.status.is_accepted, outcome.status.reasons
    assert outcome.green == tables(world)
    assert_green_is_there(world, day, outcome)
    assert world.syncs_posted(day) == syncs
    assert_nothing_cancelled(world, day)
    if posts is not None:
        assert world.sync_requests(day) == posts


def assert_nothing_cancelled(world: World, day: dt.date) -> None:
    assert all(job.status is not JobStatus.CANCELLED for job in world.syncs(day))


@dataclass
class Moves:
    """Contents of the files that were to be moved, by key, as they lay just before."""

    contents: dict[str, str] = field(default_factory=dict)


@contextmanager
def watched_quarantine(world: World, patch: pytest.MonkeyPatch) -> Iterator[Moves]:
    """Looks at each superseded file just before it is moved away, and afterwards for the same bytes in quarantine."""
    systems = world.platform.systems
    moves = Moves()
    move = day_module.quarantine

    def watched(store: Any, layout: Any, files: Any) -> Any:
        moves.contents |= {file.key: _digest(store.read(file.key)) for file in files}
        return move(store, layout, files)

    with patch.context() as inner:
        inner.setattr(day_module, "quarantine", watched)
        yield moves
    for key, content in moves.contents.items():
        assert systems.lake.head(key) is None
        assert _digest(systems.lake.read(systems.layout.quarantine_key(key))) == content


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
