"""Where things lie in the bucket: the key layout that destination-s3 writes, and the places this platform adds.

Source of the layout: destination-s3's ``s3_bucket_path`` and ``s3_path_format``
(``${STREAM_NAME}/cog_dt_ingestion=${YEAR}-${MONTH}-${DAY}/file_${STREAM_NAME}``), which the customer runs.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

PARTITION_COLUMN = "cog_dt_ingestion"

# Newer destination-s3 versions append "-N" to a key that already exists, so a data file need not end in ".parquet".
_DATA_FILE = re.compile(r"\.parquet(-\d+)?$")

_HIDDEN_PREFIXES = ("_", ".")

# Table, day, file.
_KEY_PARTS = 3


def without_accents(text: str) -> str:
    """The text with ``ç`` as ``c`` and ``ã`` as ``a``: NFKD without its combining marks."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def stored_name(table: str) -> str:
    """A table's name in object keys: destination-s3 drops accents and turns what S3 keys do not like into ``_``.

    Source: destination-s3's ``S3NameTransformer`` (NFKD, combining marks removed, white space and characters other
    than letters, digits and ``!_.*')(-`` replaced).
    """
    return re.sub(r"[^A-Za-z0-9!_.*')(-]", "_", without_accents(table))


@dataclass(frozen=True)
class BronzeLayout:
    """Names of the bronze layer inside one bucket.

    Attributes:
        prefix: Key prefix of the bronze database, without slashes at either end
            (``origin=airbyte/database=bronze_radar``).
        control_prefix: Where this platform keeps what is not data for readers: quarantined files and the ledger of
            accepted snapshots. It lies outside ``prefix`` so that no crawler takes it for a table.
    """

    prefix: str
    control_prefix: str = "_radar_pipeline"

    def table_prefix(self, table: str) -> str:
        """Key prefix of every day of a table, with the trailing slash."""
        return f"{self.prefix}/{stored_name(table)}/"

    def folder(self, table: str, day: dt.date) -> str:
        """Key prefix of one day of a table, with the trailing slash."""
        return f"{self.table_prefix(table)}{PARTITION_COLUMN}={day.isoformat()}/"

    def quarantine_key(self, key: str) -> str:
        """Where a superseded file goes: the same key under the quarantine, so that the way back is plain."""
        return f"{self.control_prefix}/quarantine/{key}"

    @property
    def quarantine_prefix(self) -> str:
        """Key prefix of all quarantined files, with the trailing slash."""
        return f"{self.control_prefix}/quarantine/"

    @property
    def ledger_prefix(self) -> str:
        """Key prefix of the ledger of judged snapshots, with the trailing slash."""
        return f"{self.control_prefix}/ledger/"

    def compaction_folder(self, table: str, day: dt.date) -> str:
        """Key prefix of what is being merged of one day of a table, with the trailing slash; empty when none is."""
        return f"{self.compaction_prefix}{stored_name(table)}/{PARTITION_COLUMN}={day.isoformat()}/"

    @property
    def compaction_prefix(self) -> str:
        """Key prefix of compactions that are under way, with the trailing slash."""
        return f"{self.control_prefix}/compaction/"

    @property
    def holds_prefix(self) -> str:
        """Key prefix of the records of holds, with the trailing slash."""
        return f"{self.control_prefix}/holds/"

    @property
    def audit_prefix(self) -> str:
        """Key prefix of the audit log of retention, with the trailing slash."""
        return f"{self.control_prefix}/audit/retention/"

    def audit_folder(self, day: dt.date) -> str:
        """Key prefix of what retention did on one day, with the trailing slash. Sorts by day."""
        return f"{self.audit_prefix}day={day.isoformat()}/"

    def day_of(self, key: str) -> dt.date | None:
        """The day in whose folder a key lies; None for a key that lies in no day's folder of the bronze database."""
        folders = key.removeprefix(f"{self.prefix}/").split("/")
        if not key.startswith(f"{self.prefix}/") or len(folders) < _KEY_PARTS:
            return None
        name, _, value = folders[1].partition("=")
        if name != PARTITION_COLUMN:
            return None
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None

    def ledger_folder(self, day: dt.date) -> str:
        """Key prefix of one day's ledger entries, with the trailing slash. Sorts by day."""
        return f"{self.ledger_prefix}day={day.isoformat()}/"


def is_data_file(key: str) -> bool:
    """Whether a key holds table rows: a Parquet file that no reader would take for hidden.

    ``_SUCCESS``, ``_metadata.json`` and other markers lie in some folders; Athena skips names that begin with an
    underscore or a dot, and so does this.
    """
    name = key.rsplit("/", 1)[-1]
    return bool(_DATA_FILE.search(name)) and not name.startswith(_HIDDEN_PREFIXES)
