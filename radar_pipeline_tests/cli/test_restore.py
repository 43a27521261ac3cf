"""`radar restore` as a person types it, against a real S3, a real Glue and a real Dagster instance."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from radar_pipeline.cli import platform as cli_platform
from radar_pipeline.cli.main import main
from radar_pipeline.domain.aging.restoring import copy_expires_at
from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.model import mark_of
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue.cataloguing import publish_day
from radar_pipeline.lake.catalogue.glue import GlueCatalogue, GlueConfig
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline.settings import Settings
from radar_pipeline_tests.aws_proxy import AwsProxy, access_denied, aws_proxy, json_error
from radar_pipeline_tests.lake.samples import new_table, parquet
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

FIRST, SECOND = dt.date(2026, 3, 1), dt.date(2026, 3, 2)
LAYOUT = BronzeLayout("origin=airbyte/database=bronze_radar")
NOTHING_SET = dict.fromkeys(str(field.validation_alias) for field in Settings.model_fields.values())

Radar = Callable[..., Result]


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[AwsProxy]:
    with aws_proxy(s3.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def environment(s3: S3Server, bucket: str, proxy: AwsProxy, tmp_path: Path) -> dict[str, str | None]:
    return {
        **NOTHING_SET,
        "RADAR_ENV": "local",
        "S3_BUCKET_NAME": bucket,
        "AWS_DEFAULT_REGION": s3.region,
        "FARMARCAS_AWS_ACCESS_KEY_ID": s3.access_key_id,
        "FARMARCAS_AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
        "RADAR_S3_ENDPOINT_URL": proxy.url,
        "RADAR_GLUE_ENDPOINT_URL": proxy.url,
        "RADAR_GLUE_DATABASE": bucket.replace("-", "_"),
        "DAGSTER_HOME": str(tmp_path),
    }


@pytest.fixture
def store(s3: S3Server, bucket: str) -> LakeStore:
    return LakeStore(LakeConfig(bucket, **s3.reach))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def radar(
    environment: dict[str, str | None], instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Radar:
    """The command in an environment of its own; `status` is what it has to end with."""

    @contextmanager
    def opened() -> Iterator[dg.DagsterInstance]:
        yield instance

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_platform, "dagster_instance", opened)

    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, ["restore", *arguments], env={**environment, "RADAR_ENV_FILE": None})
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result

    return run


def land(store: LakeStore, day: dt.date, tier: str, parts: int = 2) -> list[str]:
    keys = [f"{LAYOUT.folder('store', day)}file_store_part_{number}.parquet" for number in range(parts)]
    for key in keys:
        store.s3.put_object(Bucket=store.config.bucket, Key=key, Body=parquet(new_table(30)), StorageClass=tier)
    return keys


def in_glue(s3: S3Server, environment: dict[str, str | None]) -> GlueCatalogue:
    database = environment["RADAR_GLUE_DATABASE"] or ""
    return GlueCatalogue(GlueConfig(database, **s3.reach))


def test_days_are_estimated_first_then_brought_back_and_marked(
    radar: Radar,
    store: LakeStore,
    s3: S3Server,
    environment: dict[str, str | None],
    instance: dg.DagsterInstance,
    proxy: AwsProxy,
) -> None:
    glue = in_glue(s3, environment)
    for day in (FIRST, SECOND):
        land(store, day, "STANDARD")
        snapshot = Snapshot(read_folders(store, LAYOUT, ["store"], day)["store"].files)
        publish_day(glue, bucket=store.config.bucket, layout=LAYOUT, day=day, snapshots={"store": snapshot})
    land(store, FIRST, "GLACIER")

    span = ("store", "--from", "2026-03-01", "--to", "2026-03-02")
    estimate = radar(*span)
    assert "store from 2026-03-01 to 2026-03-02: 4 files of 2 days: 2 readable, 2 archived" in estimate.stdout
    assert "3 h to 5 h" in estimate.stdout
    assert "1 min to 5 min" in estimate.stdout
    assert "This is the estimate; nothing was started. Add --yes to start." in estimate.stdout
    document = json.loads(radar(*span, "--json", "--days", "30").stdout)
    assert (document["started"], document["to_start"], document["objects"]["archived"]) == (False, 2, 2)
    costs = {tier: each["usd"] for tier, each in document["estimates"].items()}
    assert 0 < costs["bulk"] < costs["standard"] < costs["expedited"]
    assert proxy.count("POST", "?restore") == 0

    started = json.loads(radar(*span, "--yes", "--no-wait", "--json").stdout)
    assert (started["started"], started["readable"]) == (True, False)
    assert [day["under_way"] for day in started["report"]] == [2, 0]

    done = radar(*span)
    assert "2 readable, 2 being restored" in done.stdout
    assert "4 of 4 files can be read" in done.stderr
    assert "2 of 2 days can be read" in done.stdout
    assert proxy.count("POST", "?restore") == 2

    ends = copy_expires_at(dt.datetime.now(dt.UTC), 7)
    partitions = glue.partitions("store")
    mark = mark_of(partitions[FIRST])
    assert mark is not None
    assert (mark.tier, mark.readable_until) == (StorageClass.GLACIER, ends)
    (observed,) = instance.fetch_observations(dg.AssetKey(["bronze_radar", "store"]), limit=5).records
    assert observed.partition_key == "2026-03-01"
    seen = observed.asset_observation
    assert seen is not None
    assert {name: value.value for name, value in seen.metadata.items()} == {
        "tier": "GLACIER",
        "readable_until": ends.isoformat(),
    }

    proxy.rules.append(lambda seen: json_error(400, "AccessDeniedException") if "Glue" in seen.target else None)
    again = radar(*span, status=1)
    assert "Nothing has to be asked for." in again.stdout
    assert "2 of 2 days can be read" in again.stdout
    assert "the days could not be marked in Glue" in again.stderr
    proxy.rules.clear()
    longer = radar(*span, "--extend", "--days", "30", "--yes")
    assert "2 copies that are there already would live longer" in longer.stdout
    assert f"{copy_expires_at(dt.datetime.now(dt.UTC), 30):%Y-%m-%d %H:%M} UTC" in longer.stdout
    assert proxy.count("POST", "?restore") == 4


def test_what_needs_no_restore_and_what_cannot_be_done_is_said(radar: Radar, store: LakeStore) -> None:
    land(store, FIRST, "STANDARD_IA")
    land(store, SECOND, "DEEP_ARCHIVE", parts=1)
    hot = radar("store", "--from", "2026-03-01", "--yes")
    assert "nothing of store is archived on 2026-03-01: all 2 files of 1 day can be read as they are" in hot.stdout
    assert "nothing of store lies in the bucket on 2026-02-01" in radar("store", "--from", "2026-02-01").stdout
    deep = radar("store", "--from", "2026-03-02", "--tier", "expedited", "--yes", status=2)
    assert "error: 1 of the files lies in DEEP_ARCHIVE, from which S3 offers no expedited retrieval" in deep.stderr
    assert "take --tier standard or --tier bulk" in deep.stderr

    for arguments, words in (
        (("stoer", "--from", "2026-03-01"), "'stoer' is no table of the registry"),
        (("store", "--from", "2026-03-02", "--to", "2026-03-01"), "--from 2026-03-02 is after --to 2026-03-01"),
        (("store", "--from", "2999-01-01"), "--from 2999-01-01 has not begun"),
        (("store", "--from", "2026-03-01", "--to", "2999-01-01"), "--to 2999-01-01 has not begun"),
        (("store", "--from", "first of March"), "write it as YYYY-MM-DD"),
        (("store", "--from", "20260301"), "write it as YYYY-MM-DD"),
        (("store", "--from", "2026-03-01", "--days", "0"), "1<=x<=365"),
        (("store", "--from", "2026-03-01", "--tier", "soon"), "'soon' is not one of"),
    ):
        assert words in radar(*arguments, status=2).stderr


def test_what_could_not_be_asked_for_is_named_and_the_others_are_brought_back(
    radar: Radar, store: LakeStore, proxy: AwsProxy
) -> None:
    refused, _ = land(store, FIRST, "GLACIER")
    proxy.rules.append(lambda seen: access_denied() if seen.path.endswith("part_0.parquet?restore") else None)
    result = radar("store", "--from", "2026-03-01", "--yes", status=1)
    assert f"cannot restore {refused}" in result.stderr
    assert "check the IAM policy" in result.stderr
    assert "1 of 2 files can be read" in result.stderr
    # The catalogue knows nothing of this table: that there is nothing to mark is no problem.
    assert "Glue" not in result.stderr


def test_a_person_is_asked_and_may_go_away_while_s3_goes_on(
    environment: dict[str, str | None], store: LakeStore, proxy: AwsProxy, tmp_path: Path
) -> None:
    land(store, FIRST, "GLACIER")
    ours, theirs = pty.openpty()
    command = "from radar_pipeline.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "restore", "store", "--from", "2026-03-01"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env={
            **{name: value for name, value in environment.items() if value is not None},
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "TERM": "dumb",
            "COLUMNS": "200",
        },
    )
    os.close(theirs)
    told = _read(ours, until="Start?")
    assert proxy.count("POST", "?restore") == 0
    os.write(ours, b"y\n")
    told += _read(ours, until="0 of 2 files can be read, 2 on their way")
    process.send_signal(signal.SIGINT)
    told += _read(ours)
    os.close(ours)
    assert process.wait(timeout=30) == 2
    assert "interrupted; S3 goes on with what was asked for; the same command follows it" in " ".join(told.split())
    assert "Traceback" not in told
    assert proxy.count("POST", "?restore") == 2


def _read(terminal: int, until: str | None = None) -> str:
    told, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline and not (until and until.encode() in told):
        try:
            found = os.read(terminal, 4096)
        except OSError:
            break
        if not found:
            break
        told += found
    text = told.decode(errors="replace")
    assert until is None or until in text, text
    return text
