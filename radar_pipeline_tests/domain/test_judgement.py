"""What a person is told about a day."""

import datetime as dt

from radar_pipeline.domain.judgement import TableDay, explain_missing, missing_tables
from radar_pipeline.domain.landing import Landing, LandingVerdict
from radar_pipeline.domain.snapshots import Snapshot

DAY = dt.date(2026, 11, 23)


def table(name: str, *reasons: str, critical: bool = True) -> TableDay:
    landing = Landing.MISSING if reasons else Landing.LANDED
    return TableDay(name, critical, LandingVerdict(name, landing, None if reasons else Snapshot(()), (), reasons))


def explained(*tables: TableDay, can_sync: bool = True) -> str:
    return explain_missing(DAY, tables, missing_tables(tables), can_sync=can_sync)


def test_each_critical_table_is_named_with_its_reason_and_the_others_by_name() -> None:
    said = explained(table("store", "no rows"), table("login"), table("menu", "cut short", critical=False))
    assert said.startswith("1 critical table of 2026-11-23 is not there. store: no rows. 1 of 3 tables are there")
    assert "also missing: menu. Remove the cause and run 2026-11-23 again" in said


def test_a_reason_that_tables_share_is_told_once() -> None:
    said = explained(table("store", "Access denied"), table("user_access", "Access denied"))
    assert "store, user_access: Access denied. 0 of 2" in said


def test_a_past_day_is_not_promised_another_sync() -> None:
    said = explained(table("store", "no file"), can_sync=False)
    assert "cannot be extracted again" in said
    assert "Remove the cause" not in said
