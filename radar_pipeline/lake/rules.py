"""The bucket's own lifecycle rules: read, and ours replaced while those of others stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from radar_pipeline.lake.store import LakeStore

Rule = Mapping[str, Any]

# By this the platform knows its own rules in a configuration that others write to as well.
OUR_PREFIX = "radar-"


def read_rules(store: LakeStore) -> tuple[Rule, ...]:
    """Every lifecycle rule of the bucket, in S3's own shape; empty where none is set.

    Raises:
        LakeError: They cannot be read.
    """
    raise NotImplementedError


def put_rules(store: LakeStore, wanted: Sequence[Rule], *, seen: Sequence[Rule]) -> tuple[Rule, ...]:
    """Puts our rules in the place of ours that are set; rules of others stay as they are.

    Args:
        store: The bucket.
        wanted: Our rules; each id begins with ``radar-``.
        seen: Every rule as it was read when this was decided.

    Returns:
        Every rule as it is set now.

    Raises:
        LakeError: They cannot be written (``POLICY`` where the keys may not), or someone else changed the rules since
            they were read or while they were written (``CHANGED``).
    """
    raise NotImplementedError
