"""What is said of a day's registration, in one line."""

from __future__ import annotations

import datetime as dt

import pytest

from radar_pipeline.orchestration.catalogue.day import CatalogueReport, TableCatalogued

WRITTEN = TableCatalogued("store", passed=True, reasons=(), rows=2, files=1, written=True)
THERE = TableCatalogued("menu", passed=True, reasons=(), rows=2, files=1)
EMPTY = TableCatalogued("banner", passed=True, reasons=("there is nothing to register",))
REFUSED = TableCatalogued("user", passed=False, reasons=("Glue said no",))


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ((WRITTEN, THERE), "2 of 2 tables registered"),
        ((WRITTEN, EMPTY), "1 of 2 tables registered, 1 without rows"),
        ((THERE, EMPTY), "1 of 2 tables registered, 1 without rows; nothing had to be written"),
        ((WRITTEN, EMPTY, REFUSED), "1 of 3 tables registered, 1 without rows; not: user"),
        ((REFUSED,), "0 of 1 table registered; not: user"),
        ((), "0 of 0 tables registered"),
    ],
)
def test_tables_without_rows_are_counted_apart_from_what_can_be_queried(
    tables: tuple[TableCatalogued, ...], words: str
) -> None:
    assert CatalogueReport(dt.date(2026, 3, 1), tables).words == words
