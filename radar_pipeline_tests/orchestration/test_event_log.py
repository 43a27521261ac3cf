"""The event log that keeps its engines open: what is stored is what Dagster's own would store, only sooner."""

import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from radar_pipeline.orchestration.event_log import MAX_ENGINES, PooledSqliteEventLogStorage
from radar_pipeline_tests.servers import PROJECT

TABLES = ("store", "menu", "order")
CHECKS = ("landed", "believable")
DAY = "2025-03-10"

# Autoincremented keys and the event's own text are compared; when SQLite stored a row differs by nature.
STORED = {
    "event_logs": "id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition",
    "asset_keys": "asset_key, last_materialization, last_run_id, asset_details, wipe_timestamp, "
    "last_materialization_timestamp, tags, cached_status_data",
    "asset_event_tags": "asset_key, event_id, key, value, event_timestamp",
    "asset_check_executions": "asset_key, check_name, partition, run_id, execution_status, evaluation_event, "
    "evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id",
}


def job() -> dg.JobDefinition:
    """Assets with checks: one check fails, one asset is left out, one check is about the asset as a whole."""
    partitions = dg.DailyPartitionsDefinition(start_date="2025-03-01", end_date="2025-04-01")
    keys = [dg.AssetKey(["bronze", name]) for name in TABLES]

    @dg.multi_asset(
        name="bronze",
        specs=[dg.AssetSpec(key, skippable=True) for key in keys],
        check_specs=[
            dg.AssetCheckSpec(check, asset=key, partitions_def=partitions) for key in keys for check in CHECKS
        ],
        partitions_def=partitions,
        can_subset=True,
    )
    def bronze(context: dg.AssetExecutionContext) -> Iterator[Any]:
        context.log.info("said to a person")
        for key in keys[:2]:
            yield dg.MaterializeResult(key, metadata={"rows": 7}, data_version=dg.DataVersion("1"))
            yield dg.AssetCheckResult(asset_key=key, check_name="landed", passed=True)
            yield dg.AssetCheckResult(asset_key=key, check_name="believable", passed=key != keys[0])
        yield dg.AssetCheckResult(asset_key=keys[2], check_name="landed", passed=False)
        # As where checks are executed without a partition: nothing was planned for it.
        yield AssetCheckEvaluation(keys[2], "believable", passed=True, metadata={}, partition="2025-03-09")

    definitions = dg.Definitions(assets=[bronze], jobs=[dg.define_asset_job("bronze_job", selection="*")])
    return definitions.resolve_job_def("bronze_job")


def instance(folder: Path, storage: type[SqliteEventLogStorage]) -> dg.DagsterInstance:
    folder.mkdir()
    block = {"module": storage.__module__, "class": storage.__name__, "config": {"base_dir": str(folder / "events")}}
    return dg.DagsterInstance.from_ref(
        InstanceRef.from_dir(str(folder), overrides={"event_log_storage": block, "telemetry": {"enabled": False}})
    )


def contents(events: Path) -> dict[str, dict[str, list[tuple[Any, ...]]]]:
    """Every row of every database."""
    found: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
    for path in events.glob("*.db"):
        with sqlite3.connect(path) as database:
            found[path.stem] = {
                table: sorted(database.execute(f"SELECT {columns} FROM {table}"), key=repr)
                for table, columns in STORED.items()
            }
    return found


@pytest.fixture
def batching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")


@pytest.mark.usefixtures("batching")
def test_the_events_of_real_runs_are_stored_row_by_row_as_dagster_stores_them(tmp_path: Path) -> None:
    with instance(tmp_path / "dagster", SqliteEventLogStorage) as own:
        runs = [job().execute_in_process(instance=own, partition_key=day).run_id for day in ("2025-03-09", DAY)]
        entries = [list(own.all_logs(run_id)) for run_id in runs]
    ours = PooledSqliteEventLogStorage(str(tmp_path / "ours"))
    for of_run in entries:
        planned = [entry for entry in of_run if entry.is_dagster_event and "PLANNED" in str(entry.dagster_event_type)]
        assert len(planned) == len(TABLES) * (1 + len(CHECKS))
        assert of_run[: len(planned)] == planned
        ours.store_event_batch(planned)
        for entry in of_run[len(planned) :]:
            ours.store_event(entry)
    ours.dispose()

    expected, found = contents(tmp_path / "dagster" / "events"), contents(tmp_path / "ours")
    assert set(found) == set(expected) == {"index", *runs}
    assert found == expected
    assert all(expected["index"].values())


def schema(path: Path) -> tuple[Any, ...]:
    """What a database is made of, whichever order it was made in, and the migration that it is at."""
    with sqlite3.connect(path) as database:
        made = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        version = database.execute("SELECT version_num FROM alembic_version").fetchall()
        return set(made), version, database.execute("PRAGMA journal_mode").fetchall()


def test_the_database_of_a_run_is_made_as_dagster_makes_it_without_its_migrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = []
    for storage in (SqliteEventLogStorage, PooledSqliteEventLogStorage):
        made = storage(str(tmp_path / storage.__name__))
        with monkeypatch.context() as patch:
            if storage is PooledSqliteEventLogStorage:
                patch.delattr(SqliteEventLogStorage, "_initdb")
            made.store_event(materialized("run", range(1))[0])
        made.dispose()
        schemas += [schema(tmp_path / storage.__name__ / name) for name in ("index.db", "run.db")]
    own, *others = schemas
    assert len(own[0]) > len(STORED)
    assert others == [own] * 3


