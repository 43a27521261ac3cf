"""The ledger of judgements and source counts, kept beside the lake as immutable objects.

Each write is a new object under the day's folder, so writers never clash, a killed run leaves whole records only, and
nothing but the bucket is needed to know the past.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from radar_pipeline.domain.counts import SourceCounts
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.ledger import History, Judgement
from radar_pipeline.lake.store import LakeStore

_FORMAT = 1
_PARALLEL = 16


def record_judgements(
    store: LakeStore, layout: BronzeLayout, day: dt.date, judgements: Sequence[Judgement]
) -> str | None:
    """Adds judgements of one day to the ledger.

    Returns:
        Key of the record; None where there was nothing to record.
    """
    if not judgements:
        return None
    recorded_at = max(judgement.recorded_at for judgement in judgements)
    body = {"kind": "judgements", "judgements": [_judgement_to_json(judgement) for judgement in judgements]}
    return _write(store, layout, day, recorded_at, body)


def record_source_counts(store: LakeStore, layout: BronzeLayout, day: dt.date, counts: SourceCounts) -> str:
    """Adds what the source counted to the ledger of a day. Returns the key of the record."""
    body = {"kind": "source_counts", "taken_at": counts.taken_at.isoformat(), "rows": dict(counts.rows)}
    return _write(store, layout, day, counts.taken_at, body)


def read_history(
    store: LakeStore, layout: BronzeLayout, *, until: dt.date, days: int = 35, known: dict[str, bytes] | None = None
) -> History:
    """Reads the ledger of the days up to and including ``until``.

    A record that cannot be read is left out and named in ``History.unreadable``: one damaged object must not stop the
    daily run.

    Args:
        store: The bucket.
        layout: Where the ledger lies.
        until: Last day.
        days: How many days in all.
        known: Records read before, by key: they never change, so they are not fetched again. New ones are added.
    """
    known = {} if known is None else known
    first = until - dt.timedelta(days=days - 1)
    # A folder's name sorts before everything in it, so listing begins at the first day without paging over the past.
    # The mark sorts before every record: obstore takes a slash off the end, and SeaweedFS then skips the whole folder.
    listed = store.list_objects(layout.ledger_prefix, start_after=layout.ledger_folder(first) + "!")
    end = layout.ledger_folder(until + dt.timedelta(days=1))
    keys = [each.key for each in listed if each.key < end]
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="ledger") as pool:
        new = [key for key in keys if key not in known]
        known.update(zip(new, pool.map(store.read, new), strict=True))
    return _assemble(layout, [(key, known[key]) for key in keys])


def _write(store: LakeStore, layout: BronzeLayout, day: dt.date, at: dt.datetime, body: Mapping[str, Any]) -> str:
    name = f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%S%fZ}-{body['kind']}-{uuid.uuid4().hex[:12]}.json"
    key = layout.ledger_folder(day) + name
    text = json.dumps({"format": _FORMAT, "day": day.isoformat(), **body}, ensure_ascii=False, separators=(",", ":"))
    store.put(key, text.encode(), content_type="application/json")
    return key


def _assemble(layout: BronzeLayout, records: Iterable[tuple[str, bytes]]) -> History:
    judgements: defaultdict[str, defaultdict[dt.date, list[Judgement]]] = defaultdict(lambda: defaultdict(list))
    counts: defaultdict[dt.date, list[SourceCounts]] = defaultdict(list)
    unreadable = []
    for key, body in records:
        try:
            day, found = _parse(layout, key, body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            unreadable.append(f"{key}: {type(error).__name__}: {error}")
            continue
        if isinstance(found, SourceCounts):
            counts[day].append(found)
        else:
            for judgement in found:
                judgements[judgement.table][day].append(judgement)
    return History(
        judgements={
            table: {day: tuple(sorted(found, key=lambda each: each.recorded_at)) for day, found in by_day.items()}
            for table, by_day in judgements.items()
        },
        counts={day: tuple(sorted(found, key=lambda each: each.taken_at)) for day, found in counts.items()},
        unreadable=tuple(unreadable),
    )


def _parse(layout: BronzeLayout, key: str, body: bytes) -> tuple[dt.date, SourceCounts | list[Judgement]]:
    record = json.loads(body)
    if record["format"] != _FORMAT:
        message = f"format {record['format']!r} is not known to this version"
        raise ValueError(message)
    day = dt.date.fromisoformat(record["day"])
    if not key.startswith(layout.ledger_folder(day)):
        message = f"it says {day} but lies under another day"
        raise ValueError(message)
    if record["kind"] == "source_counts":
        rows = {str(table): int(count) for table, count in record["rows"].items()}
        return day, SourceCounts(_time(record["taken_at"]), rows)
    if record["kind"] == "judgements":
        return day, [_judgement_from_json(each) for each in record["judgements"]]
    message = f"kind {record['kind']!r} is not known to this version"
    raise ValueError(message)


def _judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    return {
        "table": judgement.table,
        "rows": judgement.rows,
        "bytes": judgement.bytes,
        "files": judgement.files,
        "newest": judgement.newest.isoformat() if judgement.newest else None,
        "accepted": judgement.accepted,
        "by": judgement.by,
        "reason": judgement.reason,
        "recorded_at": judgement.recorded_at.isoformat(),
    }


def _judgement_from_json(record: Mapping[str, Any]) -> Judgement:
    return Judgement(
        table=str(record["table"]),
        rows=int(record["rows"]),
        bytes=int(record["bytes"]),
        files=int(record["files"]),
        newest=_time(record["newest"]) if record["newest"] else None,
        accepted=record["accepted"] is True,
        by=str(record["by"]),
        reason=str(record["reason"]),
        recorded_at=_time(record["recorded_at"]),
    )


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
