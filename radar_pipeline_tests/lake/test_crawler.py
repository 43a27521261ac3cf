"""The crawler is started or awaited, never longer than told, and what it left is compared with what landed."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from radar_pipeline.domain.catalogue import CatalogueColumn, CataloguePartition, CatalogueTable
from radar_pipeline.lake.cataloguing import publish_day
from radar_pipeline.lake.crawler import CrawlOutcome, compare_crawled, run_crawler
from radar_pipeline.lake.glue import CatalogueError, CatalogueFault, GlueCatalogue
from radar_pipeline_tests.aws_proxy import Answer, AwsProxy, Seen, aws_proxy, json_error
from radar_pipeline_tests.lake.glue_harness import (
    BUCKET,
    DAY,
    LAYOUT,
    NEW,
    OLD,
    day,
    failing,
    new_catalogue,
    snapshot,
    verb,
)
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration


def _crawler(catalogue: GlueCatalogue) -> str:
    name = f"crawler-{uuid.uuid4().hex[:8]}"
    target = {"S3Targets": [{"Path": f"s3://{BUCKET}/{LAYOUT.prefix}/"}]}
    role = "arn:aws:iam::000000000000:role/crawler"
    catalogue.glue.create_crawler(Name=name, Role=role, DatabaseName=catalogue.config.database, Targets=target)
    return name


def test_a_crawl_is_started_and_awaited_and_two_who_want_it_share_it(s3: S3Server) -> None:
    catalogue = new_catalogue(s3)
    name = _crawler(catalogue)
    late = run_crawler(catalogue, name, timeout=0.2, poll=0.05)
    assert (late.succeeded, late.status, late.was_running) == (False, "TIMED OUT", False)
    assert "RADAR_CRAWLER_TIMEOUT_SECONDS" in late.message
    seen: list[tuple[str, float]] = []
    # The same crawl: what ran out of time went on.
    outcome = run_crawler(
        catalogue, name, timeout=30, poll=0.1, on_progress=lambda state, gone: seen.append((state, gone))
    )
    assert (outcome.succeeded, outcome.status, outcome.was_running) == (True, "SUCCEEDED", True)
    assert 0 < outcome.seconds < 20
    assert [state for state, _ in seen][-1] == "READY"
    assert seen[0][0] == "RUNNING"


class _Script:
    """A crawler whose states and last crawls come from a list, one for each look; starts as it is told."""

    def __init__(self, *looks: dict[str, Any], start: Answer | None = None) -> None:
        self.looks = list(looks)
        self.start = start or Answer(200, b"{}", "application/x-amz-json-1.1")

    def __call__(self, seen: Seen) -> Answer | None:
        if verb(seen) == "StartCrawler":
            return self.start
        if verb(seen) != "GetCrawler":
            return None
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return Answer(200, json.dumps({"Crawler": {"Name": "c", **look}}).encode(), "application/x-amz-json-1.1")


def _run(s3: S3Server, script: _Script, **others: Any) -> tuple[CrawlOutcome, AwsProxy]:
    with aws_proxy(s3.endpoint_url) as proxy:
        proxy.rules.append(script)
        given = {"timeout": 5.0, "poll": 0.01, **others}
        return run_crawler(new_catalogue(s3, url=proxy.url, max_attempts=1), "c", **given), proxy


def _ready(status: str = "", at: int = 0, message: str = "") -> dict[str, Any]:
    last = {"Status": status, "StartTime": at, **({"ErrorMessage": message} if message else {})}
    return {"State": "READY", **({"LastCrawl": last} if status else {})}


RUNNING = {"State": "RUNNING"}


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_crawl_that_did_not_end_well_tells_its_own_words(s3: S3Server, status: str) -> None:
    outcome, _ = _run(s3, _Script(_ready("SUCCEEDED", 1), RUNNING, _ready(status, 2, "Access denied to role")))
    assert (outcome.succeeded, outcome.status, outcome.message) == (False, status, "Access denied to role")


def test_the_success_of_an_earlier_crawl_is_not_taken_for_this_one(s3: S3Server) -> None:
    outcome, _ = _run(s3, _Script(_ready("SUCCEEDED", 1), RUNNING, _ready("SUCCEEDED", 1)))
    assert (outcome.succeeded, outcome.status) == (False, "UNKNOWN")
    assert "no record of this crawl" in outcome.message


def test_one_that_stops_is_awaited_and_then_started(s3: S3Server) -> None:
    script = _Script(
        {"State": "STOPPING"}, {"State": "STOPPING"}, _ready("CANCELLED", 1), RUNNING, _ready("SUCCEEDED", 2)
    )
    outcome, proxy = _run(s3, script)
    assert (outcome.succeeded, outcome.was_running) == (True, False)
    assert proxy.count("POST", "StartCrawler") == 1
    stuck, proxy = _run(s3, _Script({"State": "STOPPING"}), timeout=0.1)
    assert stuck.status == "TIMED OUT"
    assert proxy.count("POST", "StartCrawler") == 0


def test_a_start_that_comes_second_awaits_the_first(s3: S3Server) -> None:
    running = json_error(400, "CrawlerRunningException")
    outcome, _ = _run(s3, _Script(_ready(), RUNNING, _ready("SUCCEEDED", 2), start=running))
    assert (outcome.succeeded, outcome.was_running) == (True, True)


def test_a_wait_ends_when_its_time_is_over_and_not_a_pause_later(s3: S3Server) -> None:
    begin = time.monotonic()
    outcome, _ = _run(s3, _Script(RUNNING), timeout=0.3, poll=30.0)
    assert outcome.status == "TIMED OUT"
    assert time.monotonic() - begin < 5


def test_a_crawler_that_is_not_there_says_what_to_do(s3: S3Server) -> None:
    with pytest.raises(CatalogueError, match="RADAR_GLUE_CRAWLER") as raised:
        run_crawler(new_catalogue(s3), "crawler-bronze-radar", timeout=1)
    assert raised.value.fault is CatalogueFault.MISSING


def test_a_crawler_that_may_not_be_started_says_so(s3: S3Server) -> None:
    with pytest.raises(CatalogueError, match="IAM policy"):
        _run(s3, _Script(_ready(), start=json_error(400, "AccessDeniedException")))


def test_what_the_crawler_left_is_compared_with_what_landed(s3: S3Server) -> None:
    catalogue = new_catalogue(s3)
    names = ["right", "no_table", "no_day", "wrong_type", "lacking", "astray", "elsewhere", "empty"]
    snapshots = {name: snapshot(NEW, table=name) for name in names}
    snapshots["empty"] = replace(snapshots["empty"], files=())
    published = {name: each for name, each in snapshots.items() if name not in {"no_table", "elsewhere"}}
    publish_day(catalogue, bucket=BUCKET, layout=LAYOUT, day=DAY, snapshots=published)
    catalogue.delete_partitions("no_day", [DAY])
    catalogue.put_partitions("astray", [CataloguePartition(DAY, "s3://lake/astray/", ())], known=True)
    catalogue.put_table(CatalogueTable("elsewhere", "s3://other/", ()))
    for name, columns in (("wrong_type", {"created_at": "string"}), ("lacking", {"created_at": ""})):
        table = catalogue.table(name)
        assert table
        changed = [CatalogueColumn(each.name, columns.get(each.name, each.type)) for each in table.columns]
        catalogue.put_table(replace(table, columns=tuple(each for each in changed if each.type)))
    found = compare_crawled(catalogue, bucket=BUCKET, layout=LAYOUT, day=DAY, snapshots=snapshots)
    assert [name for name, each in found.items() if each.passed] == ["right", "empty"]
    said = {name: " ".join(each.reasons) for name, each in found.items()}
    assert said["no_table"] == "the crawler made no table no_table"
    assert said["no_day"] == "the crawler registered no partition 2026-11-23"
    assert said["wrong_type"] == "the table has another type for: created_at (string, landed as timestamp)"
    assert said["lacking"] == "the table lacks columns that landed: created_at"
    assert "s3://lake/astray/" in said["astray"]
    assert "s3://other/" in said["elsewhere"]


def test_many_differences_are_counted_and_refusals_are_told(s3: S3Server) -> None:
    catalogue = new_catalogue(s3)
    many = {**OLD, **{f"column_{number}": "string" for number in range(9)}}
    given = {"bucket": BUCKET, "layout": LAYOUT, "day": DAY}
    publish_day(catalogue, snapshots={"store": snapshot(OLD)}, **given)
    (found,) = compare_crawled(catalogue, snapshots={"store": snapshot(many)}, **given).values()
    assert "and 4 more" in found.reasons[0]
    with aws_proxy(s3.endpoint_url) as proxy:
        proxy.rules.append(failing("BatchGetPartition", json_error(400, "AccessDeniedException"), times=-1))
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        (refused,) = compare_crawled(through, snapshots={"store": snapshot(OLD)}, **given).values()
    assert not refused.passed
    assert "IAM policy" in refused.reasons[0]
    assert day(0) == DAY
