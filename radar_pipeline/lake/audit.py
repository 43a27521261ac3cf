"""What retention did, kept as JSON lines in the bucket: what it is about to do, and then what came of it.

A batch writes its intent before it acts and its outcome after that, under names that differ in their end. An intent
without its outcome is what a killed run left: whoever comes next looks at its objects and writes the outcome.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.listing import list_prefix
from radar_pipeline.lake.store import LakeStore

_PARALLEL = 16
_INTENT, _OUTCOME = "-intent.jsonl", "-outcome.jsonl"


class Action(StrEnum):
    """What was done to an object."""

    MOVE = "move"
    DELETE = "delete"
    UNDELETE = "undelete"


class Phase(StrEnum):
    """How far it came."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit log.

    Attributes:
        run_id: Run that did it.
        action: What was done.
        phase: How far it came.
        at: When it was written, UTC.
        plan_made_at: When the plan was made, UTC; None for what follows no plan.
        table: Table name.
        day: ``cog_dt_ingestion`` of the object.
        key: Object key.
        size: Bytes.
        etag: Entity tag, quotes included.
        tier: Where it lay.
        reason: Why, from the plan.
        to: Tier it was moved to; None for other actions.
        version_id: Version that was moved or deleted; None where the bucket keeps no versions.
        marker_id: Version id of the delete marker that hides it now; None where there is none.
        problem: Why it failed, or with an intent what came in between; empty where nothing did.
    """

    run_id: str
    action: Action
    phase: Phase
    at: dt.datetime
    plan_made_at: dt.datetime | None
    table: str
    day: dt.date
    key: str
    size: int
    etag: str
    tier: StorageClass
    reason: str
    to: StorageClass | None = None
    version_id: str | None = None
    marker_id: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class OpenBatch:
    """An intent whose outcome is not written yet.

    Attributes:
        intent_key: Key of the intent.
        entries: What was to be done; empty where the record is damaged.
        problem: Why the intent cannot be read; empty where it can.
    """

    intent_key: str
    entries: tuple[AuditEntry, ...]
    problem: str = ""


def write_intent(store: LakeStore, layout: BronzeLayout, entries: Sequence[AuditEntry]) -> OpenBatch:
    """Writes what one run is about to do. Nothing may be done before this returns.

    Raises:
        LakeError: It could not be written.
    """
    first = entries[0]
    at = first.at.astimezone(dt.UTC)
    stem = f"{_run_folder(layout, at.date(), first.run_id)}{at:%Y%m%dT%H%M%S%fZ}-{uuid.uuid4().hex[:12]}"
    _write(store, stem + _INTENT, entries)
    return OpenBatch(stem + _INTENT, tuple(entries))


def write_outcome(store: LakeStore, batch: OpenBatch, entries: Sequence[AuditEntry]) -> None:
    """Writes what came of a batch, which closes it.

    Raises:
        LakeError: It could not be written: the batch stays open.
    """
    _write(store, batch.intent_key.removesuffix(_INTENT) + _OUTCOME, entries)


def read_open(store: LakeStore, layout: BronzeLayout, *, since: dt.date) -> tuple[OpenBatch, ...]:
    """What killed runs left open on a day or after it; damaged records carry the problem and hide no other.

    Raises:
        LakeError: The log cannot be listed or read.
    """
    keys = {each.key for each in list_prefix(store, layout.audit_prefix, start_after=layout.audit_folder(since))}
    opened = sorted(key for key in keys if key.endswith(_INTENT) and key.removesuffix(_INTENT) + _OUTCOME not in keys)
    batches = []
    for key, body in zip(opened, _read_all(store, opened), strict=True):
        try:
            batches.append(OpenBatch(key, tuple(_parse(key, body))))
        except LakeError as error:
            batches.append(OpenBatch(key, (), str(error)))
    return tuple(batches)


def read_audit(
    store: LakeStore,
    layout: BronzeLayout,
    *,
    run_id: str | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> tuple[AuditEntry, ...]:
    """What was done, in the order of writing: of one run, or of all that wrote on some days.

    Raises:
        LakeError: It cannot be read, or a record is damaged.
    """
    start = layout.audit_folder(first) if first else None
    end = layout.audit_folder(last + dt.timedelta(days=1)) if last else None
    keys = [
        each.key
        for each in list_prefix(store, layout.audit_prefix, start_after=start)
        if (end is None or each.key < end) and (run_id is None or f"/{_run_name(run_id)}/" in each.key)
    ]
    keys.sort(key=lambda key: (key.rsplit("/", 1)[1], key))
    return tuple(entry for key, body in zip(keys, _read_all(store, keys), strict=True) for entry in _parse(key, body))


def _run_name(run_id: str) -> str:
    return f"run={quote(run_id, safe='')}"


def _run_folder(layout: BronzeLayout, day: dt.date, run_id: str) -> str:
    return f"{layout.audit_folder(day)}{_run_name(run_id)}/"


def _write(store: LakeStore, key: str, entries: Iterable[AuditEntry]) -> None:
    lines = "".join(json.dumps(_to_json(each), ensure_ascii=False, separators=(",", ":")) + "\n" for each in entries)
    store.put(key, lines.encode(), content_type="application/x-ndjson")


def _read_all(store: LakeStore, keys: Sequence[str]) -> list[bytes]:
    if not keys:
        return []
    with ThreadPoolExecutor(min(_PARALLEL, len(keys)), thread_name_prefix="audit") as pool:
        return list(pool.map(store.read, keys))


def _to_json(entry: AuditEntry) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in asdict(entry).items()
        if value not in (None, "")
    }


_TIMES = {"at", "plan_made_at"}
_NAMES = {field.name for field in fields(AuditEntry)}


def _parse(key: str, body: bytes) -> list[AuditEntry]:
    try:
        return [_from_json(json.loads(line)) for line in body.decode().splitlines()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the audit record {key} cannot be read ({type(error).__name__}: {error})"
        raise LakeError(LakeFault.OTHER, message) from None


def _from_json(record: Mapping[str, Any]) -> AuditEntry:
    known = {name: value for name, value in record.items() if name in _NAMES}
    for name in _TIMES & known.keys():
        known[name] = dt.datetime.fromisoformat(known[name])
    known.setdefault("plan_made_at", None)
    return AuditEntry(
        **{
            **known,
            "action": Action(record["action"]),
            "phase": Phase(record["phase"]),
            "day": dt.date.fromisoformat(record["day"]),
            "tier": StorageClass(record["tier"]),
            "to": StorageClass(record["to"]) if "to" in record else None,
            "reason": record.get("reason", ""),
        }
    )
