"""What retention did, kept as JSON lines in the bucket: what it is about to do, and then what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.store import LakeStore


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
        to: Tier it was moved to; None for other actions.
        version_id: Version that was moved or deleted; None where the bucket keeps no versions.
        marker_id: Version id of the delete marker that hides it now; None where there is none.
        reason: Why, from the plan.
        problem: Why it failed; empty where it did not.
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


def write_audit(store: LakeStore, layout: BronzeLayout, entries: Sequence[AuditEntry]) -> str | None:
    """Adds entries of one run as one record. Returns its key; None where there was nothing to write.

    Raises:
        LakeError: It could not be written.
    """
    raise NotImplementedError


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
    raise NotImplementedError
