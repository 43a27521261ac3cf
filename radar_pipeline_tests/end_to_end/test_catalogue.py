"""The catalogue end to end: a day that landed is registered and counted, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from dagster._core.event_api import PartitionKeyFilter

from radar_pipeline.build import build_definitions
from radar_pipeline.cli.catalogue_told import CatalogueTold, read_catalogue, register
from radar_pipeline.cli.main import main
from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.model import Mark, catalogue_name
from radar_pipeline.lake.catalogue.cataloguing import drop_days, mark_days
from radar_pipeline.lake.catalogue.glue import GlueCatalogue
from radar_pipeline.orchestration.catalogue.checks import CATALOGUED, ROWS_AGREE
from radar_pipeline.orchestration.catalogue.day import look_at_day, register_day
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB, RECONCILE_JOB
from radar_pipeline.orchestration.keys import CATALOGUE_KEY, DRIFT_KEY, bronze_key
from radar_pipeline_tests.aws_proxy import AwsProxy, Seen, aws_proxy, json_error
from radar_pipeline_tests.end_to_end.proof import EMPTY, tables
from radar_pipeline_tests.end_to_end.watched import Watched
from radar_pipeline_tests.end_to_end.world import NEW, World

pytestmark = pytest.mark.e2e

WRITES = ("CreatePartition", "UpdatePartition", "CreateTable", "UpdateTable", "CreateDatabase")


@pytest.fixture
def without_a_past() -> None:
    """Most of these tests live on one day, which is what the ledger knows."""


@pytest.fixture(scope="module")
def landed_once(world: World) -> dt.date:
    """A day that landed, for all tests that need no more of it than that."""
    day = world.new_day()
    assert world.run(day).success
    return day


@pytest.fixture
def landed(world: World, landed_once: dt.date) -> dt.date:
    """A day that landed and of which the catalogue knows nothing."""
    for name in world.registry.names:
        assert not drop_days(glue_of(world), name, [landed_once])
    return landed_once


def glue_of(world: World) -> GlueCatalogue:
    return world.platform.systems.glue


def registered(world: World, day: dt.date) -> dict[str, int]:
    """Rows that the catalogue notes of a day, by table; Athena would find files that nobody registered too."""
    glue = glue_of(world)
    found = {name: glue.partitions_of(catalogue_name(name), [day]).get(day) for name in world.registry.names}
    return {name: int(partition.parameters["radar.rows"]) for name, partition in found.items() if partition}


def checks(world: World, name: str, day: dt.date) -> dict[str, Any]:
    """The newest evaluation of a check on a day, by table."""
    keys = {dg.AssetCheckKey(bronze_key(table), name): table.name for table in world.registry.tables}
    storage = world.instance.event_log_storage
    found = storage.get_latest_asset_check_execution_by_key(list(keys), PartitionKeyFilter(key=day.isoformat()))
    events = {keys[key]: record.event for key, record in found.items() if record.event}
    return {
        name: event.dagster_event.asset_check_evaluation_data
        for name, event in events.items()
        if event.dagster_event and event.dagster_event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    }


def failed(evaluations: dict[str, Any]) -> dict[str, str]:
    return {name: each.description for name, each in evaluations.items() if not each.passed}


@contextmanager
def before_glue(world: World) -> Iterator[tuple[World, AwsProxy]]:
    """The world with a proxy before its Glue."""
    with aws_proxy(str(world.settings.glue_endpoint_url).rstrip("/")) as proxy:
        yield replace(world, settings=world.settings.model_copy(update={"glue_endpoint_url": proxy.url})), proxy


def radar(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


@NEW
def test_what_landed_is_registered_checked_and_counted_and_a_second_time_writes_nothing(world: World) -> None:
    day = world.new_day()
    assert world.run(day).success
    assert registered(world, day) == {}
    with before_glue(world) as (seen, proxy):
        assert seen.register(day) == (True, None)
        full = tables(world) - {EMPTY}
        rows = {table.table: table.rows for table in world.run(day).status.tables if table.table in full}
        assert registered(world, day) == rows
        assert set(checks(world, CATALOGUED, day)) == tables(world)
        counted = checks(world, ROWS_AGREE, day)
        assert set(counted) == {table.name for table in world.registry.tables if table.critical}
        assert failed(checks(world, CATALOGUED, day)) == failed(counted) == {}
        assert all(each.metadata["athena_rows"].value == rows[name] for name, each in counted.items())
        written = sum(proxy.count("POST", verb) for verb in WRITES)
        assert written >= len(full)
        assert seen.register(day) == (True, None)
        assert sum(proxy.count("POST", verb) for verb in WRITES) == written
    wanted = dg.AssetRecordsFilter(CATALOGUE_KEY, asset_partitions=[day.isoformat()])
    newest = world.instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
    assert newest is not None
    numbers = {name: newest.metadata[name].value for name in ("registered", "not_registered", "not_proven", "written")}
    assert numbers == {"registered": len(tables(world)), "not_registered": 0, "not_proven": 0, "written": 0}


@NEW
@pytest.mark.parametrize("point", ["registering", "registered"])
def test_a_killed_registration_is_run_again_and_ends_the_same(world: World, landed: dt.date, point: str) -> None:
    day = landed
    killed = world.start_process(day, RADAR_TEST_JOB=CATALOGUE_JOB, RADAR_TEST_KILL_AT=point)
    said = killed.end(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said
    left = len(registered(world, day))
    assert left < len(tables(world)) - 1 if point == "registering" else left == len(tables(world)) - 1
    assert world.register(day) == (True, None)
    assert set(registered(world, day)) == tables(world) - {EMPTY}
    assert failed(checks(world, CATALOGUED, day)) == {}


@NEW
@pytest.mark.parametrize(
    ("code", "words"),
    [("AccessDeniedException", "Grant the rights on Glue"), ("UnrecognizedClientException", "access keys")],
)
def test_glue_that_refuses_is_told_as_a_job_and_never_as_a_day(
    world: World, landed: dt.date, tmp_path: Path, code: str, words: str
) -> None:
    day = landed
    watched = Watched(world, tmp_path / "alerts")
    watched.begin()
    with before_glue(world) as (denied, proxy):
        proxy.rules.append(lambda seen: json_error(400, code) if "AWSGlue" in seen.target else None)
        success, failure = denied.register(day, alerts_folder=tmp_path / "alerts")
    assert not success
    assert failure
    assert words in failure or words in str(failure)
    watched.tick()
    job = f"job/{CATALOGUE_JOB}"
    assert opened(watched) == {job}
    assert world.register(day, alerts_folder=tmp_path / "alerts") == (True, None)
    watched.tick()
    assert opened(watched) == set()


@NEW
def test_what_radar_run_says_of_the_catalogue_and_when_it_is_not_well(world: World, landed: dt.date) -> None:
    def told(**settings: Any) -> CatalogueTold:
        platform = replace(world.platform, settings=world.settings.model_copy(update=settings))
        found = register(platform, world.instance, landed, quiet=True)
        assert found
        return found

    count, critical = len(tables(world)), sum(table.critical for table in world.registry.tables)
    well = f"catalogue: {count - 1} of {count} tables registered, 1 without rows"
    counted = f"; Athena counts the proven rows of {critical} of {critical} critical tables"
    assert told() == CatalogueTold(well + counted, is_well=True)
    assert read_catalogue(world.instance, world.registry, landed) == told()
    away = told(athena_endpoint_url="http://127.0.0.1:9")
    assert away.is_well, "what is registered is well, whether Athena can be asked or not"
    assert away.words.startswith(f"{well}; Athena could not be asked about")
    refused = told(glue_endpoint_url="http://127.0.0.1:9")
    assert not refused.is_well
    assert f"{landed} is not registered" in refused.words
    assert "RADAR_GLUE_ENDPOINT_URL" in refused.words
    # A file that vanished after it was proven: the day is registered, and Athena counts fewer rows.
    lake = world.platform.systems.lake
    (key,) = world.data_keys("store", landed)
    body = lake.read(key)
    lake.delete(key)
    try:
        lost = told()
    finally:
        lake.put(key, body)
    assert not lost.is_well
    assert "not store" in lost.words
    off = replace(world.platform, settings=world.settings.model_copy(update={"catalogue": "off"}))
    assert register(off, world.instance, landed, quiet=True) is None


def opened(watched: Watched) -> set[str]:
    with watched.alerting.office(watched.world.instance) as office:
        return set(office.centre.open_fingerprints())


@NEW
def test_one_table_that_glue_refuses_is_named_told_and_ends_with_the_run_that_registers_it(
    world: World, landed: dt.date, tmp_path: Path
) -> None:
    day = landed
    watched = Watched(world, tmp_path / "alerts")
    watched.begin()

    def refuse(seen: Seen) -> Any:
        is_about_store = b'"TableName": "store"' in seen.body or b'"Name": "store"' in seen.body
        return json_error(400, "AccessDeniedException") if is_about_store and "BatchCreate" in seen.target else None

    with before_glue(world) as (denied, proxy):
        proxy.rules.append(refuse)
        assert denied.register(day, alerts_folder=tmp_path / "alerts") == (True, None)
    assert set(registered(world, day)) == tables(world) - {EMPTY, "store"}
    found = checks(world, CATALOGUED, day)
    assert set(failed(found)) == {"store"}
    assert found["store"].severity is dg.AssetCheckSeverity.ERROR
    assert "radar catalog repair --apply" in found["store"].description
    # What Athena counts locally knows no catalogue, so that check says nothing of it here.
    watched.tick()
    assert opened(watched) == {f"catalogue/bronze_radar/{day}"}
    (alert,) = (each for each in open_alerts(watched))
    assert [table.name for table in alert.tables] == ["store"]
    assert world.register(day, alerts_folder=tmp_path / "alerts") == (True, None)
    watched.tick()
    assert opened(watched) == set()


def open_alerts(watched: Watched) -> tuple[Any, ...]:
    with watched.alerting.office(watched.world.instance) as office:
        return office.centre.open_alerts()


@NEW
def test_a_damaged_record_of_the_ledger_is_named_with_the_tables_that_it_may_have_proven(
    world: World, landed: dt.date
) -> None:
    systems, said = world.platform.systems, list[str]()
    folder = systems.layout.ledger_folder(landed)
    records = {each.key: systems.lake.read(each.key) for each in systems.lake.list_objects(folder)}
    judged = [key for key, body in records.items() if b'"store"' in body and b'"judgements"' in body]
    assert judged
    try:
        for key in judged:
            systems.lake.put(key, records[key][:-20])
        report = register_day(systems, landed, said.append)
        found = look_at_day(systems, landed, ["store"], said.append)
    finally:
        for key in judged:
            systems.lake.put(key, records[key])
    assert "store" in report.unproven
    assert found == {}
    for key in judged:
        told = [line for line in said if key in line]
        assert len(told) == 2
        assert all("store" in line for line in told)


@NEW
def test_what_athena_counts_of_some_tables_neither_tells_nor_ends_what_is_told_of_a_day(
    world: World, landed: dt.date, tmp_path: Path
) -> None:
    day, alerts = landed, tmp_path / "alerts"
    assert world.register(day) == (True, None)
    platform = replace(world.platform, settings=world.settings.model_copy(update={"alerts_folder": alerts}))
    watched = Watched(world, alerts)
    watched.begin()

    def count(*names: str) -> None:
        keys = [dg.AssetCheckKey(bronze_key(world.registry[name]), ROWS_AGREE) for name in names]
        executed = platform.execute(CATALOGUE_JOB, world.instance, day, lambda _line: None, checks=keys)
        assert executed == (True, None)
        watched.tick()

    critical = [table.name for table in world.registry.tables if table.critical]
    others = [name for name in critical if name != "store"]
    lake = world.platform.systems.lake
    (key,) = world.data_keys("store", day)
    extra = f"{key.removesuffix('.parquet')}_more.parquet"
    lake.put(extra, lake.read(key))
    try:
        count("store")
        assert set(failed(checks(world, ROWS_AGREE, day))) == {"store"}
        assert opened(watched) == set(), "whoever asks of one table sees the answer there"
        count(*critical)
        assert opened(watched) == {f"athena/bronze_radar/{day}"}
        count(*others)
        assert opened(watched) == {f"athena/bronze_radar/{day}"}
    finally:
        lake.delete(extra)
    count(*critical)
    assert opened(watched) == set()


@NEW
def test_a_day_with_files_that_nobody_proved_is_not_registered_until_it_is_proven(
    world: World, landed: dt.date
) -> None:
    day = landed
    lake = world.platform.systems.lake
    (key,) = world.data_keys("login", day)
    extra = f"{key.removesuffix('.parquet')}_more.parquet"
    lake.put(extra, lake.read(key))
    assert world.register(day) == (True, None)
    assert set(registered(world, day)) == tables(world) - {EMPTY, "login"}
    assert f"radar run --date {day}" in failed(checks(world, CATALOGUED, day))["login"]
    lake.delete(extra)
    assert world.register(day) == (True, None)
    assert set(registered(world, day)) == tables(world) - {EMPTY}


def drift(world: World, day: dt.date, *arguments: str) -> list[tuple[str, str, str, str | None]]:
    """What the command finds amiss of one day: the world holds other tests' days too."""
    offset = {"RADAR_ALERTS_DIR": str(Path(world.instance.root_directory) / "alerts")}
    result = radar("catalog", *arguments, "--json", **offset)
    assert result.exit_code in {0, 1}, result.output
    found = [each for each in json.loads(result.stdout)["findings"] if each["day"] == day.isoformat()]
    return sorted((each["table"], each["kind"], each["where"], each["remedy"]) for each in found)


