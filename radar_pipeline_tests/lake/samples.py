"""Real Parquet files in both dialects of destination-s3."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BEGIN = dt.datetime(2026, 11, 23, 2, 0, 1, 250_000, tzinfo=dt.UTC)


def _times(rows: int, begin: dt.datetime) -> pa.Array:
    return pa.array([begin + dt.timedelta(milliseconds=n) for n in range(rows)], pa.timestamp("ms", "UTC"))


def old_table(rows: int, begin: dt.datetime = BEGIN) -> pa.Table:
    """destination-s3 below 1.0: times as a struct of two members."""
    pair = pa.struct([("member0", pa.timestamp("us", "UTC")), ("member1", pa.string())])
    return pa.table(
        {
            "_airbyte_ab_id": [f"{n:036d}" for n in range(rows)],
            "_airbyte_emitted_at": _times(rows, begin),
            "Id": pa.array(range(rows), pa.int64()),
            "Created_At": pa.array([{"member0": begin, "member1": None}] * rows, pair),
        }
    )


def new_table(rows: int, begin: dt.datetime = BEGIN, *, sync_id: int = 41) -> pa.Table:
    """destination-s3 from 1.0."""
    change = pa.struct([("field", pa.string()), ("change", pa.string()), ("reason", pa.string())])
    meta = pa.struct([("sync_id", pa.int64()), ("changes", pa.list_(change))])
    return pa.table(
        {
            "_airbyte_raw_id": [f"{n:036d}" for n in range(rows)],
            "_airbyte_extracted_at": _times(rows, begin),
            "_airbyte_meta": pa.array([{"sync_id": sync_id, "changes": []}] * rows, meta),
            "_airbyte_generation_id": pa.array([0] * rows, pa.int64()),
            "Id": pa.array(range(rows), pa.int64()),
            "Created_At": pa.array([begin] * rows, pa.timestamp("us", "UTC")),
        }
    )


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()
