"""Listing with storage classes: tables in parallel against boto3's one serial listing of the same objects.

Both sides run as processes of their own, in turn. First against the local S3 endpoint, 85 tables of 200 objects, pages
of 100 on both sides so that a table has more than one, directly and through a proxy that adds 20 ms to every answer.
That endpoint is one Python process that walks its whole bucket for each page, so directly it is measured more than we
are, and it cannot hold seven years. So then against a server that answers listings from memory, 20 ms after it was
asked, pages of 1,000: 85 tables of 1,000 objects, and seven years of 85 tables with 4 files a day, 850,000 objects in
all, ours alone. To reach: 4 x faster where answers take their time; seven years in 60 s and 500 MB.

Run: ``python -m benchmarks.lake_listing``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.common import Measured, end_cleanly_when_told, in_fresh_process, peak_mb, print_table, status
from benchmarks.landing_proof import LATENCY, Proxy, local_s3
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.local.aws import AwsEndpoint

PREFIX, BUCKET = "origin=airbyte/database=bronze_radar", "lake-listing"
TABLES, SMALL, SMALL_PAGE, PAGE = 85, 200, 100, 1000
# 2,500 days of 4 files, of which each page holds 250.
SEVEN_YEARS_PAGES = 10
FASTER, SECONDS, MEGABYTES = 4.0, 60.0, 500.0


def names() -> list[str]:
    return [f"table_{number:04d}" for number in range(TABLES)]


def ours(request: dict[str, Any]) -> int:
    from radar_pipeline.lake.listing import list_tables  # noqa: PLC0415 - each side pays for its own imports
    from radar_pipeline.lake.store import LakeConfig, LakeStore  # noqa: PLC0415 - each side pays for its own imports

    config = LakeConfig(
        request["bucket"],
        region="us-east-2",
        endpoint_url=request["url"],
        access_key_id=request["key"],
        secret_access_key=request["secret"],
    )
    store = LakeStore(config)
    store.lister.meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.setdefault("MaxKeys", request["page"])
    )
    found = 0
    for listing in list_tables(store, BronzeLayout(PREFIX), names()):
        if listing.problem:
            raise SystemExit(listing.problem)
        found += len(listing.objects)
    return found


def peer(request: dict[str, Any]) -> int:
    import boto3  # noqa: PLC0415 - each side pays for its own imports
    from botocore.config import Config  # noqa: PLC0415 - each side pays for its own imports

    s3 = boto3.client(
        "s3",
        region_name="us-east-2",
        endpoint_url=request["url"],
        aws_access_key_id=request["key"],
        aws_secret_access_key=request["secret"],
        config=Config(s3={"addressing_style": "path"}),
    )
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=request["bucket"], Prefix=f"{PREFIX}/", PaginationConfig={"PageSize": request["page"]}
    )
    return sum(len(page.get("Contents", ())) for page in pages)


def child(request: dict[str, Any]) -> None:
    """One side of one case, in a process of its own; prints what it took."""
    side = {"ours": ours, "peer": peer}[request["side"]]
    begin = time.perf_counter()
    found = side(request)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "found": found, "cpu": time.process_time(), "peak_mb": peak_mb()}))


def one_page(day: int) -> str:
    """A page as S3 writes it, of a table whose name is to be filled in."""
    rows = [
        f"<Contents><Key>{PREFIX}/TABLE/cog_dt_ingestion={2020 + (day + number // 4) // 365}-"
        f"{(day + number // 4) % 365 // 31 + 1:02d}-{(day + number // 4) % 365 % 31 + 1:02d}/"
        f"file_TABLE_2026_11_23_1795399200000_{number % 4}.parquet</Key><LastModified>2026-11-23T02:00:01.000Z"
        f"</LastModified><ETag>&quot;{number:032x}&quot;</ETag><Size>{1_000_000 + number}</Size>"
        "<StorageClass>STANDARD_IA</StorageClass></Contents>"
        for number in range(PAGE)
    ]
    return "".join(rows)


class _Listings(BaseHTTPRequestHandler):
    """Answers ``list-type=2``; the bucket's name says how many pages a table has."""

    protocol_version = "HTTP/1.1"
    pages = [one_page(250 * number) for number in range(SEVEN_YEARS_PAGES)]  # noqa: RUF012 - written once

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        pages, tables = int(url.path.strip("/").rsplit("-", 1)[1]), names()
        table = asked["prefix"].removeprefix(f"{PREFIX}/").strip("/")
        first, last = (0, len(tables) * pages) if not table else (0, pages)
        number = int(asked.get("continuation-token", first))
        name, page = table or tables[number // pages], self.pages[number % pages]
        more = "true" if number + 1 < last else "false"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<KeyCount>{PAGE}</KeyCount><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>"
            f"<NextContinuationToken>{number + 1}</NextContinuationToken>"
            f"{page.replace('TABLE', name)}</ListBucketResult>"
        ).encode()
        time.sleep(LATENCY)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