@NEW
def test_drift_made_by_hand_is_found_told_mended_and_then_nothing_is_found(
    world: World, landed: dt.date, tmp_path: Path
) -> None:
    day = landed
    # A table of which nothing else is listed is left alone: a wrong bucket looks the same.
    assert world.run(world.new_day()).success
    assert world.register(day) == (True, None)
    assert drift(world, day, "diff") == []
    glue, systems = glue_of(world), world.platform.systems
    glue.delete_partitions("store", [day])
    wrong = glue.partitions_of("menu", [day])[day]
    glue.put_partitions("menu", [replace(wrong, location="s3://elsewhere/menu/")], known=True)
    (key,) = world.data_keys("login", day)
    body = systems.lake.read(key)
    systems.lake.delete(key)
    mark_days(glue, "contest_score", {day: Mark(StorageClass.GLACIER)})
    found = [
        ("contest_score", "wrong", "glue", "mark"),
        ("login", "missing", "lake", None),
        ("login", "orphaned", "glue", "drop"),
        ("menu", "wrong", "glue", "register"),
        ("store", "missing", "glue", "register"),
    ]
    assert drift(world, day, "diff") == found
    assert drift(world, day, "repair") == found, "a plan changes nothing"
    looked = ["store", "menu", "contest_score"]
    keys = [dg.AssetCheckKey(bronze_key(world.registry[name]), CATALOGUED) for name in looked]
    executed = world.platform.execute(CATALOGUE_JOB, world.instance, day, lambda _line: None, checks=keys)
    assert executed == (True, None)
    assert {name: each.passed for name, each in checks(world, CATALOGUED, day).items() if name in looked} == {
        "store": False,
        "menu": False,
        "contest_score": True,
    }
    assert "store" not in registered(world, day), "neither does a check that is executed by itself"

    watched = Watched(world, tmp_path / "alerts")
    watched.begin()
    reconcile(world, tmp_path / "alerts")
    assert opened(watched) == {"catalogue/bronze_radar"}
    newest = world.instance.get_latest_materialization_event(DRIFT_KEY)
    assert newest is not None
    assert newest.asset_materialization is not None
    shown = newest.asset_materialization.metadata["table"]
    assert isinstance(shown, dg.TableMetadataValue)
    of_day = [each.data for each in shown.records if each.data["day"] == day.isoformat()]
    told = {(each["table"], each["where"]) for each in of_day}
    assert told == {(table, where) for table, _, where, remedy in found if remedy != "mark"}, "marks are set on the way"

    assert drift(world, day, "repair", "--apply") == [("login", "missing", "lake", None)]
    assert "store" in registered(world, day)
    assert "login" not in registered(world, day)
    systems.lake.put(key, body)
    assert drift(world, day, "diff") == [("login", "missing", "glue", "register")]
    assert drift(world, day, "repair", "--apply") == []
    assert set(registered(world, day)) == tables(world) - {EMPTY}


