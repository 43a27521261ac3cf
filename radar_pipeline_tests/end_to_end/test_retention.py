"""Seven years of a lake on a real bucket, through the job and the command: what ages, what stays, what comes back."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from radar_pipeline.cli.main import main
from radar_pipeline.domain.aging.plan import Step
from radar_pipeline.domain.aging.tiers import SMALLEST_MOVED_BYTES, StorageClass
from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.catalogue.model import catalogue_name, mark_of
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.severity import Severity
from radar_pipeline.lake.aging.audit import Action, AuditEntry, Phase, read_audit
from radar_pipeline.lake.aging.holds import place_hold
from radar_pipeline.orchestration.aging.retention import Retention
from radar_pipeline.orchestration.aging.run import acting_alone
from radar_pipeline.orchestration.catalogue.day import register_day
from radar_pipeline.orchestration.keys import RETENTION_PLAN, RETENTION_RUN, bronze_key
from radar_pipeline_tests.aws_proxy import Answer, Seen, access_denied, aws_proxy
from radar_pipeline_tests.end_to_end.lifecycle import LARGE, SMALL, WIDE, Lake
from radar_pipeline_tests.servers import S3Server, configure_dagster

pytestmark = pytest.mark.e2e

STANDARD, IA, GLACIER = StorageClass.STANDARD, StorageClass.STANDARD_IA, StorageClass.GLACIER

# Every day that these tests land is over seven years old then.
SEVEN_YEARS = 2_600

Radar = Callable[..., str]


@pytest.fixture
def lake(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    home = tmp_path / "dagster"
    home.mkdir()
    configure_dagster(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        made = Lake(s3, tmp_path, instance)
        for name, value in made.process["env"].items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def radar(lake: Lake) -> Radar:
    """The command, in this process."""

    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["retention", *arguments])
        assert done.exit_code == status, done.output
        return str(done.stdout if status == 0 else done.output)

    return run


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    """Metadata of an asset; of its tables the rows."""
    (found,) = (each for each in result.asset_materializations_for_node("retention") if each.asset_key == key)
    return {
        name: [record.data for record in value.records] if isinstance(value, dg.TableMetadataValue) else value.value
        for name, value in found.metadata.items()
    }


def audited(lake: Lake, run_id: str) -> list[AuditEntry]:
    return [
        each for each in read_audit(lake.systems.lake, lake.systems.layout, run_id=run_id) if each.phase is Phase.DONE
    ]


def marks(lake: Lake, table: str) -> dict[int, StorageClass | None]:
    """The tier that Glue notes of each day, by how many days before the beginning it is of."""
    found = lake.systems.glue.partitions(catalogue_name(table))
    return {
        (lake.began - day).days: mark.tier if (mark := mark_of(partition)) else None for day, partition in found.items()
    }


def observed(lake: Lake, table: str, ago: int) -> list[Any]:
    """The tiers that a partition was observed in, newest first."""
    wanted = dg.AssetRecordsFilter(bronze_key(lake.registry[table]), asset_partitions=[lake.day(ago).isoformat()])
    records = lake.instance.fetch_observations(wanted, limit=10).records
    events = [event for record in records if (event := record.event_log_entry.dagster_event)]
    return [event.asset_observation_data.asset_observation.metadata["tier"].value for event in events]


def test_a_lake_ages_for_seven_years(lake: Lake, radar: Radar) -> None:
    lake.register(user_access={"hold": "case 12/2026"})
    for ago in (2, 1, 0):
        # The newest day of `store` was judged and not accepted: the one before it is the table's last good one.
        lake.land("store", lake.day(ago), accepted=ago != 0, old=ago == 2)
        lake.land("menu", lake.day(ago), size=SMALL)
        lake.land("contest_score", lake.day(ago))
        lake.land("user_access", lake.day(ago))
        register_day(lake.systems, lake.day(ago), lambda _line: None)
    systems, layout = lake.systems, lake.systems.layout
    quarantined = layout.quarantine_key(f"{layout.folder('store', lake.day(2))}file_store_part_9.parquet")
    systems.lake.put(quarantined, b"superseded")
    hold = json.loads(
        radar("hold", "contest_score", "--to", lake.day(2).isoformat(), "--reason", "case 7", "--by", "Ana", "--json")
    )
    assert hold["active"]

    # Day 31: STANDARD_IA, except for what is too small; superseded files leave the quarantine.
    first = lake.run(days=31)
    assert checks_of(first)["every_step_done"]
    for table in ("store", "contest_score", "user_access"):
        assert lake.tiers(table) == dict.fromkeys((2, 1, 0), IA)
    assert lake.tiers("menu") == dict.fromkeys((2, 1, 0), STANDARD)
    assert systems.lake.head(quarantined) is None
    assert marks(lake, "store") == dict.fromkeys((2, 1, 0), IA)
    assert metadata_of(first, RETENTION_RUN)["objects_done_move"] == 9
    after = lake.versions()
    assert metadata_of(lake.run(days=31), RETENTION_RUN)["objects_done_move"] == 0
    assert lake.versions() == after

    # Day 93: GLACIER, marked where readers look; small files stay readable.
    assert lake.run(days=93).success
    assert lake.tiers("store") == dict.fromkeys((2, 1, 0), GLACIER)
    assert lake.tiers("menu") == dict.fromkeys((2, 1, 0), STANDARD)
    assert marks(lake, "store") == dict.fromkeys((2, 1, 0), GLACIER)
    assert set(marks(lake, "menu").values()) <= {None, STANDARD}
    assert observed(lake, "store", 1) == ["GLACIER", "STANDARD_IA"]

    # Somebody uploads a file into an old day: it follows at once, and the day stays marked.
    layout = lake.systems.layout
    late = f"{layout.folder('store', lake.day(1))}file_store_part_1.parquet"
    lake.systems.lake.put(late, os.urandom(LARGE))
    assert lake.run(days=120).success
    assert lake.objects("store")[late].tier is GLACIER

    # Day 2600: everything is due at once, which is more than the bounds allow.
    before = lake.versions()
    stopped = lake.run(days=SEVEN_YEARS)
    assert checks_of(stopped)["deletions_within_bounds"] is False
    assert lake.versions() == before
    alert = lake.open_alerts()[f"retention/{lake.settings.bucket}"]
    assert (alert.kind, alert.severity) == (AlertKind.RETENTION_STOPPED, Severity.ERROR)
    planned = json.loads(radar("plan", "--as-of", lake.as_of(SEVEN_YEARS), "--json", status=1))
    doomed = {step["key"] for step in planned["steps"] if step["step"] == "delete"}
    assert doomed == {
        *(key for key in lake.objects("store") if layout.day_of(key) != lake.day(1)),
        *(key for key in lake.objects("menu") if layout.day_of(key) != lake.day(0)),
        *(key for key in lake.objects("contest_score") if layout.day_of(key) == lake.day(1)),
    }
    assert all("2,555 days" in step["reason"] for step in planned["steps"])
    apply = ("apply", "--yes", "--as-of", lake.as_of(SEVEN_YEARS))
    radar(*apply, status=1)
    assert "planned to be deleted" in radar(*apply, "--allow-deletions", "1", status=2)
    assert lake.versions().keys() >= before.keys()
    assert not {key[0] for key in lake.versions() - before if key[0] in doomed}

    # Exactly what the plan holds may go.
    done = json.loads(radar(*apply, "--allow-deletions", str(len(doomed)), "--json"))
    assert done["done"]["delete"]["objects"] == len(doomed)
    assert lake.tiers("store").keys() == {1}
    assert lake.tiers("menu").keys() == {0}
    assert lake.tiers("contest_score").keys() == {2, 0}
    assert lake.tiers("user_access").keys() == {2, 1, 0}
    assert [alert.summary for alert in lake.open_alerts().values()] == []
    assert marks(lake, "store").keys() == {1}
    assert observed(lake, "store", 2)[0] == "deleted"
    entries = audited(lake, done["run_id"])
    assert {each.key for each in entries} == doomed
    assert all(each.action is Action.DELETE and each.reason and each.etag for each in entries)

    # A mistake: it comes back, and with a hold it stays.
    assert f"{len(doomed)} objects are back" in radar("undelete", done["run_id"], "--yes")
    assert doomed <= {*lake.objects("store"), *lake.objects("menu"), *lake.objects("contest_score")}
    assert observed(lake, "store", 2)[0] == "GLACIER"
    assert "0 objects are back" in radar("undelete", done["run_id"], "--yes")
    lake.policy(**WIDE)
    radar("hold", "store", "--reason", "brought back")
    assert lake.run(days=SEVEN_YEARS).success
    assert lake.tiers("store").keys() == {2, 1, 0}
    assert lake.tiers("menu").keys() == {0}
    # Those of `menu` were deleted again, by another run: this command says that they are not back.
    assert json.loads(radar("undelete", done["run_id"], "--yes", "--json", status=1))["skipped"]

    # What a killed run deleted and did not take out of the catalogue the next run takes out.
    glue, menu = lake.systems.glue, catalogue_name("menu")
    (left,) = glue.partitions(menu).values()
    glue.put_partitions(menu, [replace(left, day=lake.day(2))])
    assert marks(lake, "menu").keys() == {2, 0}

    # The end of the first hold: its day goes with the next run.
    radar("release", hold["id"], "--reason", "case closed", "--by", "Ana")
    assert lake.run(days=SEVEN_YEARS).success
    assert lake.tiers("contest_score").keys() == {0}
    assert marks(lake, "menu").keys() == {0}
    status = json.loads(radar("status", "--json", status=1))
    assert {each["table"] for each in status["holds"]} == {"store", "user_access"}


def test_the_buckets_own_rules_go_first_and_are_watched(lake: Lake, radar: Radar) -> None:
    lake.variables["RADAR_RETENTION_APPLY"] = "true"
    lake.land("store", lake.day(0))
    assert "radar-tiers is not set" in radar("rules", status=1)
    others = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}
    s3, bucket = lake.server.client(), lake.settings.bucket
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [others]})
    radar("rules", "--apply")
    kept = {rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert "logs" in kept

    # On the day itself nothing is due, and the command tells alerts as a day's run does.
    shown = radar("apply", "--yes")
    assert "nothing was done" in shown
    assert "alerts: nothing new to tell" in shown

    # The rule has its days of grace; what it has not moved by then the job moves.
    assert checks_of(lake.run(days=31))["lifecycle_matches_policy"]
    assert lake.tiers("store") == {0: STANDARD}
    assert "left to the bucket's rule" in radar("plan", "--as-of", lake.as_of(31))
    lake.run(days=35)
    assert lake.tiers("store") == {0: IA}

    # A hold: the rule that removes quarantined files has to go, and comes back after it.
    hold = json.loads(radar("hold", "menu", "--reason", "case 7", "--by", "Ana", "--json"))
    assert hold["rules_to_apply"] == ["radar-quarantine"]
    assert "a hold is active" in radar("rules", status=1)
    radar("rules", "--apply")
    assert "radar-quarantine" in radar("release", hold["id"], "--reason", "case closed", "--by", "Ana")
    radar("rules", "--apply")

    # Somebody replaces the configuration by one that deletes.
    deleting = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 365}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [deleting]})
    assert checks_of(lake.run())["lifecycle_matches_policy"] is False
    alert = lake.open_alerts()[f"lifecycle/{bucket}"]
    assert (alert.kind, alert.severity) == (AlertKind.LIFECYCLE_DRIFT, Severity.CRITICAL)
    # Ours are put right, the other's rule is somebody else's to take away.
    assert "tidy" in radar("rules", "--apply", status=1)
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    ours = [rule for rule in rules if rule["ID"].startswith("radar-")]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": ours})
    assert checks_of(lake.run())["lifecycle_matches_policy"]
    assert lake.open_alerts() == {}


def test_a_run_that_only_plans_changes_nothing_and_shows_what_it_would_do(lake: Lake) -> None:
    for ago in (40, 1, 0):
        lake.land("store", lake.day(ago), files=2)
    # A table that was taken out of the registry: nobody's to delete.
    lake.systems.lake.put(f"{lake.systems.layout.folder('sold_off', lake.day(40))}a.parquet", b"x")
    before = lake.versions()
    for days in (0, 60, SEVEN_YEARS):
        result = lake.run(days=days, apply=False)
        assert result.success
    # Nor does a person who says no.
    asked = CliRunner().invoke(main, ["retention", "apply", "--as-of", lake.as_of(SEVEN_YEARS)], input="n\n")
    assert asked.exit_code == 0
    assert "move 2 objects? [y/N]" in asked.output
    assert "nothing was done" in asked.output
    assert lake.versions() == before
    # Nor does one that is allowed another number of deletions than it plans.
    refused = lake.run(allow_deletions=1)
    assert not refused.success
    (step,) = [event.step_failure_data for event in refused.all_events if event.is_step_failure]
    assert "4 objects are planned to be deleted and 1 are allowed" in str(step.user_failure_data.description)
    assert lake.versions() == before
    plan = metadata_of(result, RETENTION_PLAN)
    assert plan["folders_of_no_table"] == 1
    assert "of no table of the registry: origin" in asked.output.replace("\n", "")
    assert (plan["objects_standard"], plan["objects_to_delete"], plan["bounds_exceeded"]) == (6, 4, 1)
    assert {row["action"]: row["objects"] for row in plan["actions"]}["delete"] == 4
    assert {row["tier"] for row in plan["tiers"]} == {"STANDARD"}
    assert lake.instance.get_latest_materialization_event(RETENTION_RUN) is None
    # What the bounds stop is told, whether the run acts or not.
    assert f"retention/{lake.settings.bucket}" in lake.open_alerts()


def test_small_files_are_merged_and_then_move_with_their_day(lake: Lake) -> None:
    lake.register(menu={"retention": "merged"})
    own = yaml.safe_load((lake.home / "retention.yaml").read_text(encoding="utf-8"))["classes"]["default"]
    lake.policy(classes={"default": own, "merged": {**own, "small_objects": "compact"}})
    small = lake.land("menu", lake.day(0), size=SMALLEST_MOVED_BYTES // 3, files=4)
    kept = lake.land("store", lake.day(0), size=SMALL, files=4)
    merged = metadata_of(lake.run(days=31), RETENTION_RUN)
    assert merged["objects_done_compact"] == 4
    (one,) = (each for key, each in lake.objects("menu").items() if is_data_file(key))
    assert one.key not in small
    assert one.size >= SMALLEST_MOVED_BYTES
    assert len(read_rows(lake, one.key)) == 40
    assert set(lake.objects("store")) == set(kept)
    assert lake.run(days=31).success
    assert lake.tiers("menu") == {0: IA}
    # A merge that was interrupted and cannot be finished is a failure: readers may see rows twice.
    lake.systems.lake.put(f"{lake.systems.layout.compaction_folder('menu', lake.day(0))}x.parquet.json", b"{}")
    assert lake.open_alerts() == {}
    lake.run(days=31, apply=False)
    assert f"retention/{lake.settings.bucket}" in lake.open_alerts()
    assert not checks_of(lake.run(days=31))["every_step_done"]


def read_rows(lake: Lake, key: str) -> Any:
    return pq.read_table(pa.BufferReader(lake.systems.lake.read(key)))


def test_beside_a_run_that_acts_no_other_does(lake: Lake) -> None:
    lake.land("store", lake.day(0))
    before = lake.versions()
    with acting_alone(Path(lake.instance.root_directory)):
        beside = lake.run(days=31)
        assert beside.success
        asked = CliRunner().invoke(main, ["retention", "apply", "--yes", "--as-of", lake.as_of(31)])
        assert asked.exit_code == 2
        assert "another retention run is acting" in asked.output
        assert lake.versions() == before
    assert lake.instance.get_latest_materialization_event(RETENTION_RUN) is None
    lake.run(days=31)
    assert lake.tiers("store") == {0: IA}


def test_what_changed_since_the_plan_stays(lake: Lake) -> None:
    lake.policy(**WIDE)
    for ago in (3, 2, 1, 0):
        lake.land("store", lake.day(ago))
    lake.offset = SEVEN_YEARS
    retention = Retention(lake.systems)
    survey = retention.survey()
    assert survey.tally(Step.DELETE).objects == 3
    rewritten = lake.land("store", lake.day(3), old=True)[0]
    place_hold(
        lake.systems.lake,
        lake.systems.layout,
        table="store",
        first=lake.day(2),
        last=lake.day(2),
        reason="just in time",
        by="Ana",
        now=lake.clock(),
    )
    # The ledger has changed its mind about the newest day: the one before it is the last good one now.
    lake.land("store", lake.day(0), accepted=False)
    applied = retention.apply(survey, run_id="race")
    assert Step.DELETE not in applied.report.done
    assert {each.step.day: each.why.partition(":")[0] for each in applied.report.skipped}.keys() == {
        lake.day(3),
        lake.day(2),
        lake.day(1),
    }
    assert rewritten in lake.objects("store")
    assert len(lake.objects("store")) == 4


def test_a_ledger_that_cannot_be_read_keeps_what_may_be_the_newest_accepted_day(lake: Lake) -> None:
    lake.policy(**WIDE)
    for ago in (2, 1, 0):
        lake.land("store", lake.day(ago))
    lake.offset = SEVEN_YEARS
    retention = Retention(lake.systems)
    before = retention.survey()
    assert before.tally(Step.DELETE).objects == 2
    damaged = f"{lake.systems.layout.ledger_folder(lake.day(0))}damaged.json"
    lake.systems.lake.put(damaged, b'{"format": 1')
    # Neither a plan made before nor one made after it deletes.
    applied = retention.apply(before, run_id="doubtful")
    assert Step.DELETE not in applied.report.done
    assert damaged in applied.failures[0]
    after = retention.survey()
    assert after.tally(Step.DELETE).objects == 0
    (problem,) = after.problems
    assert damaged in problem
    # Where a day is accepted that is not due, it does not matter.
    lake.land("store", lake.day(1 - SEVEN_YEARS))
    assert retention.survey().problems == ()
    assert retention.survey().tally(Step.DELETE).objects == 3


def test_what_s3_refuses_is_named_told_and_done_by_the_next_run(lake: Lake) -> None:
    keys = [lake.land("store", lake.day(ago))[0] for ago in (2, 1, 0)]
    own = lake.variables["RADAR_S3_ENDPOINT_URL"]
    with aws_proxy(own) as proxy:

        def refuse(request: Seen) -> Answer | None:
            copies = "x-amz-copy-source" in {name.lower() for name in request.headers}
            return access_denied() if copies and keys[1].rsplit("/", 1)[0].split("=")[-1] in request.path else None

        proxy.rules.append(refuse)
        lake.variables["RADAR_S3_ENDPOINT_URL"] = proxy.url
        result = lake.run(days=31)
        lake.variables["RADAR_S3_ENDPOINT_URL"] = own
    assert result.success
    assert checks_of(result)["every_step_done"] is False
    assert lake.tiers("store") == {2: IA, 1: STANDARD, 0: IA}
    alert = lake.open_alerts()[f"retention/{lake.settings.bucket}"]
    assert keys[1] in alert.summary
    assert lake.run(days=31).success
    assert lake.tiers("store") == dict.fromkeys((2, 1, 0), IA)
    assert lake.open_alerts() == {}


def test_a_command_that_is_killed_is_run_again_and_ends_the_same(lake: Lake) -> None:
    lake.policy(**WIDE)
    for ago in range(12):
        lake.land("store", lake.day(ago), files=8)
    lake.land("menu", lake.day(0))
    command = lake.command("retention", "apply", "--yes", "--as-of", lake.as_of(31))
    killed = subprocess.Popen(command, **lake.process, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    moved = 0
    while not moved:
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.05)
        moved = sum(each.tier is IA for each in lake.objects("store").values())
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=30)
    assert any(each.tier is STANDARD for each in lake.objects("store").values()), "it was killed too late"
    lake.radar("retention", "apply", "--yes", "--as-of", lake.as_of(31))
    assert {each.tier for each in lake.objects("store").values()} == {IA}
    # Nothing is paid twice: each object was moved once, and its old version is gone.
    of_data = [key for key in lake.versions() if "/store/" in key[0]]
    assert len(of_data) == 96
    assert {key[3] for key in of_data} == {"STANDARD_IA"}
    day = dt.date.fromisoformat(lake.as_of(31))
    entries = read_audit(lake.systems.lake, lake.systems.layout, first=day, last=day)
    done = [each.key for each in entries if each.phase is Phase.DONE and each.action is Action.MOVE]
    assert len(done) == len(set(done)) == 97