def _serve(port: Any) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Listings) as server:
        port.value = server.server_port
        server.serve_forever()


@contextlib.contextmanager
def listing_server() -> Iterator[str]:
    """A server of listings in a process of its own; its address is yielded."""
    context = multiprocessing.get_context("fork")
    port = context.Value("i", 0)
    process = context.Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        while not port.value:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port.value}"
    finally:
        process.kill()
        process.join()


def fill(endpoint: AwsEndpoint) -> None:
    endpoint.ensure_bucket(BUCKET)
    s3, layout = endpoint.client("s3"), BronzeLayout(PREFIX)
    keys = [
        f"{layout.table_prefix(table)}cog_dt_ingestion=2026-{number // 28 + 1:02d}-{number % 28 + 1:02d}/file.parquet"
        for table in names()
        for number in range(SMALL)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=b""), keys))


def sides(request: dict[str, Any], rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The quickest round of each side: whatever else the machine does only ever slows one down."""
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        for side, results in found.items():
            results.append(in_fresh_process("benchmarks.lake_listing", {**request, "side": side}))
    mine, theirs = (min(results, key=lambda each: each["seconds"]) for results in found.values())
    if mine["found"] != theirs["found"]:
        message = f"the two sides disagree: {mine['found']} and {theirs['found']} objects"
        raise SystemExit(message)
    return mine, theirs


def compared(what: str, mine: dict[str, Any], theirs: dict[str, Any], *, has_target: bool) -> Measured:
    ratio = theirs["seconds"] / mine["seconds"]
    return Measured(
        f"lake listing: {what}",
        mine["seconds"],
        "boto3, one listing",
        theirs["seconds"],
        ratio,
        f"{FASTER:g} x" if has_target else "-",
        ratio >= FASTER if has_target else None,
        peak_mb=mine["peak_mb"],
    )


def measure(*, rounds: int = 2) -> list[Measured]:
    """Every case, both sides in turn; seven years once, ours alone."""
    rows = []
    with local_s3() as endpoint:
        fill(endpoint)
        keys = {"bucket": BUCKET, "key": endpoint.access_key_id, "secret": endpoint.secret_access_key}
        for latency in (0.0, LATENCY):
            with Proxy(endpoint.port, latency).running() if latency else contextlib.nullcontext(endpoint.port) as port:
                request = {**keys, "page": SMALL_PAGE, "url": f"http://127.0.0.1:{port}"}
                what = f"{TABLES} tables x {SMALL}" + (f", +{latency * 1000:.0f} ms" if latency else "")
                rows.append(compared(what, *sides(request, rounds), has_target=bool(latency)))
    with listing_server() as url:
        request = {"key": "any", "secret": "any", "page": PAGE, "url": url}
        what = f"{TABLES} tables x {PAGE:,}, +{LATENCY * 1000:.0f} ms"
        rows.append(compared(what, *sides({**request, "bucket": "pages-1"}, rounds), has_target=True))
        years = {**request, "bucket": f"pages-{SEVEN_YEARS_PAGES}", "side": "ours"}
        found = in_fresh_process("benchmarks.lake_listing", years)
    rows.append(
        Measured(
            f"lake listing: {found['found']:,} objects, +{LATENCY * 1000:.0f} ms",
            found["seconds"],
            "a minute",
            SECONDS,
            SECONDS / found["seconds"],
            f"{SECONDS:g} s, {MEGABYTES:g} MB",
            found["seconds"] <= SECONDS and found["peak_mb"] <= MEGABYTES,
            peak_mb=found["peak_mb"],
        )
    )
    return rows


def main(arguments: list[str] | None = None) -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each case (default %(default)s)")
    options = parser.parse_args(arguments)
    if options.child:
        child(json.load(sys.stdin))
        return 0
    rows = measure(rounds=options.rounds)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
