"""The extraction worker against dlt and against the read limit: the whole demonstration database to a local S3.

    python -m benchmarks.extract_throughput [--scale 6] [--runs 3]

Starts a MariaDB and an AWS endpoint of its own, seeds the demonstration database and runs the three in turn, each as
a process from start to end, the order turned round with every round. Ratios are of medians. So that dlt can read
everything, zero dates are replaced first and the table of extreme values is left out, for all three alike: connectorx
panics on both.

The read limit is a C client that throws every row away, on as many connections as the worker has. The target of half
of it was named on 8 million rows, where DuckDB's plain copy to a local file reaches 0.58; scale 6 has 7.9 million.
On less, most of what is measured is the start of an interpreter: at scale 1 the limit takes 0.3 s, and a bare script
that imports DuckDB and copies to local files 0.7 s. CPU stands beside the seconds because other work on the machine
bends the latter more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pymysql

from benchmarks.common import AWS_VENV, PROJECT, Measured, end_cleanly_when_told, median, print_table, status
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.demo import seed
from radar_pipeline.local.mariadb import MariaDb, MySqlAddress
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import find, start, stop, wait_until_ready
from radar_pipeline.local.provision import ensure_aws_venv, ensure_mariadbd
from radar_pipeline.source import SourceAddress, Tls, observe_tables

PEERS = Path(__file__).resolve().parent / "peers"
BENCH_VENV = PROJECT / ".radar" / "bench" / "dlt-venv"
DLT = ("dlt[s3]==1.31.0", "connectorx==0.4.6", "sqlalchemy>=2", "pymysql>=1.1", "pyarrow>=21,<26")

UNREADABLE_FOR_CONNECTORX = "source_type_sample"
CONNECTIONS = 2
SCALE = 6.0

TO_REACH_AGAINST_DLT = 1.5
TO_REACH_OF_LIMIT = 0.5
MEMORY_LIMIT_MB = 600


@dataclass
class Runner:
    """One of the three and what was measured of it."""

    name: str
    command: list[str]
    document: dict[str, Any] = field(repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    read_rows: Callable[[str], int] = int
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return median(self.seconds)

    @property
    def median_cpu(self) -> float:
        """CPU seconds of the middle run: its own, MySQL's and S3's."""
        return median(self.cpu_seconds)

    def forget(self) -> None:
        """Throws away what was timed so far, but not the peak."""
        self.seconds.clear()
        self.cpu_seconds.clear()

    def run(self, bucket: str, folder: Path) -> int:
        """Runs it once; the rows that it says it read."""
        with tempfile.TemporaryDirectory(dir=folder) as spool:
            document = {**self.document, "spool_dir": spool}
            document["destination"] = {**document["destination"], "bucket": bucket}
            with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stdout:
                stdin.write(json.dumps(document))
                stdin.seek(0)
                cpu, started = cpu_seconds(folder), time.perf_counter()
                child = subprocess.Popen(
                    self.command, stdin=stdin, stdout=stdout, env={**os.environ, **self.environment}
                )
                while child.poll() is None:
                    self._note_memory(child.pid)
                    time.sleep(0.01)
                seconds = time.perf_counter() - started
                stdout.seek(0)
                text = stdout.read()
        if child.returncode:
            message = f"{self.name} ended with {child.returncode}: {text[-2000:]}"
            raise SystemExit(message)
        self.seconds.append(seconds)
        self.cpu_seconds.append(cpu_seconds(folder) - cpu)
        return self.read_rows(text)

    def _note_memory(self, pid: int) -> None:
        """Keeps the peak that the kernel counts. A child's ru_maxrss would begin at that of this process."""
        with contextlib.suppress(OSError, IndexError):
            status = Path(f"/proc/{pid}/status").read_text()
            self.peak_mb = max(self.peak_mb, int(status.split("VmHWM:")[1].split()[0]) / 1024)


