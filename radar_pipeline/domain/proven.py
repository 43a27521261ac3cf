"""Whether what lies in a day's folder is what was judged last: only proven snapshots are registered."""

from __future__ import annotations

from dataclasses import dataclass

from radar_pipeline.domain.ledger import Judgement
from radar_pipeline.domain.snapshots import Folder, Snapshot, by_key


@dataclass(frozen=True)
class Standing:
    """What stands of a table's day.

    Attributes:
        snapshot: The proven snapshot; None where the folder does not hold it.
        problem: Why it does not, in one sentence; None where it does.
    """

    snapshot: Snapshot | None = None
    problem: str | None = None


def standing(folder: Folder, judgement: Judgement) -> Standing:
    """Compares a folder with the judgement that holds for its day.

    Rows and the newest extraction time tell a snapshot from any other; the number of files and their bytes do not, as
    merging small files changes both and no row.
    """
    if folder.error:
        return Standing(problem=f"its files cannot be read: {folder.error}")
    if folder.broken:
        return Standing(problem=f"{folder.broken[0].key} is no readable Parquet file: {folder.broken[0].problem}")
    found = Snapshot(by_key(folder.files))
    if found.rows == judgement.rows and found.newest == judgement.newest:
        return Standing(found)
    problem = (
        f"{found.rows:,} rows in {len(found.files)} files lie there, and {judgement.rows:,} were proven: files came or "
        f"went since then. Prove the day again: radar run --date {folder.day}"
    )
    return Standing(problem=problem)
