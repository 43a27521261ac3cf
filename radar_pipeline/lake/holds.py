"""Holds in the bucket: each placing and each release is a record of its own that nobody changes."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Hold
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.store import LakeStore

_FORMAT = 1
_PARALLEL = 8


def read_holds(store: LakeStore, layout: BronzeLayout) -> tuple[Hold, ...]:
    """Every hold ever placed by hand, released ones included, by the time of placing.

    Raises:
        LakeError: They cannot be read, or one of the records is damaged: who cannot read all holds must not delete.
    """
    keys = [each.key for each in store.list_objects(layout.holds_prefix)]
    if not keys:
        return ()
    with ThreadPoolExecutor(min(_PARALLEL, len(keys)), thread_name_prefix="holds") as pool:
        records = [_parse(key, body) for key, body in zip(keys, pool.map(store.read, keys), strict=True)]
    holds = {str(record["id"]): _placed(record) for key, record in records if record["kind"] == "placed"}
    # The first release counts: what follows it released nothing.
    for key, record in sorted((each for each in records if each[1]["kind"] == "released"), key=lambda each: each[0]):
        hold = holds.get(str(record["id"]))
        if hold is None:
            raise _damaged(key, "it releases a hold that was never placed")
        if hold.is_active:
            holds[hold.id] = _released(hold, record)
    return tuple(sorted(holds.values(), key=lambda hold: (hold.placed_at or _NEVER, hold.id)))


def place_hold(
    store: LakeStore,
    layout: BronzeLayout,
    *,
    table: str,
    first: dt.date | None,
    last: dt.date | None,
    reason: str,
    by: str,
    now: dt.datetime,
) -> Hold:
    """Places a hold on days of a table.

    Raises:
        LakeError: It could not be written.
        ValueError: It would cover nothing, or says no reason or no name.
    """
    _demand(reason, by)
    if first and last and last < first:
        message = f"a hold from {first} to {last} covers no day"
        raise ValueError(message)
    now = now.astimezone(dt.UTC)
    hold = Hold(f"{now:%Y%m%d}-{secrets.token_hex(3)}", table, first, last, reason.strip(), by.strip(), now)
    record = {
        "kind": "placed",
        "id": hold.id,
        "by": hold.by,
        "reason": hold.reason,
        "table": table,
        "first": first.isoformat() if first else None,
        "last": last.isoformat() if last else None,
    }
    _write(store, layout, record, now)
    return hold


def release_hold(
    store: LakeStore, layout: BronzeLayout, hold_id: str, *, by: str, reason: str, now: dt.datetime
) -> Hold:
    """Releases a hold; one that is released already stays as it was released first.

    Raises:
        LakeError: It could not be read or written, or there is none of that id (``MISSING``).
        ValueError: No reason or no name is given.
    """
    _demand(reason, by)
    hold = next((each for each in read_holds(store, layout) if each.id == hold_id), None)
    if hold is None:
        message = f"there is no hold {hold_id} in bucket {store.config.bucket}: `radar retention status` lists them"
        raise LakeError(LakeFault.MISSING, message)
    if not hold.is_active:
        return hold
    now = now.astimezone(dt.UTC)
    record = {"kind": "released", "id": hold_id, "by": by.strip(), "reason": reason.strip()}
    _write(store, layout, record, now)
    return replace(hold, released_by=by.strip(), released_at=now, release_reason=reason.strip())


_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def _demand(reason: str, by: str) -> None:
    if not reason.strip() or not by.strip():
        message = "a hold is placed and released with a reason and a name"
        raise ValueError(message)


def _write(store: LakeStore, layout: BronzeLayout, record: Mapping[str, Any], at: dt.datetime) -> None:
    key = f"{layout.holds_prefix}{at:%Y%m%dT%H%M%S%fZ}-{record['id']}-{record['kind']}.json"
    body = json.dumps({"format": _FORMAT, "at": at.isoformat(), **record}, ensure_ascii=False)
    store.put(key, body.encode(), content_type="application/json")


def _parse(key: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """A record with its key, every field looked at once here."""
    try:
        record = json.loads(body)
        known = record["format"] == _FORMAT and record["kind"] in {"placed", "released"}
        hold = _placed(record) if record["kind"] == "placed" else _released(_EMPTY, record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(key, f"{type(error).__name__}: {error}") from None
    if not known:
        raise _damaged(key, "its format is not known to this version")
    if not hold.reason and not hold.release_reason:
        raise _damaged(key, "it says no reason")
    return key, record


_EMPTY = Hold("", "", None, None, "", "")


def _placed(record: Mapping[str, Any]) -> Hold:
    return Hold(
        id=str(record["id"]),
        table=str(record["table"]),
        first=_day(record["first"]),
        last=_day(record["last"]),
        reason=str(record["reason"]),
        by=str(record["by"]),
        placed_at=_time(record["at"]),
    )


def _released(hold: Hold, record: Mapping[str, Any]) -> Hold:
    return replace(
        hold,
        released_by=str(record["by"]),
        released_at=_time(record["at"]),
        release_reason=str(record["reason"]),
    )


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _damaged(key: str, why: str) -> LakeError:
    message = (
        f"the hold record {key} cannot be read ({why}): nothing is deleted until it is mended or, if it is no hold of "
        "anybody's, removed"
    )
    return LakeError(LakeFault.OTHER, message)