def cpu_seconds(home: Path) -> float:
    """What this process's ended children and the two servers have used so far."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = ended.ru_utime + ended.ru_stime
    for name in ("mariadb.pid", "aws.pid"):
        server = find(home / name)
        found += sum(server.cpu_times()[:2]) if server else 0.0
    return found


@contextlib.contextmanager
def servers(home: Path) -> Iterator[tuple[MariaDb, AwsEndpoint]]:
    """A MariaDB and an AWS endpoint of this benchmark's own."""
    mariadbd = ensure_mariadbd(print, may_install=True)
    ministack = ensure_aws_venv(AWS_VENV, print)
    database = MariaDb(home / "mariadb", free_port(), secrets.token_urlsafe(16), secrets.token_urlsafe(16), 512)
    endpoint = AwsEndpoint(home / "aws", free_port(), "us-east-2", secrets.token_urlsafe(16))
    database.prepare(mariadbd)
    mysql, aws = home / "mariadb.pid", home / "aws.pid"
    program = endpoint.program(ministack, pid_file=aws, log_file=aws.with_suffix(".log"))
    programs = (
        (database.program(mariadbd, pid_file=mysql, log_file=mysql.with_suffix(".log")), database),
        # Without a second copy of every object on this machine's disk, a third of a second of CPU for 90 MB: what S3
        # does with a body is no work of the machine that sends it.
        (replace(program, environment={**program.environment, "S3_PERSIST": "0"}), endpoint),
    )
    try:
        for each, server in programs:
            wait_until_ready(each, start(each), server.is_ready, seconds=60)
        yield database, endpoint
    finally:
        for pid_file in (mysql, aws):
            stop(pid_file, seconds=30)


