"""Athena through Dagster's resource: its answers, its refusals, and a query that nobody waits for any more."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from radar_pipeline.lake.catalogue.glue import CatalogueError, GlueCatalogue, GlueConfig
from radar_pipeline.orchestration.catalogue.athena import Answer, AthenaQueryError, AthenaWorkgroup
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.aws_proxy import Answer as Response
from radar_pipeline_tests.aws_proxy import AwsProxy, Seen, aws_proxy, json_error
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

SECRET = "geheim-und-lang"


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[AwsProxy]:
    with aws_proxy(s3.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def athena(s3: S3Server, bucket: str, proxy: AwsProxy) -> AthenaWorkgroup:
    s3.endpoint.ensure_workgroup("radar-analytics", f"s3://{bucket}/results/")
    s3.endpoint.ensure_workgroup("radar-analytics", f"s3://{bucket}/results/")
    return AthenaWorkgroup(
        workgroup="radar-analytics",
        database="bronze_radar",
        region=s3.region,
        endpoint_url=proxy.url,
        output=f"s3://{bucket}/results/",
        timeout=0.4,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=SECRET,
    )


def test_an_answer_has_its_columns_its_rows_and_nothing_for_null(athena: AthenaWorkgroup) -> None:
    found = athena.get_client().ask("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t(n, word) ORDER BY n")
    assert found == Answer(("n", "word"), (("1", "a"), ("2", None)), found.scanned_bytes)
    assert athena.get_client().ask("SELECT 1 AS n WHERE 1 = 2").rows == ()
    assert athena.get_client().look() == "ENABLED"


def test_a_query_that_takes_too_long_is_stopped_and_not_paid_for_any_longer(
    athena: AthenaWorkgroup, proxy: AwsProxy
) -> None:
    def never_ends(seen: Seen) -> Response | None:
        if "GetQueryExecution" not in seen.target:
            return None
        body = {"QueryExecution": {"QueryExecutionId": "x", "Status": {"State": "RUNNING"}}}
        return Response(200, json.dumps(body).encode(), "application/x-amz-json-1.1")

    proxy.rules.append(never_ends)
    with pytest.raises(AthenaQueryError, match="the query is stopped"):
        athena.get_client().ask("SELECT 1")
    assert proxy.count("POST", "StopQueryExecution") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDeniedException", "docs/production.md lists the rights"),
        ("UnrecognizedClientException", "FARMARCAS_AWS_ACCESS_KEY_ID"),
        ("InvalidRequestException", "RADAR_ATHENA_WORKGROUP"),
    ],
)
def test_a_refusal_is_one_sentence_with_what_to_do(
    athena: AthenaWorkgroup, proxy: AwsProxy, code: str, words: str
) -> None:
    proxy.rules.append(lambda seen: json_error(400, code) if "StartQueryExecution" in seen.target else None)
    with pytest.raises(AthenaQueryError) as refused:
        athena.get_client().ask("SELECT 1")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert SECRET not in f"{refused.value!r} {athena!r} {athena}"


@pytest.mark.parametrize("profile", [None, "nope"], ids=["no keys", "no such profile"])
def test_without_keys_it_is_the_keys_that_are_to_be_looked_at(
    athena: AthenaWorkgroup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str | None
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    without = athena.model_copy(update={"aws_access_key_id": None, "aws_secret_access_key": None})
    with pytest.raises(AthenaQueryError, match="Check FARMARCAS_AWS_ACCESS_KEY_ID"):
        without.get_client().ask("SELECT 1")
    glue = GlueCatalogue(GlueConfig("bronze_radar", region=athena.region, endpoint_url=athena.endpoint_url))
    with pytest.raises(CatalogueError, match="check FARMARCAS_AWS_ACCESS_KEY_ID"):
        glue.tables()


def test_a_failed_query_says_why_without_a_trace(athena: AthenaWorkgroup, proxy: AwsProxy) -> None:
    with pytest.raises(AthenaQueryError, match='column "nope" not found'):
        athena.get_client().ask("SELECT nope FROM (VALUES (1)) t(n)")
    reason = "INTERNAL Error: index 24\n\nStack Trace:\n\n/some/where.so(+0x5b)"
    body = {"QueryExecution": {"QueryExecutionId": "x", "Status": {"State": "FAILED", "StateChangeReason": reason}}}
    failed = Response(200, json.dumps(body).encode(), "application/x-amz-json-1.1")
    proxy.rules.append(lambda seen: failed if "GetQueryExecution" in seen.target else None)
    with pytest.raises(AthenaQueryError, match=r"INTERNAL Error: index 24$"):
        athena.get_client().ask("SELECT 1")


def test_the_newest_day_of_a_table_can_be_asked_for(athena: AthenaWorkgroup, s3: S3Server, bucket: str) -> None:
    """DuckDB 1.5.5 broke on it; see the lock of the local endpoint."""
    glue, where = s3.client("glue"), f"s3://{bucket}/store/"
    body = pa.BufferOutputStream()
    pq.write_table(pa.table({"Id": [1, 2]}), body)
    s3.client().put_object(
        Bucket=bucket, Key="store/cog_dt_ingestion=2026-11-24/a.parquet", Body=body.getvalue().to_pybytes()
    )
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "newest_day"})
    parquet = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    columns = [{"Name": "Id", "Type": "bigint"}]
    stored = {"Location": where, "Columns": columns, "SerdeInfo": parquet}
    table = {
        "Name": "store",
        "StorageDescriptor": stored,
        "PartitionKeys": [{"Name": "cog_dt_ingestion", "Type": "string"}],
    }
    glue.create_table(DatabaseName="newest_day", TableInput=table)
    found = athena.get_client().ask("SELECT max(cog_dt_ingestion) AS day FROM newest_day.store")
    assert found.rows == (("2026-11-24",),)


def test_there_is_no_athena_where_no_workgroup_is_set() -> None:
    assert Systems(Settings(), Registry(())).athena is None
