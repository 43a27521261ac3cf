"""Which jobs a list asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class JobQuery:
    """Which jobs to list.

    Attributes:
        connection_id: Of which connection; None for all.
        kinds: Of which kinds; empty for all.
        statuses: With which statuses; empty for all.
        created_from: Created at or after.
        created_to: Created at or before.
        updated_from: Changed at or after.
        updated_to: Changed at or before.
        order_by: ``created_at`` or ``updated_at``.
        newest_first: Order.
        limit: Most jobs to return.
        offset: Jobs to leave out first.
    """

    connection_id: str | None = None
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    created_from: float | None = None
    created_to: float | None = None
    updated_from: float | None = None
    updated_to: float | None = None
    order_by: str = "created_at"
    newest_first: bool = True
    limit: int = 200
    offset: int = 0

    def where(self) -> tuple[str, list[Any]]:
        """The condition in SQL and its values."""
        parts: list[str] = ["1 = 1"]
        values: list[Any] = []
        for sql, value in (
            ("connection_id = ?", self.connection_id),
            ("created_at >= ?", self.created_from),
            ("created_at <= ?", self.created_to),
            ("updated_at >= ?", self.updated_from),
            ("updated_at <= ?", self.updated_to),
        ):
            if value is not None:
                parts.append(sql)
                values.append(value)
        for column, wanted in (("kind", self.kinds), ("status", self.statuses)):
            if wanted:
                parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values.extend(wanted)
        return " AND ".join(parts), values
