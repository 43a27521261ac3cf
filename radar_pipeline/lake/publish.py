"""Takes superseded files out of the folders that readers see, so that everyone sees each row once. Deletes no data.

A file is copied to the quarantine, the copy is verified, and only then the file leaves its folder. Killed at any point,
the next call goes on where this one stopped.

In the place of each moved file stays a hidden, empty marker. destination-s3 before 1.0.5 numbers its parts by
*counting* the keys that begin with the object path (``getPartId`` in ``S3StorageOperations``), so in a folder that
shrinks the next sync of the day would reuse a number and overwrite a part that stands. The marker lies under the file's
own stem (``.../file_store_part_0/_superseded_file_store_part_0.parquet``): whatever path prefix counted the file counts
the marker too, and readers skip names that begin with an underscore.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import BrokenFile, DataFile
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.store import LakeStore, StoredObject

MARKER_PREFIX = "_superseded_"

_PARALLEL = 16

# What a copy remembers of its original: a copy's own entity tag differs where either was uploaded in parts.
_ORIGIN_TAG = "radar-origin-etag"


class Outcome(StrEnum):
    """What became of one superseded file."""

    MOVED = "moved"
    ALREADY_MOVED = "already moved"
    CHANGED = "changed"
    FAILED = "failed"


@dataclass(frozen=True)
class Moved:
    """One superseded file after publishing.

    Attributes:
        key: Where it lay.
        quarantined_to: Where it lies now; None where it stayed, because it was changed since it was judged or could not
            be moved.
        size: Bytes.
        outcome: What became of it.
        problem: Why it could not be moved, in a sentence for a person; None where nothing went wrong.
    """

    key: str
    quarantined_to: str | None
    size: int
    outcome: Outcome
    problem: str | None = None


def marker_key(key: str) -> str:
    """Key of the empty marker that stands for a file moved away."""
    folder, _, name = key.rpartition("/")
    stem = name.partition(".")[0] or "file"
    return f"{folder}/{stem}/{MARKER_PREFIX}{name}"


def quarantine(store: LakeStore, layout: BronzeLayout, files: Sequence[DataFile | BrokenFile]) -> tuple[Moved, ...]:
    """Moves superseded files into the quarantine.

    Args:
        store: The bucket.
        layout: Where the quarantine lies.
        files: The files, as they were judged. One that was changed since is left where it is.

    Returns:
        What became of each file, in the order given. One that could not be moved does not keep the others from it.

    Raises:
        LakeError: The bucket is away: no file could be moved, and each for a reason that is not its own.
    """
    if not files:
        return ()
    with ThreadPoolExecutor(min(_PARALLEL, len(files)), thread_name_prefix="quarantine") as pool:
        moves = list(pool.map(lambda file: _try_to_move(store, layout, file), files))
    problems = [each for each in moves if isinstance(each, LakeError)]
    if len(problems) == len(moves) and all(_is_away(problem) for problem in problems):
        raise problems[0]
    return tuple(
        Moved(file.key, None, file.size, Outcome.FAILED, str(each)) if isinstance(each, LakeError) else each
        for file, each in zip(files, moves, strict=True)
    )


def _is_away(problem: LakeError) -> bool:
    return problem.fault.is_bucket_wide or problem.fault is LakeFault.ENDPOINT


def _try_to_move(store: LakeStore, layout: BronzeLayout, file: DataFile | BrokenFile) -> Moved | LakeError:
    try:
        return _move(store, layout, file)
    except LakeError as error:
        return error


def _move(store: LakeStore, layout: BronzeLayout, file: DataFile | BrokenFile) -> Moved:
    original = store.head(file.key)
    if original is None:
        return _moved_before(store, layout, file)
    if differs(original, file):
        return Moved(file.key, None, original.size, Outcome.CHANGED)
    try:
        target = keep_copy(store, layout, original)
        # Before the file goes, so that the count never falls.
        store.put(marker_key(file.key), b"")
        store.delete(file.key, only_if=original.etag)
    except LakeError as error:
        if error.fault not in {LakeFault.CHANGED, LakeFault.MISSING}:
            raise
        # Servers do not agree whether a file that another run has just moved is changed or missing.
        if store.head(file.key) is not None:
            return Moved(file.key, None, original.size, Outcome.CHANGED)
        return _moved_before(store, layout, file)
    return Moved(file.key, target, original.size, Outcome.MOVED)


def differs(original: StoredObject, file: DataFile | BrokenFile) -> bool:
    """Whether an object is another one than the file that was judged."""
    if original.size != file.size:
        return True
    # HEAD tells whole seconds, a listing milliseconds.
    return isinstance(file, DataFile) and abs((original.modified_at - file.modified_at).total_seconds()) >= 1


def keep_copy(store: LakeStore, layout: BronzeLayout, original: StoredObject) -> str:
    """Makes sure that a verified copy of an object lies in quarantine, and returns its key.

    Another object under the same key is the trace of an earlier sync of the day: it is kept, and this one goes beside
    it under its own entity tag.

    Raises:
        LakeError: The object was changed since it was looked at, or cannot be copied.
    """
    plain = layout.quarantine_key(original.key)
    for target in (plain, _beside(plain, original.etag)):
        there = store.head(target)
        if there is None:
            store.copy(original, target, metadata={**original.metadata, _ORIGIN_TAG: original.etag})
            there = store.head(target)
        if there is not None and _is_copy(there, original):
            return target
    message = f"{original.key} stays where it is: its copy in quarantine under {plain} is not the same object"
    raise LakeError(LakeFault.OTHER, message)


def _is_copy(there: StoredObject, original: StoredObject) -> bool:
    return there.size == original.size and there.metadata.get(_ORIGIN_TAG) == original.etag


def _beside(key: str, etag: str) -> str:
    return f"{key}.{etag.strip(chr(34))}"


def _moved_before(store: LakeStore, layout: BronzeLayout, file: DataFile | BrokenFile) -> Moved:
    """Accounts for a file that is gone from its folder: another run, or a killed one, has moved it."""
    plain = layout.quarantine_key(file.key)
    folder = plain.rpartition("/")[0] + "/"
    copies = [each for each in store.list_objects(folder) if each.key == plain or each.key.startswith(f"{plain}.")]
    same = next((each.key for each in copies if each.size == file.size), None)
    if same is None:
        message = f"{file.key} was to be moved to quarantine, and is now neither in its folder nor there"
        raise LakeError(LakeFault.MISSING, message)
    return Moved(file.key, same, file.size, Outcome.ALREADY_MOVED)
