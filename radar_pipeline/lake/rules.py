"""The bucket's own lifecycle rules: read, and ours replaced while those of others stay as they are."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radar_pipeline.domain.retention_rules import OUR_PREFIX, Rule
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.store import LakeStore

# S3 may give the old rules for a moment after new ones were written. Seconds.
_WAITS = (0.0, 0.5, 1.0, 2.0)

_NONE_SET = "NoSuchLifecycleConfiguration"


def read_rules(store: LakeStore) -> tuple[Rule, ...]:
    """Every lifecycle rule of the bucket, in S3's own shape; empty where none is set.

    Raises:
        LakeError: They cannot be read.
    """
    return tuple(_read(store).get("Rules", ()))


def put_rules(store: LakeStore, wanted: Sequence[Rule], *, seen: Sequence[Rule]) -> tuple[Rule, ...]:
    """Puts our rules in the place of ours that are set; rules of others stay as they are.

    S3 takes a bucket's rules only as a whole and knows no condition for it. So they are read again just before, and
    once more after, and whoever wrote in between is found and named, if too late in the second case.

    Args:
        store: The bucket.
        wanted: Our rules; each id begins with ``radar-``. Empty takes ours away.
        seen: Every rule as it was read when this was decided.

    Returns:
        Every rule as it is set now.

    Raises:
        LakeError: They cannot be written (``POLICY`` where the keys may not), or someone else changed the rules since
            they were read or while they were written (``CHANGED``).
        ValueError: A wanted rule does not bear our name.
    """
    if strangers := [rule.get("ID", "") for rule in wanted if not _is_ours(rule)]:
        message = f"not rules of this platform, whose ids begin with {OUR_PREFIX}: {', '.join(strangers)}"
        raise ValueError(message)
    now = _read(store)
    found = tuple(now.get("Rules", ()))
    if not _same(found, seen):
        raise _changed(store, "since they were looked at: look again and decide anew")
    rules = [*(rule for rule in found if not _is_ours(rule)), *wanted]
    if _same(rules, found):
        return found
    _write(store, rules, now)
    for wait in _WAITS:
        time.sleep(wait)
        after = read_rules(store)
        if _says(after, rules):
            return after
    raise _changed(store, "while they were written: what is set now is not what was asked for, look at it")


def _is_ours(rule: Rule) -> bool:
    return str(rule.get("ID", "")).startswith(OUR_PREFIX)


def _read(store: LakeStore) -> Mapping[str, Any]:
    try:
        with store.told("read the lifecycle rules"):
            return dict(store.s3.get_bucket_lifecycle_configuration(Bucket=store.config.bucket))
    except LakeError as error:
        if error.code == _NONE_SET:
            return {}
        raise


def _write(store: LakeStore, rules: Sequence[Rule], before: Mapping[str, Any]) -> None:
    bucket = store.config.bucket
    with store.told("write the lifecycle rules"):
        if not rules:
            store.s3.delete_bucket_lifecycle(Bucket=bucket)
            return
        # The smallest size that rules move belongs to the whole configuration, so to the others' rules as well.
        size = "TransitionDefaultMinimumObjectSize"
        kept = {size: before[size]} if before.get(size) else {}
        store.s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [dict(rule) for rule in rules]}, **kept
        )


def _says(found: Sequence[Rule], asked: Sequence[Rule]) -> bool:
    """Whether what is set is what was asked for: ours by name, as S3 may spell them differently; the others whole."""
    names = [sorted(str(rule["ID"]) for rule in rules if _is_ours(rule)) for rules in (found, asked)]
    others = [[rule for rule in rules if not _is_ours(rule)] for rules in (found, asked)]
    return names[0] == names[1] and _same(*others)


def _same(one: Iterable[Rule], other: Iterable[Rule]) -> bool:
    """Whether two configurations say the same; S3 keeps no order among rules."""
    return sorted(map(_text, one)) == sorted(map(_text, other))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(sorted(map(_text, value))) + "]"
    return str(value)


def _changed(store: LakeStore, when: str) -> LakeError:
    message = f"someone else changed the lifecycle rules of bucket {store.config.bucket} {when}"
    return LakeError(LakeFault.CHANGED, message)