@pytest.mark.parametrize(
    ("database", "statement"),
    [("index", "DROP TABLE alembic_version"), ("run", "DELETE FROM alembic_version")],
    ids=["an index that does not say how", "begun and not finished"],
)
def test_what_another_has_begun_is_finished_as_dagster_does(tmp_path: Path, database: str, statement: str) -> None:
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    expected = schema(tmp_path / "index.db")
    if database == "run":
        storage.store_event(materialized("run", range(1))[0])
    with sqlite3.connect(tmp_path / f"{database}.db") as connection:
        connection.execute(statement)
    storage.dispose()
    again = PooledSqliteEventLogStorage(str(tmp_path))
    again.store_event(materialized("run", range(1))[0])
    assert schema(tmp_path / "run.db") == expected
    again.dispose()


@pytest.mark.usefixtures("batching")
def test_a_real_run_leaves_the_same_history_behind_as_with_dagsters_own_storage(tmp_path: Path) -> None:
    told = []
    for storage in (SqliteEventLogStorage, PooledSqliteEventLogStorage):
        with instance(tmp_path / storage.__name__, storage) as made:
            assert isinstance(made.event_log_storage, storage)
            for day in ("2025-03-09", DAY):
                run = job().execute_in_process(instance=made, partition_key=day)
            told.append(history(made, run.run_id))
    assert told[0] == told[1]
    assert told[1]["store", "believable"] == [
        (AssetCheckExecutionRecordStatus.FAILED, DAY),
        (AssetCheckExecutionRecordStatus.FAILED, "2025-03-09"),
    ]


def history(made: dg.DagsterInstance, run_id: str) -> dict[Any, Any]:
    """What people see of a run: its events in order, materializations, the history of each check."""
    found: dict[Any, Any] = {"events": [entry.dagster_event_type for entry in made.all_logs(run_id)]}
    for name in TABLES:
        key = dg.AssetKey(["bronze", name])
        records = made.fetch_materializations(key, limit=10).records
        found[name] = [(each.partition_key, each.asset_materialization.metadata) for each in records]  # type: ignore[union-attr]
        for check in CHECKS:
            executions = made.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(key, check), limit=10
            )
            found[name, check] = [(each.status, each.partition) for each in executions]
    return found


def materialized(run_id: str, numbers: range) -> list[EventLogEntry]:
    made = []
    for number in numbers:
        key = dg.AssetKey(["bronze", f"table_{number}"])
        event = DagsterEvent(
            event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
            job_name="job",
            event_specific_data=StepMaterializationData(dg.AssetMaterialization(key, partition=DAY)),
        )
        made.append(
            EventLogEntry(
                error_info=None,
                level=10,
                user_message="",
                run_id=run_id,
                timestamp=1_741_000_000.0 + number,
                step_key=None,
                job_name="job",
                dagster_event=event,
            )
        )
    return made


WRITER = """
import sys
from radar_pipeline.orchestration.event_log import PooledSqliteEventLogStorage
from radar_pipeline_tests.orchestration.test_event_log import materialized
folder, run_id = sys.argv[1:]
storage = PooledSqliteEventLogStorage(folder)
for first in range(0, 120, 20):
    entries = materialized(run_id, range(first, first + 20))
    storage.store_event_batch(entries[:10])
    for entry in entries[10:]:
        storage.store_event(entry)
"""


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    PooledSqliteEventLogStorage(str(tmp_path)).dispose()
    runs = [str(uuid.uuid4()), str(uuid.uuid4())]
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, run], cwd=PROJECT, stderr=subprocess.PIPE, text=True) for run in runs]
    assert [(writer.communicate(timeout=120)[1], writer.returncode) for writer in writers] == [("", 0), ("", 0)]

    found = contents(tmp_path)
    assert [len(found[run]["event_logs"]) for run in runs] == [120, 120]
    assert len(found["index"]["event_logs"]) == 240
    assert len(found["index"]["asset_keys"]) == 120


def test_the_database_of_one_run_can_be_made_by_several_at_once(tmp_path: Path) -> None:
    storages = [PooledSqliteEventLogStorage(str(tmp_path)) for _ in range(4)]
    together = threading.Barrier(len(storages))

    def store(number: int, run_id: str) -> None:
        together.wait()
        storages[number].store_event(materialized(run_id, range(number, number + 1))[0])

    runs = [f"run-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(storages)) as pool:
        for run_id in runs:
            list(pool.map(store, range(len(storages)), [run_id] * len(storages)))
    for storage in storages:
        storage.dispose()
    found = contents(tmp_path)
    assert [len(found[run]["event_logs"]) for run in runs] == [len(storages)] * len(runs)
    assert {repr(schema(tmp_path / f"{run}.db")[1:]) for run in runs} == {repr(schema(tmp_path / "index.db")[1:])}


def test_a_batch_that_fails_leaves_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    run_id = str(uuid.uuid4())
    entries = materialized(run_id, range(5))
    store, calls = storage._store_asset_event, []

    def failing(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 4:
            raise OSError("the disk is full")
        store(*args)

    monkeypatch.setattr(storage, "_store_asset_event", failing)
    with pytest.raises(OSError, match="the disk is full"):
        storage.store_event_batch(entries)
    assert not any(rows for tables in contents(tmp_path).values() for rows in tables.values())

    monkeypatch.undo()
    storage.store_event_batch(entries)
    assert len(contents(tmp_path)["index"]["asset_keys"]) == 5


def test_many_runs_do_not_exhaust_file_handles(tmp_path: Path) -> None:
    def handles() -> int:
        return sum(str(tmp_path) in opened.path for opened in psutil.Process().open_files())

    storage = PooledSqliteEventLogStorage(str(tmp_path))
    for _ in range(3 * MAX_ENGINES):
        storage.store_event(materialized(str(uuid.uuid4()), range(1))[0])
    # The database, its write-ahead log and the index of that, for each.
    assert MAX_ENGINES <= handles() <= 3 * MAX_ENGINES
    storage.dispose()
    assert handles() == 0
