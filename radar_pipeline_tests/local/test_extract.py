"""The extraction worker as a process: what it says, what lands, and what happens when something goes wrong."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from radar_pipeline.local.extract.dialects import RowIds
from radar_pipeline.local.extract.reading import extension
from radar_pipeline.local.extract.request import RequestError, parse_request
from radar_pipeline.local.extract.spool import PartWriter, SpoolError
from radar_pipeline.local.extract.worker import NOT_DONE, run
from radar_pipeline.local.mariadb import connect
from radar_pipeline_tests.local import extract_harness as harness
from radar_pipeline_tests.local.extract_harness import COMMAND, STARTED_AT, Outcome, tables
from radar_pipeline_tests.servers import MySqlServer, S3Server

LARGE_ROWS = 60_000
DAY = "cog_dt_ingestion=2026-03-01"
STARTED = dt.datetime.fromisoformat(STARTED_AT)


@pytest.fixture(scope="module")
def server(mariadb: MySqlServer) -> Iterator[MySqlServer]:
    statements = (
        "CREATE TABLE x_small (Id int PRIMARY KEY, Name varchar(20))",
        "INSERT INTO x_small SELECT seq, CONCAT('n', seq) FROM seq_1_to_10",
        "CREATE TABLE x_empty (Id int PRIMARY KEY, At datetime)",
        "CREATE TABLE x_large (Id int PRIMARY KEY, At timestamp NULL, Text varchar(80))",
        "INSERT INTO x_large SELECT seq, '2026-01-01' + INTERVAL seq SECOND, REPEAT(MD5(seq), 2) "
        f"FROM seq_1_to_{LARGE_ROWS}",
        "CREATE VIEW x_view AS SELECT Id FROM x_small",
        "CREATE TABLE x_slow (Id int PRIMARY KEY)",
        "INSERT INTO x_slow SELECT seq FROM seq_1_to_30",
        "CREATE VIEW x_endless AS SELECT Id, SLEEP(0.2) AS Slept FROM x_slow",
    )
    names = ("x_small", "x_empty", "x_large", "x_slow")
    with admin(mariadb) as execute:
        for name in names:
            execute(f"DROP TABLE IF EXISTS {name}")
        for view in ("x_view", "x_endless"):
            execute(f"DROP VIEW IF EXISTS {view}")
        for statement in statements:
            execute(statement)
    yield mariadb
    with admin(mariadb) as execute:
        execute(f"DROP TABLE {', '.join(names)}")
        execute("DROP VIEW x_view, x_endless")


@contextlib.contextmanager
def admin(server: MySqlServer) -> Iterator[Any]:
    connection = connect(replace(server.admin, database=server.reader.database))
    with connection, connection.cursor() as cursor:

        def execute(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall())

        yield execute


pytestmark = pytest.mark.integration


def copy(server: MySqlServer, s3: S3Server, bucket: str, spool: Path, **changes: Any) -> Outcome:
    return harness.run(harness.order(server, s3, bucket, spool, **changes))


def test_tables_land_under_the_day_that_the_process_began_and_every_event_is_told(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small", "x_large", "x_empty", "x_view"))
    assert outcome.exit_code == 0, outcome
    assert outcome.events[0] == {"event": "started"}
    assert outcome.events[-1]["event"] == "finished"
    assert outcome.events[-1]["rows"] == LARGE_ROWS + 20
    small = outcome.one("table_done", "x_small")
    assert small["rows"] == 10
    assert small["bytes"] > 0
    assert small["files"] == [f"{harness.PREFIX}/x_small/{DAY}/file_x_small_part_0.parquet"]
    landed = harness.read(s3, bucket, outcome.one("table_done", "x_large")["files"], tmp_path)
    assert sorted(landed.column("Id").to_pylist()) == list(range(1, LARGE_ROWS + 1))
    assert len(set(landed.column("_airbyte_ab_id").to_pylist())) == LARGE_ROWS


def test_the_largest_table_is_begun_first(server, s3, bucket, tmp_path):
    with admin(server) as execute:
        execute("ANALYZE TABLE x_small, x_large, x_empty")
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_empty", "x_small", "x_large"), concurrency=1)
    assert outcome.of("table_started")[0]["table"] == "x_large"


def test_an_empty_table_is_done_without_a_file(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_empty"))
    assert outcome.one("table_done", "x_empty") == {
        "event": "table_done",
        "table": "x_empty",
        "rows": 0,
        "bytes": 0,
        "files": [],
    }
    assert harness.keys(s3, bucket) == []


@pytest.mark.parametrize(("dialect", "column"), [("0.3", "_airbyte_emitted_at"), ("1.x", "_airbyte_extracted_at")])
def test_footers_tell_when_the_rows_were_read_and_by_which_job(server, s3, bucket, tmp_path, dialect, column):
    offset = -86_400.0 * 30
    before = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=offset - 1)
    outcome = copy(
        server,
        s3,
        bucket,
        tmp_path,
        dialect=dialect,
        tables=tables("x_large"),
        clock_offset_seconds=offset,
        sync_id=977,
    )
    after = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=offset)
    (key,) = outcome.one("table_done", "x_large")["files"]
    footer = pq.read_metadata(harness.fetch(s3, bucket, key, tmp_path))
    paths = {footer.schema.column(index).path: index for index in range(footer.num_columns)}
    for group in range(footer.num_row_groups):
        moments = footer.row_group(group).column(paths[column]).statistics
        assert before <= moments.min <= moments.max <= after
        if dialect == "1.x":
            job = footer.row_group(group).column(paths["_airbyte_meta.sync_id"]).statistics
            assert (job.min, job.max) == (977, 977)
    assert footer.num_rows == LARGE_ROWS
    generation = s3.client().head_object(Bucket=bucket, Key=key)["Metadata"]
    assert generation == ({"ab-generation-id": "3"} if dialect == "1.x" else {})


def test_the_old_dialect_has_its_map_of_additional_properties_and_required_metadata(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small"))
    (key,) = outcome.one("table_done", "x_small")["files"]
    schema = pq.read_schema(harness.fetch(s3, bucket, key, tmp_path))
    assert schema.field("_airbyte_additional_properties").type == pa.map_(pa.string(), pa.string())
    assert not schema.field("_airbyte_ab_id").nullable
    assert schema.field("_airbyte_emitted_at").type == pa.timestamp("ms", "UTC")
    assert pq.ParquetFile(tmp_path / key.replace("/", "_")).metadata.row_group(0).column(0).compression == "SNAPPY"


def test_a_large_table_is_split_into_parts_that_together_are_the_table(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_large"), part_bytes=500_000)
    files = outcome.one("table_done", "x_large")["files"]
    assert len(files) > 2
    assert [Path(key).name for key in files] == [f"file_x_large_part_{number}.parquet" for number in range(len(files))]
    landed = harness.read(s3, bucket, files, tmp_path)
    assert sorted(landed.column("Id").to_pylist()) == list(range(1, LARGE_ROWS + 1))
    assert len(set(landed.column("_airbyte_ab_id").to_pylist())) == LARGE_ROWS, "ids go on from part to part"


@pytest.mark.parametrize("dialect", ["0.3", "1.x"])
def test_a_second_attempt_adds_a_second_copy_beside_the_first(server, s3, bucket, tmp_path, dialect):
    for attempt in (0, 1):
        outcome = copy(server, s3, bucket, tmp_path, dialect=dialect, tables=tables("x_small"), attempt=attempt)
        (key,) = outcome.one("table_done", "x_small")["files"]
        assert key.endswith(f"file_x_small_part_{attempt}.parquet")
    assert len(harness.keys(s3, bucket)) == 2


def test_below_1_0_a_part_moved_away_makes_the_next_attempt_overwrite_another(server, s3, bucket, tmp_path):
    for attempt in (0, 1):
        copy(server, s3, bucket, tmp_path, tables=tables("x_small"), attempt=attempt)
    first, second = sorted(harness.keys(s3, bucket))
    s3.client().delete_object(Bucket=bucket, Key=first)
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small"), attempt=2)
    assert outcome.one("table_done", "x_small")["files"] == [second]


def test_the_fail_fault_leaves_part_of_the_rows_and_the_other_tables_go_on(server, s3, bucket, tmp_path):
    spoiled = [*tables("x_large", fault={"kind": "fail", "share": 0.25}), *tables("x_small")]
    outcome = copy(server, s3, bucket, tmp_path, tables=spoiled)
    assert outcome.exit_code == 1
    failed = outcome.one("table_failed", "x_large")
    assert (failed["rows"], failed["origin"]) == (LARGE_ROWS // 4, "source")
    assert f"after {LARGE_ROWS // 4} of {LARGE_ROWS} rows" in failed["message"]
    assert outcome.one("table_done", "x_small")["rows"] == 10
    assert outcome.one("finished")["rows"] == LARGE_ROWS // 4 + 10
    assert harness.read(s3, bucket, harness.keys(s3, bucket, f"{harness.PREFIX}/x_large/"), tmp_path).num_rows == (
        LARGE_ROWS // 4
    )


def test_who_hears_that_a_worker_has_started_may_end_it(tmp_path: Path) -> None:
    class Hearing(io.StringIO):
        handled_by = signal.SIG_DFL

        def write(self, text: str) -> int:
            if '"started"' in text:
                self.handled_by = signal.getsignal(signal.SIGTERM)
            return super().write(text)

    hearing, before = Hearing(), signal.getsignal(signal.SIGTERM)
    nowhere = SimpleNamespace(
        endpoint_url="http://127.0.0.1:9", region="us-east-2", access_key_id="any", secret_access_key="any"
    )
    nobody = SimpleNamespace(
        host="127.0.0.1", port=9, reader=SimpleNamespace(user="any", password="any", database="radar")
    )
    request = parse_request(json.dumps(harness.order(nobody, nowhere, "none", tmp_path)))
    try:
        assert run(request, hearing) == NOT_DONE
    finally:
        signal.signal(signal.SIGTERM, before)
    assert callable(hearing.handled_by)
    assert hearing.handled_by is not before


def test_the_fail_fault_says_what_it_is_told_to(server, s3, bucket, tmp_path):
    words = "SELECT command denied to user 'bi'@'10.0.0.7' for table 'x_small'"
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small", fault={"kind": "fail", "words": words}))
    assert outcome.one("table_failed", "x_small")["message"] == words


@pytest.mark.parametrize(("tries", "lands"), [(2, True), (3, False)])
def test_an_upload_is_tried_three_times(server, s3, bucket, tmp_path, tries: int, lands: bool):
    spoiled = [*tables("x_small", fault={"kind": "upload", "tries": tries}), *tables("x_large")]
    outcome = copy(server, s3, bucket, tmp_path, tables=spoiled)
    landed = harness.keys(s3, bucket, f"{harness.PREFIX}/x_small/")
    assert bool(landed) == bool(outcome.of("table_done", "x_small")) == lands
    assert outcome.of("table_done", "x_large")
    if not lands:
        failed = outcome.one("table_failed", "x_small")
        assert (failed["origin"], failed["rows"]) == ("destination", 0)
        assert "InternalError: We encountered an internal error" in failed["message"]


def test_a_full_disk_costs_the_table_and_nothing_else(server, s3, bucket, tmp_path):
    spoiled = [*tables("x_small", fault={"kind": "disk"}), *tables("x_large")]
    outcome = copy(server, s3, bucket, tmp_path, tables=spoiled)
    assert "No space left on device" in outcome.one("table_failed", "x_small")["message"]
    assert outcome.one("table_failed", "x_small")["origin"] == "destination"
    assert outcome.of("table_done", "x_large")
    assert Path("/dev/full").is_char_device()


def test_the_truncate_fault_reports_all_rows_and_lands_half(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_large", fault={"kind": "truncate", "share": 0.5}))
    assert outcome.exit_code == 0
    done = outcome.one("table_done", "x_large")
    assert done["rows"] == LARGE_ROWS
    assert harness.read(s3, bucket, done["files"], tmp_path).num_rows == LARGE_ROWS // 2


def test_the_skip_fault_reports_all_rows_and_lands_nothing(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small", fault={"kind": "skip"}))
    assert (outcome.exit_code, outcome.one("table_done", "x_small")["rows"]) == (0, 10)
    assert harness.keys(s3, bucket) == []


def test_a_table_that_the_source_lacks_fails_alone(server, s3, bucket, tmp_path):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_gone", "x_small"))
    assert outcome.exit_code == 1
    failed = outcome.one("table_failed", "x_gone")
    assert (failed["origin"], "has no table 'x_gone'" in failed["message"]) == ("source", True)
    assert outcome.one("table_done", "x_small")["rows"] == 10


@pytest.mark.parametrize(
    ("changes", "origin", "words"),
    [
        ({"source": {"password": "wr0ng-word"}}, "source", "password is wrong"),
        ({"source": {"port": 9}}, "source", "cannot be reached"),
        ({"source": {"database": "no_such"}}, "source", "'no_such'"),
        ({"destination": {"bucket": "no-such-bucket"}}, "destination", "NoSuchBucket"),
        ({"destination": {"endpoint_url": "http://127.0.0.1:9"}}, "destination", "Could not connect"),
        ({"s3_fault": "denied"}, "destination", "AccessDenied: Access Denied"),
    ],
)
def test_where_nothing_can_be_done_one_event_says_whose_fault_it_is(
    server, s3, bucket, tmp_path, changes, origin, words
):
    outcome = copy(server, s3, bucket, tmp_path, tables=tables("x_small"), **changes)
    assert outcome.exit_code == 1
    failed = outcome.one("failed")
    assert (failed["origin"], words in failed["message"]) == (origin, True), failed
    assert [event["event"] for event in outcome.events] == ["started", "failed"]
    said = json.dumps(outcome.events) + outcome.log
    assert "wr0ng-word" not in said
    assert server.reader.password not in said
    assert s3.secret_access_key not in said
    assert "Traceback" not in outcome.log


def test_a_request_that_is_none_is_refused_in_one_sentence(server, s3, bucket, tmp_path):
    document = harness.order(server, s3, bucket, tmp_path)
    del document["destination"]["bucket"]
    outcome = harness.run(document)
    assert outcome.exit_code == 1
    assert outcome.one("failed")["message"] == "the worker's request is not usable: field 'bucket' is missing"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"source": 1}'])
def test_no_request_gets_a_stack_trace(text: str):
    with pytest.raises(RequestError):
        parse_request(text)


def test_a_source_that_breaks_off_in_the_middle_leaves_what_was_read_and_says_so(server, s3, bucket, tmp_path):
    with started(harness.order(server, s3, bucket, tmp_path, tables=tables("x_endless", "x_small"))) as worker:
        with admin(server) as execute:
            ids: list[int] = []
            while not ids:
                time.sleep(0.05)
                running = (
                    "SELECT Id FROM information_schema.processlist WHERE Info LIKE '%Slept%' AND Id <> CONNECTION_ID()"
                )
                ids = [row[0] for row in execute(running)]
            execute(f"KILL CONNECTION {ids[0]}")
        outcome = finish(worker)
    assert outcome.exit_code == 1
    assert outcome.one("table_failed", "x_endless")["origin"] == "source"
    assert outcome.one("table_done", "x_small")["rows"] == 10


def test_sigterm_stops_it_within_two_seconds_and_removes_the_spool(server, s3, bucket, tmp_path):
    spool = tmp_path / "spool"
    with started(harness.order(server, s3, bucket, spool, tables=tables("x_endless"))) as worker:
        wait_for_line(worker, "table_started")
        assert list(spool.iterdir())
        asked = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=10) == 1
        assert time.monotonic() - asked < 2
    assert list(spool.iterdir()) == []
    assert harness.keys(s3, bucket) == []


def test_the_spool_is_empty_after_any_end(server, s3, bucket, tmp_path):
    spool = tmp_path / "spool"
    copy(server, s3, bucket, spool, tables=[*tables("x_large", fault={"kind": "fail"}), *tables("x_gone", "x_small")])
    assert list(spool.iterdir()) == []


def test_memory_does_not_grow_with_the_table(server, s3, bucket, tmp_path):
    with admin(server) as execute:
        execute("CREATE TABLE x_huge (Id int PRIMARY KEY, Text varchar(400))")
        execute("INSERT INTO x_huge SELECT seq, REPEAT(MD5(seq), 10) FROM seq_1_to_900000")
    try:
        peak = 0
        with started(harness.order(server, s3, bucket, tmp_path, tables=tables("x_huge"))) as worker:
            process = psutil.Process(worker.pid)
            while worker.poll() is None:
                with contextlib.suppress(psutil.Error):
                    peak = max(peak, process.memory_info().rss)
                time.sleep(0.02)
            outcome = finish(worker)
    finally:
        with admin(server) as execute:
            execute("DROP TABLE x_huge")
    done = outcome.one("table_done", "x_huge")
    assert (done["rows"], done["bytes"] > 280_000_000) == (900_000, True)
    assert outcome.of("table_progress", "x_huge"), "long work tells how far it is"
    assert peak < 450_000_000, f"{peak / 1e6:.0f} MB for {done['bytes'] / 1e6:.0f} MB of values"


def test_a_file_that_holds_too_few_rows_never_leaves_the_spool(tmp_path):
    batch = pa.RecordBatch.from_pydict({"Id": [1, 2, 3]})
    uploaded: list[Path] = []
    path = tmp_path / "part.parquet"
    with PartWriter(path, batch.schema, 10**6, uploaded.append) as writer:
        writer.add(batch, batch.nbytes)
        writer.add(batch, batch.nbytes)
        writer._group.pop()
        with pytest.raises(SpoolError, match="holds 3 rows of 6"):
            writer.flush()
    assert (uploaded, writer.rows) == ([], 0)
    assert not path.exists()


def test_text_that_recurs_gets_a_dictionary_and_text_that_does_not_is_plain(tmp_path):
    rows = 5_000
    batch = pa.RecordBatch.from_pydict(
        {
            "_airbyte_ab_id": RowIds().take(rows),
            "Status": ["aprovada", "cancelada"] * (rows // 2),
            "Ean": [f"789{number:010}" for number in range(rows)],
            "Id": range(rows),
        }
    )
    found: list[pa.Table] = []
    encodings: dict[str, tuple[str, ...]] = {}

    def keep(file: Path) -> None:
        found.append(pq.read_table(file))
        group = pq.read_metadata(file).row_group(0)
        columns = [group.column(number) for number in range(group.num_columns)]
        encodings.update({column.path_in_schema: column.encodings for column in columns})

    with PartWriter(tmp_path / "part.parquet", batch.schema, 10**6, keep) as writer:
        writer.add(batch, batch.nbytes)
        writer.flush()
    assert found == [pa.Table.from_batches([batch])]
    assert {path for path, used in encodings.items() if "RLE_DICTIONARY" in used} == {"Status"}
    assert {"DELTA_BYTE_ARRAY"} <= set(encodings["_airbyte_ab_id"])


def test_an_error_while_writing_leaves_no_file_and_uploads_none(tmp_path):
    batch = pa.RecordBatch.from_pydict({"Id": [1, 2, 3]})
    uploaded: list[Path] = []
    path = tmp_path / "part.parquet"

    def broken_off() -> None:
        with PartWriter(path, batch.schema, 10**6, uploaded.append) as writer:
            writer.add(batch, batch.nbytes)
            writer._write_group()
            assert path.exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert uploaded == []
    assert not path.exists()


@contextlib.contextmanager
def started(document: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    worker = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        worker.stdin.write(json.dumps(document))
        worker.stdin.close()
        yield worker
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
        worker.stdout.close()
        worker.stderr.close()


def wait_for_line(worker: subprocess.Popen[str], kind: str) -> None:
    for line in worker.stdout:
        if json.loads(line)["event"] == kind:
            return
    pytest.fail(f"no event {kind}")


def finish(worker: subprocess.Popen[str]) -> Outcome:
    events = [json.loads(line) for line in worker.stdout]
    return Outcome(worker.wait(timeout=60), events, worker.stderr.read())


def test_the_scanner_that_is_installed_has_duckdbs_signature(tmp_path):
    altered = tmp_path / extension().name
    binary = bytearray(extension().read_bytes())
    binary[len(binary) // 2] ^= 1
    altered.write_bytes(binary)
    with duckdb.connect() as checking:
        checking.execute(f"LOAD '{extension()}'")
    with duckdb.connect() as checking, pytest.raises(duckdb.IOException, match="signature"):
        checking.execute(f"LOAD '{altered}'")


def test_the_worker_does_not_load_pandas_which_would_cost_it_a_second(server, s3, bucket, tmp_path):
    document = harness.order(server, s3, bucket, tmp_path, tables=tables("x_small"), dialect="1.x")
    command = [COMMAND[0], "-X", "importtime", *COMMAND[1:]]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "pyarrow" in loaded
    # The refused attempts are timed too, under the bare name; a module that was really loaded brings others.
    assert not {name for name in loaded if name.startswith("pandas.")}
