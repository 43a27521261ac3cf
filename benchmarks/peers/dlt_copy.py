"""The peer: dlt with its connectorx backend, MySQL to Parquet in S3. Runs in a virtual environment of its own.

Reads the same JSON document as the extraction worker on stdin and prints the number of rows. Settings that help it are
switched on: tables in parallel, no reflection beyond what it needs, no telemetry.
"""

import json
import os
import sys
from urllib.parse import quote

request = json.load(sys.stdin)
source, target = request["source"], request["destination"]
os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "EXTRACT__WORKERS": str(request["concurrency"]),
        "DESTINATION__FILESYSTEM__BUCKET_URL": f"s3://{target['bucket']}/dlt",
        "DESTINATION__FILESYSTEM__CREDENTIALS__AWS_ACCESS_KEY_ID": target["access_key_id"],
        "DESTINATION__FILESYSTEM__CREDENTIALS__AWS_SECRET_ACCESS_KEY": target["secret_access_key"],
        "DESTINATION__FILESYSTEM__CREDENTIALS__ENDPOINT_URL": target["endpoint_url"],
        "DESTINATION__FILESYSTEM__CREDENTIALS__REGION_NAME": target["region"],
    }
)

import dlt  # noqa: E402 - reads the environment
from dlt.sources.sql_database import sql_database  # noqa: E402

login = f"{quote(source['user'])}:{quote(source['password'])}@{source['host']}:{source['port']}/{source['database']}"
tables = sql_database(
    f"mysql+pymysql://{login}",
    table_names=[table["name"] for table in request["tables"]],
    backend="connectorx",
    reflection_level="minimal",
    backend_kwargs={"conn": f"mysql://{login}"},
)
pipeline = dlt.pipeline(
    "extract_bench", destination="filesystem", dataset_name="radar", pipelines_dir=request["spool_dir"]
)
pipeline.run(tables.parallelize(), loader_file_format="parquet", write_disposition="append")
counts = pipeline.last_trace.last_normalize_info.row_counts
print(sum(rows for table, rows in counts.items() if not table.startswith("_dlt")))
