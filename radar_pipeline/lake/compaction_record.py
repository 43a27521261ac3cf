"""What a compaction is about to do, written down beside the lake before readers see anything of it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import DataFile
from radar_pipeline.lake.store import LakeStore

_FORMAT = 1
_SUFFIX = ".json"


@dataclass(frozen=True)
class OpenCompaction:
    """A merged file that is ready to take the place of its parts.

    Attributes:
        table: Table name.
        day: The day.
        staged: Key where the merged file lies, verified, out of the readers' sight.
        target: Key where it goes.
        size: Its bytes.
        rows: Its rows.
        files: The files that it was made of, as far as is needed to know them again.
    """

    table: str
    day: dt.date
    staged: str
    target: str
    size: int
    rows: int
    files: tuple[DataFile, ...]

    @property
    def key(self) -> str:
        """Key of this record."""
        return f"{self.staged}{_SUFFIX}"


def write_record(store: LakeStore, record: OpenCompaction) -> None:
    """Writes a record down."""
    files = [
        {"key": file.key, "size": file.size, "modified_at": file.modified_at.isoformat(), "rows": file.rows}
        for file in record.files
    ]
    body = {
        "format": _FORMAT,
        "table": record.table,
        "day": record.day.isoformat(),
        "staged": record.staged,
        "target": record.target,
        "size": record.size,
        "rows": record.rows,
        "files": files,
    }
    store.put(record.key, json.dumps(body, ensure_ascii=False).encode(), content_type="application/json")


def read_records(store: LakeStore, prefix: str) -> tuple[OpenCompaction | str, ...]:
    """Open compactions whose record lies under a prefix; a record that cannot be read is the problem in words.

    Raises:
        LakeError: They cannot be listed or read.
    """
    keys = [each.key for each in store.list_objects(prefix) if each.key.endswith(_SUFFIX)]
    return tuple(_parse(key, store.read(key)) for key in keys)


def staged_key(layout: BronzeLayout, table: str, day: dt.date, name: str) -> str:
    """Where a merged file waits, out of the readers' sight."""
    return layout.compaction_folder(table, day) + name


def _parse(key: str, body: bytes) -> OpenCompaction | str:
    try:
        found: dict[str, Any] = json.loads(body)
        if found["format"] != _FORMAT:
            return f"{key}: format {found['format']!r} is not known to this version"
        return OpenCompaction(
            table=str(found["table"]),
            day=dt.date.fromisoformat(found["day"]),
            staged=str(found["staged"]),
            target=str(found["target"]),
            size=int(found["size"]),
            rows=int(found["rows"]),
            files=tuple(
                DataFile(
                    str(file["key"]),
                    int(file["size"]),
                    dt.datetime.fromisoformat(file["modified_at"]),
                    int(file["rows"]),
                )
                for file in found["files"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{key} cannot be read: {type(error).__name__}: {error}"