def reconcile(world: World, alerts: Path) -> None:
    settings = world.settings.model_copy(update={"alerts_folder": alerts})
    platform = replace(world.platform, settings=settings)
    job = build_definitions(settings, registry=world.registry, clock=platform.clock).resolve_job_def(RECONCILE_JOB)
    assert job.execute_in_process(instance=world.instance).success


@NEW
def test_a_query_is_answered_and_archived_days_that_it_touches_are_named_first(world: World, landed: dt.date) -> None:
    day = landed
    assert world.register(day) == (True, None)
    rows = world.source_rows()["menu"]
    sql = f"SELECT count(*) AS n FROM menu WHERE cog_dt_ingestion = '{day}'"
    plain = radar("query", sql, "--json")
    assert plain.exit_code == 0, plain.output
    assert json.loads(plain.stdout) == [{"n": str(rows)}]
    assert "warning" not in plain.stderr
    mark_days(glue_of(world), "menu", {day: Mark(StorageClass.GLACIER)})
    warned = radar("query", sql, "--csv")
    assert warned.stdout.splitlines() == ["n", str(rows)]
    assert f"menu: 1 day is archived ({day})" in warned.stderr
    assert f"radar restore menu --from {day} --to {day}" in warned.stderr
    elsewhere = radar("query", f"SELECT 1 FROM menu WHERE cog_dt_ingestion > '{day}'", "--json")
    assert "warning" not in elsewhere.stderr
    glue = glue_of(world).glue
    view = {"Name": "all_menus", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "/* Presto View: e30= */"}
    glue.create_table(DatabaseName="bronze_radar", TableInput=view)
    try:
        seen = radar("query", "SELECT 1 FROM all_menus")
        compared = json.loads(radar("catalog", "diff", "--json").stdout)["findings"]
    finally:
        glue.delete_table(DatabaseName="bronze_radar", Name="all_menus")
    assert "warning: all_menus is a view" in seen.stderr
    assert f"menu: 1 day is archived ({day})" in seen.stderr
    assert not [each for each in compared if each["table"] == "all_menus"]
    wrong = radar("query", "SELECT nothing FROM nowhere")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("error: Athena: the query ended FAILED")
    assert len(wrong.stderr.splitlines()) == 1


