"""What needs no server: the rules, the shapes, the types."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.local.airbyte_server import wire
from radar_pipeline.local.airbyte_server.auth import Credentials, Gatekeeper
from radar_pipeline.local.airbyte_server.bootstrap import (
    CONNECTION_ID,
    BootstrapError,
    apply_bootstrap,
    read_bootstrap,
    write_bootstrap,
)
from radar_pipeline.local.airbyte_server.clock import ServerClock, iso, parse_time
from radar_pipeline.local.airbyte_server.discovery import build_catalog, json_schema_type
from radar_pipeline.local.airbyte_server.eras import MODERN, OLD, RetryPolicy
from radar_pipeline.local.airbyte_server.errors import config_body as body_of
from radar_pipeline.local.airbyte_server.errors import conflict, invalid, not_found
from radar_pipeline.local.airbyte_server.faults import CATALOGUE, parse_fault
from radar_pipeline.local.airbyte_server.order import plan_attempt, redact, table_fault
from radar_pipeline.local.airbyte_server.public_wire import duration, page
from radar_pipeline.local.airbyte_server.records import Attempt, Job, StreamCount
from radar_pipeline.local.airbyte_server.store import Store
from radar_pipeline.local.airbyte_server.tally import Tally, read_event
from radar_pipeline.source import SourceError
from radar_pipeline_tests.local.airbyte_harness import document

TABLES = ("store", "product")


def test_an_old_server_tries_three_times_with_one_pause() -> None:
    policy = RetryPolicy(OLD, pause=60, max_attempts=None)

    assert [policy.pause_before_next([False] * n) for n in (1, 2, 3)] == [60, 60, None]


def test_a_current_server_waits_longer_after_each_attempt_that_moved_nothing() -> None:
    policy = RetryPolicy(MODERN, pause=10, max_attempts=None)

    assert [policy.pause_before_next([False] * n) for n in (1, 2, 3, 4, 5)] == [10, 30, 90, 270, None]
    assert policy.pause_before_next([False, False, True]) == 10
    assert policy.pause_before_next([True] * 19) == 10
    assert policy.pause_before_next([True] * 20) is None


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 30), st.sampled_from([OLD, MODERN]))
def test_no_job_is_tried_more_often_than_its_bound(moved: list[bool], bound: int, era: object) -> None:
    pause = RetryPolicy(era, pause=1, max_attempts=bound).pause_before_next(moved)  # type: ignore[arg-type]

    assert pause is None or (len(moved) < bound and 1 <= pause <= 1800)


@pytest.mark.parametrize(
    ("column_type", "expected"),
    [
        ("tinyint(1)", {"type": "boolean"}),
        ("tinyint(1) unsigned", {"type": "integer"}),
        ("bit(1)", {"type": "boolean"}),
        ("bit(8)", {"type": "string", "contentEncoding": "base64"}),
        ("bigint(20) unsigned", {"type": "integer"}),
        ("year(4)", {"type": "integer"}),
        ("decimal(12,2)", {"type": "number"}),
        ("decimal(12,2) unsigned", {"type": "number"}),
        ("decimal(12,0)", {"type": "integer"}),
        ("decimal", {"type": "integer"}),
        ("double", {"type": "number"}),
        ("float unsigned", {"type": "number"}),
        ("date", {"type": "string", "format": "date"}),
        ("json", {"type": "string"}),
        ("inet6", {"type": "string"}),
        ("enum('a','b')", {"type": "string"}),
        ("longblob", {"type": "string", "contentEncoding": "base64"}),
        ("datetime(6)", {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"}),
        (
            "datetime /* mariadb-5.3 */",
            {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
        ),
    ],
)
def test_mysql_types_are_discovered_as_the_connector_does(column_type: str, expected: dict[str, str]) -> None:
    assert json_schema_type(column_type, modern=False) == expected
    modern = {"type": "number", "airbyte_type": "integer"} if expected == {"type": "integer"} else expected
    assert json_schema_type(column_type, modern=True) == modern


def test_views_are_in_the_catalogue_and_not_selected() -> None:
    columns = (ObservedColumn("Id", "int"),)
    tables = [ObservedTable("store", columns, ("Id",)), ObservedTable("v", columns, is_view=True)]

    streams = build_catalog(tables, "radar", modern=True)["streams"]

    assert [(each["stream"]["name"], each["config"]["selected"]) for each in streams] == [("store", True), ("v", False)]
    assert streams[0]["config"]["primaryKey"] == [["Id"]]
    assert all(each["config"]["destinationSyncMode"] == "append" for each in streams)


def job(*faults: dict[str, object], attempts: int = 0, created_at: float = 1_800_000_000.0) -> Job:
    active = tuple(parse_fault(fault, "2.0", TABLES) for fault in faults)
    past = tuple(Attempt(number, "failed", created_at, created_at, created_at) for number in range(attempts))
    return Job(7, "c", "sync", "running", created_at, created_at, faults=active, streams=TABLES, attempts=past)


def test_a_failing_table_fails_in_every_attempt_and_the_last_table_only_in_the_first() -> None:
    stream = {"name": "stream-fails", "table": "store"}
    first = {"name": "attempt-fails-then-succeeds"}

    for attempts in (0, 1, 2):
        assert table_fault("store", 1, plan_attempt(job(stream, attempts=attempts))) == {"kind": "fail", "share": 0.5}
        assert table_fault("product", 0, plan_attempt(job(stream, attempts=attempts))) is None
    assert table_fault("product", 0, plan_attempt(job(first))) == {"kind": "fail", "share": 1.0}
    assert table_fault("store", 1, plan_attempt(job(first))) is None
    assert table_fault("product", 0, plan_attempt(job(first, attempts=1))) is None


@given(st.floats(min_value=0, max_value=4e9, allow_nan=False), st.integers(0, 3))
def test_an_attempt_that_crosses_midnight_begins_on_the_next_day(created_at: float, attempts: int) -> None:
    plan = plan_attempt(job({"name": "crosses-midnight"}, attempts=attempts, created_at=created_at))

    assert (created_at + plan.shift) // 86400 == created_at // 86400 + 1
    assert (created_at + plan.shift) % 86400 == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize(
    ("body", "era", "message"),
    [
        ({"name": "nonsense"}, "0.39", "there is no fault named 'nonsense'; there are: succeeded-without-data"),
        ({"name": "queued-first"}, "0.39", "exists only in era 2.0; this server is of era 0.39"),
        ({"name": "stream-fails"}, "0.39", "is about one table: name it"),
        ({"name": "stream-fails", "table": "nowhere"}, "0.39", "syncs no table named 'nowhere'"),
        ({"name": "post-500", "times": 0}, "0.39", "times is 0; give a whole number from 1"),
        ({"name": "post-500", "times": True}, "0.39", "times is True; give a whole number from 1"),
        ({"name": "slow-post", "options": {"second": 1}}, "0.39", "has no option second; it has: seconds"),
        ({"name": "slow-post", "options": "abc"}, "0.39", "options are 'abc'; give an object"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_what_can(body: dict[str, object], era: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_fault(body, era, TABLES)


@pytest.mark.parametrize(
    ("name", "option", "value", "expected"),
    [
        ("slow-post", "seconds", "abc", "'abc'; give a number from 0"),
        ("slow-post", "seconds", True, "True; give a number from 0"),
        ("slow-post", "seconds", -1, "-1; give a number from 0"),
        ("slow-post", "seconds", float("nan"), "nan; give a number from 0"),
        ("slow-post", "seconds", None, "None; give a number from 0"),
        ("half-written-table", "share", 1.5, "1.5; give a number from 0 to 1"),
        ("upload-fails", "tries", 1.5, "1.5; give a whole number from 0"),
        ("stuck-job", "attempts", 0, "0; give a whole number from 1, or null"),
        ("worker-out-of-memory", "after_tables", "two", "'two'; give a whole number from 0, or null"),
        ("s3-denied", "checks", "no", "'no'; give true or false"),
        ("poll-outage", "mode", "sulk", "'sulk'; give 503 or reset"),
        ("poll-outage", "mode", ["503"], r"\['503'\]; give 503 or reset"),
        ("poll-outage", "when", "later", "'later'; give sync or now"),
        ("succeeded-without-data", "report", True, "True; give counts or nothing"),
        ("stream-fails", "words", ["x"], r"\['x'\]; give a text, or null"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_what_does(
    name: str, option: str, value: object, expected: str
) -> None:
    with pytest.raises(ValueError, match=f"option {option} of fault {name} is {expected}"):
        parse_fault({"name": name, "table": "store", "options": {option: value}}, "2.0", TABLES)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_default_of_a_fault_may_be_given(name: str) -> None:
    fault = CATALOGUE[name]
    given = {"name": name, "table": "store", "options": dict(fault.options)}
    assert parse_fault(given, fault.eras[-1], TABLES).options == fault.options


@pytest.mark.parametrize("value", [503, "503", "reset"])
def test_a_text_that_reads_as_a_number_is_taken_as_text(value: object) -> None:
    given = {"name": "poll-outage", "options": {"mode": value, "seconds": 1}}
    assert parse_fault(given, "0.39", TABLES).options["mode"] == str(value)


def test_every_fault_of_the_issue_is_in_the_catalogue() -> None:
    asked = """succeeded-without-data stream-fails attempt-fails-then-succeeds half-written-table slow-post
        lost-post-response poll-outage queued-first crosses-midnight s3-denied mysql-refused wrong-password
        worker-out-of-memory stuck-job schema-drift"""

    assert set(asked.split()) <= set(CATALOGUE)
    assert all("\n" not in fault.description for fault in CATALOGUE.values())


@given(st.integers(0, 10), st.integers(1, 100), st.integers(0, 500))
def test_a_page_names_a_next_one_unless_it_is_empty(entries: int, limit: int, offset: int) -> None:
    found = page([{"n": n} for n in range(entries)], "/jobs", limit, offset, [("connectionId", "c")])

    assert bool(found["next"]) == bool(entries)
    assert bool(found["previous"]) == bool(offset)
    if entries:
        query = parse_qs(urlparse(found["next"]).query)
        assert query == {"connectionId": ["c"], "limit": [str(limit)], "offset": [str(offset + limit)]}


@pytest.mark.parametrize(("seconds", "text"), [(0, "PT0S"), (29172, "PT8H6M12S"), (120, "PT2M"), (3601, "PT1H1S")])
def test_durations_are_written_as_java_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_secrets_come_back_masked_and_a_masked_one_keeps_what_was_known() -> None:
    known = {"host": "a", "password": "s3cr3t"}

    assert wire.masked(known) == {"host": "a", "password": wire.MASK}
    assert wire.unmasked({"host": "b", "password": wire.MASK}, known) == {"host": "b", "password": "s3cr3t"}
    assert wire.unmasked({"host": "b", "password": "new"}, known) == {"host": "b", "password": "new"}
    assert redact("Access denied: s3cr3t", ("s3cr3t",)) == f"Access denied: {wire.MASK}"


def test_a_full_refresh_is_summed_from_the_last_attempt_and_not_over_attempts() -> None:
    first = Attempt(0, "failed", 1, 2, 2, counts=(StreamCount("store", 100, 1, "complete", 2),))
    second = Attempt(1, "succeeded", 3, 4, 4, counts=(StreamCount("store", 90, 1, "complete", 4),))

    assert wire.newest_counts(Job(1, "c", "sync", "succeeded", 1, 4, attempts=(first, second)))["store"].records == 90


def test_an_old_conflict_is_an_internal_error_and_a_current_one_a_conflict() -> None:
    error = conflict("A sync is already running for: c")

    status, body = body_of(error, OLD)
    assert (status, body["message"]) == (500, "Internal Server Error: A sync is already running for: c")
    status, body = body_of(error, MODERN)
    assert (status, body["message"]) == (409, "A sync is already running for: c")


def test_a_current_server_hides_what_an_old_one_tells() -> None:
    old, modern = (body_of(not_found("x", kind="STANDARD_SYNC"), era)[1] for era in (OLD, MODERN))

    assert "STANDARD_SYNC: x" in old["message"]
    assert set(modern) == {"errorId"}
    validation = body_of(invalid(("connectionId", "must not be null", None)), OLD)
    assert validation[0] == 400
    assert validation[1]["validationErrors"][0]["propertyPath"] == "connectionId"


def test_a_worker_that_forgets_a_table_has_failed() -> None:
    tally = Tally(TABLES)
    tally.take({"event": "table_done", "table": "store", "rows": 1, "bytes": 1}, 1.0)

    ending = tally.end(0, 2.0)

    assert ending.status == "failed"
    assert "not reported: product" in ending.failures[0].detail


def test_a_killed_worker_is_lost_and_said_to_be_out_of_memory() -> None:
    ending = Tally(TABLES).end(-signal.SIGKILL, 1.0)

    assert ending.worker_lost
    assert "137" in ending.failures[0].detail
    assert "out of memory" in ending.failures[0].detail


@given(st.text())
def test_what_is_no_event_is_passed_over(line: str) -> None:
    event = read_event(line)
    assert event is None or isinstance(event["event"], str)


def test_the_clock_moves_by_an_offset_or_to_a_time_and_remembers() -> None:
    kept: list[float] = []
    clock = ServerClock(keep=kept.append)

    clock.move(now="2027-01-02T03:04:05Z")
    assert abs(clock.now() - parse_time("2027-01-02T03:04:05")) < 2
    clock.move(offset=-3600)
    assert kept[-1] == -3600
    assert iso(parse_time("2027-01-02T03:04:05+00:00")) == "2027-01-02T03:04:05Z"
    with pytest.raises(ValueError, match="offset_seconds"):
        clock.move()


def test_a_token_is_good_until_it_is_changed_and_only_for_the_right_key() -> None:
    gatekeeper = Gatekeeper("token", Credentials(client_id="c", client_secret="s"), Gatekeeper.new_key())
    token = gatekeeper.issue("c", "s")

    assert gatekeeper.issue("c", "wrong") is None
    assert gatekeeper.admits({"authorization": f"Bearer {token}"})
    assert not gatekeeper.admits({"authorization": f"Bearer 9{token}"})
    assert not gatekeeper.admits({"authorization": f"Basic {token}"})
    assert not gatekeeper.admits({})
    other = Gatekeeper("token", Credentials(client_id="c", client_secret="s"), Gatekeeper.new_key())
    assert not other.admits({"authorization": f"Bearer {token}"})


def test_a_bootstrap_file_is_private_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bootstrap.json"
    write_bootstrap(path, document(modern=False))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_bootstrap(path)["source"]["host"] == "127.0.0.1"

    broken = document(modern=False)
    del broken["source"]["password"]
    del broken["destination"]
    write_bootstrap(path, broken)
    with pytest.raises(BootstrapError, match=r"missing source\.password, destination\.bucket"):
        read_bootstrap(path)
    path.write_text("{")
    with pytest.raises(BootstrapError, match="is no JSON"):
        read_bootstrap(path)
    with pytest.raises(BootstrapError, match="cannot be read: No such file"):
        read_bootstrap(tmp_path / "absent.json")
    path.write_text(json.dumps([]))
    with pytest.raises(BootstrapError, match="must be a JSON object"):
        read_bootstrap(path)


def test_a_known_catalogue_is_kept_unless_the_era_changes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    apply_bootstrap(store, document(modern=False), 1.0, modern=False)
    known = store.connection(CONNECTION_ID)
    assert known is not None
    again = document(modern=False)
    again["connection"]["catalog"] = None
    again["source"]["port"] = 9

    apply_bootstrap(store, again, 2.0, modern=False)

    assert store.connection(CONNECTION_ID) == known
    with pytest.raises(SourceError, match="cannot be reached"):
        apply_bootstrap(store, again, 3.0, modern=True)
    store.close()