def without_zero_dates(admin: MySqlAddress) -> None:
    """Gives every zero date a real one; see above."""
    with (
        pymysql.connect(
            host=admin.host, port=admin.port, user=admin.user, password=admin.password, database=admin.database
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t"
            " ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'"
            " WHERE c.table_schema = DATABASE() AND c.data_type IN ('date', 'datetime', 'timestamp')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f"UPDATE `{table}` SET `{column}` = '2025-01-01' WHERE MONTH(`{column}`) = 0")
        connection.commit()


def dlt_python() -> str:
    """The peer's interpreter, installed on first use."""
    python = BENCH_VENV / "bin" / "python"
    mark = BENCH_VENV / "installed"
    if not mark.exists() or mark.read_text() != " ".join(DLT):
        print("installing dlt into .radar/bench")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(BENCH_VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *DLT], check=True)
        mark.write_text(" ".join(DLT))
    return str(python)


def read_limit(folder: Path) -> str | None:
    """The limit's program, compiled; None, said aloud, where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("no C compiler: the read limit is not measured (apt-get install gcc)")
        return None
    program = folder / "read_limit"
    library = ["-pthread", "-l:libmariadb.so.3"]
    subprocess.run([compiler, "-O2", "-o", str(program), str(PEERS / "read_limit.c"), *library], check=True)
    return str(program)


def finished_rows(text: str) -> int:
    """Rows of the worker's last event."""
    return int(json.loads(text.splitlines()[-1])["rows"])


def runners(database: MariaDb, endpoint: AwsEndpoint, folder: Path) -> list[Runner]:
    """The worker, dlt, and the limit where it can be had."""
    reader = database.reader
    address = SourceAddress(reader.host, reader.port, reader.user, reader.password, reader.database, Tls.DISABLED)
    names = [
        table.name
        for table in observe_tables(address)
        if not table.is_view and table.name != UNREADABLE_FOR_CONNECTORX and not table.name.startswith("_")
    ]
    document = {
        "source": {
            "host": reader.host,
            "port": reader.port,
            "user": reader.user,
            "password": reader.password,
            "database": reader.database,
            "tls": False,
        },
        "destination": {
            "endpoint_url": endpoint.url,
            "region": endpoint.region,
            "access_key_id": endpoint.access_key_id,
            "secret_access_key": endpoint.secret_access_key,
            "path_prefix": "origin=airbyte/database=bronze_radar",
            "path_format": "${STREAM_NAME}/cog_dt_ingestion=${YEAR}-${MONTH}-${DAY}/file_${STREAM_NAME}",
            "file_name_pattern": "_part_{part_number}{format_extension}",
        },
        "dialect": "0.3",
        "tables": [{"name": name, "fault": None} for name in names],
        "started_at": "2026-01-01T02:00:00+00:00",
        "sync_id": 1,
        "concurrency": CONNECTIONS,
    }
    worker = [sys.executable, "-m", "radar_pipeline.local.extract"]
    found = [
        Runner("extraction worker", worker, document, read_rows=finished_rows),
        Runner("dlt, connectorx backend", [dlt_python(), str(PEERS / "dlt_copy.py")], document),
    ]
    limit = read_limit(folder)
    if limit:
        where = [reader.host, str(reader.port), reader.user, reader.database, str(CONNECTIONS)]
        queries = [f"SELECT * FROM `{name}`" for name in names]
        password = {"RL_PASSWORD": reader.password}
        found.append(Runner("read limit (C client)", [limit, *where, *queries], document, password))
    return found


def report(found: list[Runner], rows: int) -> None:
    """Prints all that was measured, rows a second among it."""
    worker = found[0]
    print(
        f"\n{rows:,} rows, {len(worker.document['tables'])} tables, {CONNECTIONS} connections, "
        f"median of {len(worker.seconds)} runs, {os.cpu_count()} cores shared by client, MySQL and S3"
    )
    print(f"{'':26}{'seconds':>9}{'CPU s':>8}{'rows/s':>12}{'x worker':>10}{'peak MB':>9}")
    for each in found:
        print(
            f"{each.name:26}{each.median:9.2f}{each.median_cpu:8.2f}{rows / each.median:12,.0f}"
            f"{worker.median / each.median:10.2f}{each.peak_mb:9.0f}"
        )


def compared(found: list[Runner]) -> list[Measured]:
    """The worker against dlt and, where it was measured, against the read limit."""
    worker, dlt = found[0], found[1]
    name, faster, peak = "local worker: whole database to S3", dlt.median / worker.median, worker.peak_mb
    rows = [
        Measured(
            name,
            worker.median,
            dlt.name,
            dlt.median,
            faster,
            f"{TO_REACH_AGAINST_DLT:g} x faster; under {MEMORY_LIMIT_MB} MB",
            faster >= TO_REACH_AGAINST_DLT and peak < MEMORY_LIMIT_MB,
            peak_mb=peak,
        )
    ]
    for limit in found[2:]:
        share = limit.median / worker.median
        target = f"{TO_REACH_OF_LIMIT:g} of it"
        reached = share >= TO_REACH_OF_LIMIT
        rows.append(Measured(name, worker.median, limit.name, limit.median, share, target, reached, peak_mb=peak))
    return rows


def emptied(endpoint: AwsEndpoint, bucket: str) -> None:
    """Deletes what a run wrote: the endpoint holds every object in memory too."""
    s3 = endpoint.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in page.get("Versions", ())]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})


def measure(*, scale: float = SCALE, runs: int = 3) -> list[Measured]:
    """Runs the three in turn; the first round fills caches and is not counted."""
    with tempfile.TemporaryDirectory(prefix="radar-bench-") as name:
        home = Path(name)
        with servers(home) as (database, endpoint):
            print(f"seeding at scale {scale:g}")
            seed(database.admin, scale=scale)
            without_zero_dates(database.admin)
            found = runners(database, endpoint, home)
            counts: set[int] = set()
            for run in range(runs + 1):
                for each in found if run % 2 else reversed(found):
                    bucket = f"bench-{run}-{secrets.token_hex(4)}"
                    endpoint.ensure_bucket(bucket)
                    counts.add(each.run(bucket, home))
                    emptied(endpoint, bucket)
                    if run == 0:
                        # MySQL's pages, byte code, the peer's.
                        each.forget()
            if len(counts) > 1:
                message = f"the runs read different numbers of rows: {sorted(counts)}"
                raise SystemExit(message)
            report(found, counts.pop())
            return compared(found)


def main() -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=SCALE, help="share of the documented table sizes")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows = measure(scale=options.scale, runs=options.runs)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