@NEW
def test_the_crawler_is_awaited_and_what_it_left_is_compared_with_what_landed(
    world: World, landed: dt.date, tmp_path: Path
) -> None:
    day = landed
    glue = glue_of(world).glue
    name = "crawler-bronze-radar"
    glue.create_crawler(
        Name=name, Role="any", DatabaseName="bronze_radar", Targets={"S3Targets": [{"Path": "s3://b/"}]}
    )
    settings = world.settings.model_copy(update={"catalogue": "crawler"})
    systems = replace(world.platform, settings=settings).systems
    try:
        # The local crawler says SUCCEEDED and registers nothing: that is what a comparison is for.
        crawled = register_day(systems, day, lambda _line: None, poll=0.3)
        assert world.register(day, catalogue="crawler", alerts_folder=tmp_path / "alerts") == (True, None)
        found = failed(checks(world, CATALOGUED, day))
        assert set(found) == tables(world) - {EMPTY}, "in Dagster too: awaited, compared, and each table red"
        assert found["store"].startswith(crawled.failed["store"])
        assert registered(world, day) == {}
        assert world.register(day, catalogue="both", alerts_folder=tmp_path / "alerts") == (True, None)
        assert failed(checks(world, CATALOGUED, day)) == {}
    finally:
        glue.delete_crawler(Name=name)
    assert crawled.crawl
    assert crawled.crawl.status == "SUCCEEDED"
    assert set(crawled.failed) == tables(world) - {EMPTY}
    without = radar("check-config", RADAR_CATALOGUE="off")
    assert "RADAR_CATALOGUE is off" in without.stdout
    assert radar("catalog", "diff", RADAR_CATALOGUE="off").exit_code == 2
