"""Holds in the bucket: each placing and each release is a record of its own that nobody changes."""

from __future__ import annotations

import datetime as dt

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Hold
from radar_pipeline.lake.store import LakeStore


def read_holds(store: LakeStore, layout: BronzeLayout) -> tuple[Hold, ...]:
    """Every hold ever placed by hand, released ones included, by the time of placing.

    Raises:
        LakeError: They cannot be read, or one of the records is damaged: who cannot read all holds must not delete.
    """
    raise NotImplementedError


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
    raise NotImplementedError


def release_hold(
    store: LakeStore, layout: BronzeLayout, hold_id: str, *, by: str, reason: str, now: dt.datetime
) -> Hold:
    """Releases a hold; one that is released already stays as it was released first.

    Raises:
        LakeError: It could not be read or written, or there is none of that id (``MISSING``).
        ValueError: No reason or no name is given.
    """
    raise NotImplementedError
