"""Jobs, attempts, counts and log lines: the part of the store that the runner writes and every poll reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from radar_pipeline.local.airbyte_server.faults import ActiveFault
from radar_pipeline.local.airbyte_server.queries import JobQuery
from radar_pipeline.local.airbyte_server.records import FINAL_STATUSES, Attempt, Failure, Job, LogLine, StreamCount
from radar_pipeline.local.airbyte_server.store import Store

_FINAL = ", ".join(f"'{status}'" for status in sorted(FINAL_STATUSES))


class AlreadyRunningError(Exception):
    """The connection has a job that has not ended."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"A sync is already running for: {connection_id}")


class Ledger:
    """The jobs of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, connection_id: str, kind: str, now: float, *, faults: Sequence[ActiveFault], streams: Sequence[str]
    ) -> int:
        """Adds a pending job and returns its number.

        Raises:
            AlreadyRunningError: The connection has one that has not ended.
        """
        with self._store.transaction() as db:
            if self.active(connection_id):
                raise AlreadyRunningError(connection_id)
            cursor = db.execute(
                "INSERT INTO job (connection_id, kind, status, created_at, updated_at, faults, streams)"
                " VALUES (?, ?, 'pending', ?, ?, ?, ?)",
                (connection_id, kind, now, now, json.dumps([fault.as_json() for fault in faults]), json.dumps(streams)),
            )
            return int(cursor.lastrowid or 0)

    def job(self, job_id: int) -> Job | None:
        """A job with its attempts and counts."""
        return next(iter(self._hydrate(self._store.query("SELECT * FROM job WHERE id = ?", job_id))), None)

    def active(self, connection_id: str) -> int | None:
        """Number of the connection's job that has not ended."""
        rows = self._store.query(
            f"SELECT id FROM job WHERE connection_id = ? AND status NOT IN ({_FINAL})",  # noqa: S608 - constants
            connection_id,
        )
        return rows[0]["id"] if rows else None

    def unfinished(self) -> tuple[Job, ...]:
        """Every job that has not ended."""
        return self._hydrate(
            self._store.query(f"SELECT * FROM job WHERE status NOT IN ({_FINAL}) ORDER BY id")  # noqa: S608 - constants
        )

    def find(self, query: JobQuery) -> tuple[tuple[Job, ...], int]:
        """One page of jobs, and how many there are in all."""
        where, values = query.where()
        order = "DESC" if query.newest_first else "ASC"
        column = "updated_at" if query.order_by == "updated_at" else "created_at"
        rows = self._store.query(
            f"SELECT * FROM job WHERE {where} ORDER BY {column} {order}, id {order} LIMIT ? OFFSET ?",  # noqa: S608
            *values,
            query.limit,
            query.offset,
        )
        total = self._store.query(f"SELECT count(*) AS n FROM job WHERE {where}", *values)[0]["n"]  # noqa: S608
        return self._hydrate(rows), total

    def set_status(self, job_id: int, status: str, now: float) -> None:
        """Changes a job's status. A final one stays as it is."""
        self._store.write(
            f"UPDATE job SET status = ?, updated_at = ? WHERE id = ? AND status NOT IN ({_FINAL})",  # noqa: S608
            status,
            now,
            job_id,
        )

    def begin_attempt(self, job_id: int, number: int, now: float) -> None:
        """Adds a running attempt; the job runs."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO attempt (job_id, number, status, created_at, updated_at) VALUES (?, ?, 'running', ?, ?)",
                (job_id, number, now, now),
            )
            db.execute(
                "UPDATE job SET status = 'running', updated_at = ?, started_at = coalesce(started_at, ?) WHERE id = ?",
                (now, now, job_id),
            )

    def set_worker(self, job_id: int, number: int, pid: int, started: float) -> None:
        """Remembers the attempt's worker."""
        self._store.write(
            "UPDATE attempt SET worker_pid = ?, worker_started = ? WHERE job_id = ? AND number = ?",
            pid,
            started,
            job_id,
            number,
        )

    def end_attempt(
        self,
        job_id: int,
        number: int,
        now: float,
        *,
        attempt_status: str,
        job_status: str,
        failures: Iterable[Failure] = (),
        worker_lost: bool = False,
    ) -> None:
        """Ends an attempt and gives the job its status, in one step."""
        written = json.dumps([asdict(failure) for failure in failures])
        with self._store.transaction() as db:
            db.execute(
                "UPDATE attempt SET status = ?, updated_at = ?, ended_at = ?, failures = ?, worker_lost = ?,"
                " worker_pid = NULL WHERE job_id = ? AND number = ?",
                (attempt_status, now, now, written, worker_lost, job_id, number),
            )
            db.execute(
                "UPDATE stream_count SET state = 'incomplete', updated_at = ?"
                " WHERE job_id = ? AND attempt = ? AND state = 'running'",
                (now, job_id, number),
            )
            db.execute("UPDATE job SET status = ?, updated_at = ? WHERE id = ?", (job_status, now, job_id))

    def count(self, job_id: int, number: int, counts: StreamCount) -> None:
        """Writes the rows of one table in one attempt, and that the attempt is alive."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO stream_count VALUES (?, ?, ?, ?, ?, ?, ?)",
                (job_id, number, counts.stream, counts.records, counts.bytes, counts.state, counts.updated_at),
            )
            db.execute(
                "UPDATE attempt SET updated_at = ? WHERE job_id = ? AND number = ?", (counts.updated_at, job_id, number)
            )

    def log(self, job_id: int, number: int, line: LogLine) -> None:
        """Adds a line to an attempt's log."""
        self._store.write(
            "INSERT INTO log_line VALUES (?, ?, ?, ?, ?, ?)",
            job_id,
            number,
            line.at,
            line.level,
            line.source,
            line.message,
        )

    def logs(self, job_id: int, number: int) -> tuple[LogLine, ...]:
        """An attempt's log."""
        rows = self._store.query(
            "SELECT at, level, source, message FROM log_line WHERE job_id = ? AND attempt = ? ORDER BY rowid",
            job_id,
            number,
        )
        return tuple(LogLine(**row) for row in rows)

    def clear(self) -> None:
        """Forgets all jobs. Numbers are not given out again."""
        with self._store.transaction() as db:
            for table in ("job", "attempt", "stream_count", "log_line"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def _hydrate(self, rows: Sequence[sqlite3.Row]) -> tuple[Job, ...]:
        ids = [row["id"] for row in rows]
        marks = ", ".join("?" * len(ids))
        counts: dict[tuple[int, int], list[StreamCount]] = {}
        for row in self._store.query(
            f"SELECT * FROM stream_count WHERE job_id IN ({marks}) ORDER BY stream",  # noqa: S608
            *ids,
        ):
            count = StreamCount(row["stream"], row["records"], row["bytes"], row["state"], row["updated_at"])
            counts.setdefault((row["job_id"], row["attempt"]), []).append(count)
        attempts: dict[int, list[Attempt]] = {}
        for row in self._store.query(
            f"SELECT * FROM attempt WHERE job_id IN ({marks}) ORDER BY number",  # noqa: S608
            *ids,
        ):
            owned = counts.get((row["job_id"], row["number"]), [])
            attempts.setdefault(row["job_id"], []).append(_attempt(row, owned))
        return tuple(_job(row, attempts.get(row["id"], [])) for row in rows)


def _attempt(row: sqlite3.Row, counts: Sequence[StreamCount]) -> Attempt:
    return Attempt(
        number=row["number"],
        status=row["status"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ended_at=row["ended_at"],
        failures=tuple(Failure(**failure) for failure in json.loads(row["failures"])),
        counts=tuple(counts),
        worker_lost=bool(row["worker_lost"]),
        worker=(row["worker_pid"], row["worker_started"]) if row["worker_pid"] else None,
    )


def _job(row: sqlite3.Row, attempts: Sequence[Attempt]) -> Job:
    faults = tuple(ActiveFault(**fault) for fault in json.loads(row["faults"]))
    streams = tuple(json.loads(row["streams"]))
    return Job(
        id=row["id"],
        connection_id=row["connection_id"],
        kind=row["kind"],
        status=row["status"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        faults=faults,
        streams=streams,
        attempts=tuple(attempts),
    )
