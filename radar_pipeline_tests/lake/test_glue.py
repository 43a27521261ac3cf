"""The Glue catalogue over real HTTP: batches, partial failures, throttling, refusals, others' settings."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from radar_pipeline.domain.catalogue.model import CatalogueColumn, CataloguePartition, CatalogueTable
from radar_pipeline.lake.catalogue.glue import CatalogueError, CatalogueFault, GlueCatalogue, GlueConfig
from radar_pipeline_tests.aws_proxy import Answer, aws_proxy, json_error
from radar_pipeline_tests.lake.glue_harness import DAY, config, day, failing, half_failed, new_catalogue, verb, writes
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

COLUMNS = (CatalogueColumn("id", "bigint"), CatalogueColumn("opens_at", "bigint", "microseconds"))
TABLE = CatalogueTable("store", "s3://lake/store/", COLUMNS, {"classification": "parquet"})


def _partition(at: dt.date, **parameters: str) -> CataloguePartition:
    return CataloguePartition(at, f"s3://lake/store/cog_dt_ingestion={at}/", COLUMNS, parameters)


@pytest.fixture
def catalogue(s3: S3Server) -> GlueCatalogue:
    made = new_catalogue(s3)
    assert made.ensure_database()
    made.put_table(TABLE)
    return made


def test_a_database_is_made_once_and_what_is_not_there_is_empty(s3: S3Server) -> None:
    catalogue = new_catalogue(s3)
    assert not catalogue.has_database()
    assert catalogue.tables() == {}
    assert catalogue.table("store") is None
    assert catalogue.partitions("store") == {}
    assert catalogue.partitions_of("store", [DAY]) == {}
    assert (catalogue.ensure_database(), catalogue.ensure_database()) == (True, False)


def test_tables_and_days_come_back_as_they_went(catalogue: GlueCatalogue) -> None:
    days = [_partition(day(number), **{"radar.rows": str(number)}) for number in range(230)]
    assert catalogue.put_partitions("store", days) == {}
    found = catalogue.tables()["store"]
    assert found == TABLE
    assert [column.comment for column in found.columns] == ["", "microseconds"]
    assert catalogue.partitions("store") == {each.day: each for each in days}
    assert catalogue.partitions_of("store", [DAY, day(229), day(999)]) == {DAY: days[0], day(229): days[229]}
    assert catalogue.delete_partitions("store", [each.day for each in days[30:]] + [day(999)]) == {}
    assert len(catalogue.partitions("store")) == 30


def test_batches_are_as_large_as_glue_takes_them(s3: S3Server, catalogue: GlueCatalogue) -> None:
    with aws_proxy(s3.endpoint_url) as proxy:
        # The local endpoint has no batch of deletions: its answer is what a success looks like.
        proxy.rules.append(failing("BatchDeletePartition", Answer(200, b"{}", "application/x-amz-json-1.1"), times=-1))
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        through.put_partitions("store", [_partition(day(number)) for number in range(250)])
        through.put_partitions("store", [_partition(day(number), x="y") for number in range(250)], known=True)
        through.delete_partitions("store", [day(number) for number in range(60)])
    sizes = [
        (verb(each), len(asked.get("PartitionInputList") or asked.get("Entries") or asked.get("PartitionsToDelete")))
        for each in proxy.seen
        if (asked := json.loads(each.body))
    ]
    assert sizes == [
        *(("BatchCreatePartition", size) for size in (100, 100, 50)),
        *(("BatchUpdatePartition", size) for size in (100, 100, 50)),
        *(("BatchDeletePartition", size) for size in (25, 25, 10)),
    ]


def test_pages_are_followed_to_the_end(s3: S3Server) -> None:
    # Python reads the first two as days too; the catalogue would never find them under the days' own spelling.
    spelt = [f"{day(5):%Y%m%d}", f"{day(5):%G-W%V-%u}", "__HIVE_DEFAULT_PARTITION__"]

    def pages(seen: Any) -> Answer | None:
        asked = json.loads(seen.body)
        if verb(seen) != "GetPartitions":
            return None
        number = int(asked.get("NextToken", 0))
        assert asked["ExcludeColumnSchema"]
        assert asked["MaxResults"] == 1000
        body: dict[str, Any] = {"Partitions": [{"Values": [day(number).isoformat()]}, {"Values": [spelt[number]]}]}
        if number < 2:
            body["NextToken"] = str(number + 1)
        return Answer(200, json.dumps(body).encode(), "application/x-amz-json-1.1")

    with aws_proxy(s3.endpoint_url) as proxy:
        proxy.rules.append(pages)
        days, odd = new_catalogue(s3, url=proxy.url).partitions_and_odd("store", with_columns=False)
    assert sorted(days) == [day(2), day(1), DAY]
    assert odd == tuple(sorted(spelt))


def test_days_that_are_there_are_changed_and_those_that_are_gone_made(catalogue: GlueCatalogue) -> None:
    catalogue.put_partitions("store", [_partition(day(1), x="old")])
    both = [_partition(DAY, x="new"), _partition(day(1), x="new")]
    assert catalogue.put_partitions("store", both) == {}
    assert {each.parameters["x"] for each in catalogue.partitions("store").values()} == {"new"}
    catalogue.delete_partitions("store", [DAY])
    assert catalogue.put_partitions("store", both, known=True) == {}
    assert len(catalogue.partitions("store")) == 2


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceException", "OperationTimeoutException"])
def test_half_a_batch_that_failed_for_the_moment_is_tried_again(
    s3: S3Server, catalogue: GlueCatalogue, code: str
) -> None:
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        proxy.rules += [
            half_failed("BatchCreatePartition", code, times=2),
            half_failed("BatchUpdatePartition", code, field="PartitionValueList"),
            half_failed("BatchDeletePartition", code),
        ]
        assert through.put_partitions("store", [_partition(DAY), _partition(day(1))]) == {}
        assert through.put_partitions("store", [_partition(DAY, x="y")], known=True) == {}
        assert through.delete_partitions("store", [day(1)]) == {}
    assert catalogue.partitions("store") == {DAY: _partition(DAY, x="y")}
    assert proxy.count("POST", "BatchCreatePartition") == 3


def test_what_is_refused_for_good_is_named_and_the_rest_done(s3: S3Server, catalogue: GlueCatalogue) -> None:
    def one_refused(seen: Any) -> Answer | None:
        if verb(seen) != "BatchCreatePartition" or day(1).isoformat().encode() not in seen.body:
            return None
        asked = json.loads(seen.body)
        others = [each for each in asked["PartitionInputList"] if each["Values"] != [day(1).isoformat()]]
        catalogue.glue.batch_create_partition(**{**asked, "PartitionInputList": others})
        detail = {"ErrorCode": "ResourceNumberLimitExceededException", "ErrorMessage": "too many"}
        errors = [{"PartitionValues": [day(1).isoformat()], "ErrorDetail": detail}]
        return Answer(200, json.dumps({"Errors": errors}).encode(), "application/x-amz-json-1.1")

    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        proxy.rules.append(one_refused)
        refused = through.put_partitions("store", [_partition(day(number)) for number in range(3)])
        proxy.rules.append(half_failed("BatchDeletePartition", "InvalidInputException"))
        undeleted = through.delete_partitions("store", [DAY])
    assert list(refused) == [day(1)]
    assert "ResourceNumberLimitExceededException" in refused[day(1)]
    assert sorted(catalogue.partitions("store")) == [day(2), DAY]
    assert "InvalidInputException" in undeleted[DAY]


def test_a_batch_that_always_fails_ends_and_names_its_days(s3: S3Server, catalogue: GlueCatalogue) -> None:
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        proxy.rules.append(half_failed("BatchCreatePartition", "ThrottlingException", times=-1))
        refused = through.put_partitions("store", [_partition(DAY)])
    assert "try again later" in refused[DAY]
    assert proxy.count("POST", "BatchCreatePartition") == 4


def test_throttled_requests_are_tried_again_by_the_client(s3: S3Server, catalogue: GlueCatalogue) -> None:
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        proxy.rules.append(failing("GetTables", json_error(400, "ThrottlingException")))
        assert list(through.tables()) == ["store"]
        assert proxy.count("POST", "GetTables") == 2


def test_keys_that_batch_get_did_not_come_to_are_asked_for_again(s3: S3Server, catalogue: GlueCatalogue) -> None:
    catalogue.put_partitions("store", [_partition(day(number)) for number in range(4)])

    def half(seen: Any) -> Answer | None:
        asked = json.loads(seen.body)
        if verb(seen) != "BatchGetPartition" or len(asked["PartitionsToGet"]) < 3:
            return None
        first, rest = asked["PartitionsToGet"][:2], asked["PartitionsToGet"][2:]
        found = [{"Values": each["Values"], "StorageDescriptor": {"Location": "s3://x/"}} for each in first]
        body = {"Partitions": found, "UnprocessedKeys": rest}
        return Answer(200, json.dumps(body).encode(), "application/x-amz-json-1.1")

    with aws_proxy(s3.endpoint_url) as proxy:
        proxy.rules.append(half)
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        assert len(through.partitions_of("store", [day(number) for number in range(4)])) == 4


def test_a_batch_get_that_came_to_nothing_is_not_taken_for_days_that_are_not_there(
    s3: S3Server, catalogue: GlueCatalogue
) -> None:
    catalogue.put_partitions("store", [_partition(DAY), _partition(day(1))])
    wanted = [day(9), DAY, day(1)]

    def nothing(seen: Any) -> Answer | None:
        if verb(seen) != "BatchGetPartition":
            return None
        body = {"Partitions": [], "UnprocessedKeys": json.loads(seen.body)["PartitionsToGet"]}
        return Answer(200, json.dumps(body).encode(), "application/x-amz-json-1.1")

    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        proxy.rules.append(lambda seen: nothing(seen) if proxy.count("POST", "BatchGetPartition") < 2 else None)
        assert sorted(through.partitions_of("store", wanted)) == [day(1), DAY]
        proxy.rules.append(nothing)
        with pytest.raises(CatalogueError, match="read the partitions of store") as left:
            through.partitions_of("store", wanted)
        assert left.value.fault is CatalogueFault.THROTTLED


@pytest.mark.parametrize(
    ("status", "code", "fault", "words"),
    [
        (400, "AccessDeniedException", CatalogueFault.POLICY, "check the IAM policy"),
        (400, "UnrecognizedClientException", CatalogueFault.CREDENTIALS, "FARMARCAS_AWS_ACCESS_KEY_ID"),
        (400, "ExpiredTokenException", CatalogueFault.CREDENTIALS, "FARMARCAS_AWS_ACCESS_KEY_ID"),
        (400, "InvalidInputException", CatalogueFault.OTHER, "InvalidInputException"),
        (500, "InternalServiceException", CatalogueFault.ENDPOINT, "RADAR_GLUE_ENDPOINT_URL"),
        (400, "ThrottlingException", CatalogueFault.THROTTLED, "try again later"),
    ],
)
def test_what_is_refused_says_what_to_do(
    s3: S3Server, status: int, code: str, fault: CatalogueFault, words: str
) -> None:
    with aws_proxy(s3.endpoint_url) as proxy:
        proxy.rules.append(failing("GetTables", json_error(status, code), times=-1))
        with pytest.raises(CatalogueError, match=words) as raised:
            new_catalogue(s3, url=proxy.url, max_attempts=1).tables()
    assert raised.value.fault is fault
    assert "as the test wants it" not in str(raised.value), "what a service says may quote what was signed"
    assert raised.value.__cause__ is None


def test_an_endpoint_that_is_away_is_one_sentence_without_secrets(s3: S3Server) -> None:
    away = GlueConfig(
        "bronze",
        region="us-east-2",
        endpoint_url="http://127.0.0.1:9",
        access_key_id="AKIAKEY",
        secret_access_key="topsecret",
        max_attempts=1,
    )
    with pytest.raises(CatalogueError) as raised:
        GlueCatalogue(away).tables()
    assert raised.value.fault is CatalogueFault.ENDPOINT
    told = f"{raised.value} {away!r} {GlueCatalogue(away)!r}"
    assert "topsecret" not in told
    assert "AKIAKEY" not in told


def test_what_others_set_at_a_table_stays(catalogue: GlueCatalogue) -> None:
    raw = catalogue.glue.get_table(DatabaseName=catalogue.config.database, Name="store")["Table"]
    kept = {name: raw[name] for name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType")}
    others = {"Parameters": {"classification": "parquet", "team": "bi"}, "Description": "the stores", "Owner": "bi"}
    catalogue.glue.update_table(DatabaseName=catalogue.config.database, TableInput={**kept, **others})
    known = catalogue.table("store")
    assert known
    catalogue.put_table(replace(known, columns=(*known.columns, CatalogueColumn("x", "string"))))
    raw = catalogue.glue.get_table(DatabaseName=catalogue.config.database, Name="store")["Table"]
    assert (raw["Description"], raw["Owner"], raw["Parameters"]["team"]) == ("the stores", "bi", "bi")
    assert [each["Name"] for each in raw["StorageDescriptor"]["Columns"]] == ["id", "opens_at", "x"]
    assert raw["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")


def test_a_table_that_changed_since_it_was_read_is_not_overwritten(s3: S3Server, catalogue: GlueCatalogue) -> None:
    known = catalogue.table("store")
    assert known
    catalogue.put_table(replace(known, columns=(*known.columns, CatalogueColumn("x", "string"))))
    with pytest.raises(CatalogueError) as raised:
        catalogue.put_table(replace(known, columns=(*known.columns, CatalogueColumn("y", "string"))))
    assert raised.value.fault is CatalogueFault.CHANGED
    with pytest.raises(CatalogueError) as made:
        catalogue.put_table(TABLE)
    assert made.value.fault is CatalogueFault.CHANGED, "somebody made it since"
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        now = through.table("store")
        assert now
        # Between its look and its write somebody else writes: Glue refuses by the version.
        raw = catalogue.glue.get_table(DatabaseName=catalogue.config.database, Name="store")
        proxy.rules.append(failing("GetTable", Answer(200, _json(raw), "application/x-amz-json-1.1")))
        catalogue.put_table(replace(now, parameters={"other": "1"}))
        with pytest.raises(CatalogueError) as late:
            through.put_table(replace(now, parameters={"mine": "1"}))
    assert late.value.fault is CatalogueFault.CHANGED
    found = catalogue.table("store")
    assert found
    assert found.parameters == {"other": "1"}


def _json(answer: dict[str, Any]) -> bytes:
    return json.dumps({"Table": answer["Table"]}, default=lambda moment: moment.timestamp()).encode()


def test_tables_that_are_no_parquet_by_name_are_known_as_such(catalogue: GlueCatalogue) -> None:
    raw = catalogue.glue.get_table(DatabaseName=catalogue.config.database, Name="store")["Table"]
    kept = {name: raw[name] for name in ("StorageDescriptor", "PartitionKeys", "TableType")}
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}
    by_place = {**kept["StorageDescriptor"]["SerdeInfo"], "Parameters": {"parquet.column.index.access": "true"}}
    for name, info in (("csv", serde), ("placed", by_place)):
        storage = {**kept["StorageDescriptor"], "SerdeInfo": info}
        table = {**kept, "Name": name, "StorageDescriptor": storage}
        catalogue.glue.create_table(DatabaseName=catalogue.config.database, TableInput=table)
    catalogue.glue.create_table(
        DatabaseName=catalogue.config.database, TableInput={"Name": "view", "TableType": "VIRTUAL_VIEW"}
    )
    assert {name: table.is_parquet for name, table in catalogue.tables().items()} == {
        "store": True,
        "csv": False,
        "placed": False,
        "view": False,
    }


def test_reading_writes_nothing(s3: S3Server, catalogue: GlueCatalogue) -> None:
    catalogue.put_partitions("store", [_partition(DAY)])
    with aws_proxy(s3.endpoint_url) as proxy:
        through = GlueCatalogue(config(s3, url=proxy.url, database=catalogue.config.database))
        through.ensure_database()
        through.tables()
        through.partitions("store")
    assert writes(proxy.seen) == []
