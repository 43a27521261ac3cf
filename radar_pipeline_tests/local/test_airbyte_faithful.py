"""The clients of others, unchanged, against the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import airbyte_api
import pytest
from airbyte_api import api, models
from airbyte_api.errors import SDKError
from dagster import Failure
from dagster_airbyte import AirbyteResource, AirbyteWorkspace, load_assets_from_airbyte_instance
from dagster_airbyte.utils import generate_materializations

from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID, WORKSPACE_ID
from radar_pipeline_tests.local.airbyte_harness import CREDENTIALS, TABLES, Server, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::dagster.SupersessionWarning"),
]

BASIC = (CREDENTIALS["username"], CREDENTIALS["password"])


@pytest.fixture(scope="module", params=["0.39", "2.0"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("either"), request.param) as found:
        yield found


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("token"), "2.0", "--auth", "token") as found:
        yield found


@pytest.fixture(scope="module")
def with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("basic"), "2.0", "--auth", "basic") as found:
        found.auth = BASIC
        yield found


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    for name in ("server", "with_token", "with_password"):
        if name in request.fixturenames:
            request.getfixturevalue(name).local("POST", "reset")


def legacy(server: Server, **options: object) -> AirbyteResource:
    return AirbyteResource(host="127.0.0.1", port=server.port, poll_interval=0.1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("forward_logs", [True, False])
def test_the_legacy_resource_syncs_and_reads_the_rows_of_each_table(
    server: Server, forward_logs: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    output = legacy(server, forward_logs=forward_logs).sync_and_poll(CONNECTION_ID)

    found = {m.asset_key.path[-1]: m.metadata for m in generate_materializations(output, ["bronze_radar"])}
    assert set(found) == set(TABLES)
    assert {table: metadata["recordsCommitted"].value for table, metadata in found.items()} == dict.fromkeys(
        TABLES, 100
    )
    # Structured logs, which servers from 1.2 on have, are not forwarded by this client.
    forwarded = forward_logs and server.local("GET", "health")["era"] == "0.39"
    assert ("Starting stream store" in capsys.readouterr().out) == forwarded
    assert server.sync_posts() == 1


def test_the_legacy_resource_cancels_the_sync_of_a_run_that_gives_up(server: Server) -> None:
    server.fault("stuck-job")

    with pytest.raises(Failure, match="Timeout"):
        legacy(server).sync_and_poll(CONNECTION_ID, poll_timeout=0.5)

    jobs = server.config("jobs/list", {"configTypes": ["sync"], "configId": CONNECTION_ID})["jobs"]
    assert jobs[0]["job"]["status"] == "cancelled"
    assert jobs[0]["attempts"][0]["failureSummary"]["failures"][0]["failureType"] == "manual_cancellation"


def test_the_legacy_resource_loads_its_connections_from_an_old_server(tmp_path: Path) -> None:
    with running(tmp_path, "0.39") as old:
        loaded = load_assets_from_airbyte_instance(legacy(old), key_prefix="bronze_radar")
        assets = loaded.compute_cacheable_data()

    assert {key.path[-1] for data in assets for key in (data.keys_by_output_name or {}).values()} == set(TABLES)


def workspace(server: Server, **credentials: str) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        workspace_id=WORKSPACE_ID,
        rest_api_base_url=f"{server.url}/api/public/v1",
        configuration_api_base_url=f"{server.url}/api/v1",
        poll_interval=0.1,
        request_max_retries=0,
        **credentials,
    )


@pytest.mark.parametrize("sign_in", ["with_token", "with_password"])
def test_the_workspace_resource_fetches_and_syncs(sign_in: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(sign_in)
    credentials = (
        {"client_id": CREDENTIALS["client_id"], "client_secret": CREDENTIALS["client_secret"]}
        if sign_in == "with_token"
        else {"username": BASIC[0], "password": BASIC[1]}
    )
    resource = workspace(server, **credentials)
    with resource.process_config_and_initialize_cm() as found:
        data = found.fetch_airbyte_workspace_data()
        output = found.get_client().sync_and_poll(CONNECTION_ID)

    streams = data.connections_by_id[CONNECTION_ID].streams
    assert {name for name, stream in streams.items() if stream.selected} == set(TABLES)
    assert output.job_details["status"] == "succeeded"
    assert output.job_details["rowsSynced"] == 100 * len(TABLES)


def test_the_workspace_resource_meets_a_status_that_it_does_not_know(with_password: Server) -> None:
    with_password.fault("queued-first", options={"seconds": 2})
    resource = workspace(with_password, username=BASIC[0], password=BASIC[1])
    with (
        resource.process_config_and_initialize_cm() as found,
        pytest.raises(Failure, match="unexpected state `queued`"),
    ):
        found.get_client().sync_and_poll(CONNECTION_ID)

    jobs = with_password.public("GET", "/jobs", params={"connectionId": CONNECTION_ID})["data"]
    assert [job["status"] for job in jobs] == ["cancelled"]


def sdk(server: Server, **changes: str) -> airbyte_api.AirbyteAPI:
    credentials = models.SchemeClientCredentials(
        client_id=changes.get("client_id", CREDENTIALS["client_id"]),
        client_secret=CREDENTIALS["client_secret"],
        token_url=f"{server.url}/api/public/v1/applications/token",
    )
    return airbyte_api.AirbyteAPI(
        server_url=f"{server.url}/api/public/v1", security=models.Security(client_credentials=credentials)
    )


def test_the_official_sdk_signs_in_lists_starts_reads_and_cancels(with_token: Server) -> None:
    with_token.fault("stuck-job")
    client = sdk(with_token)

    first = client.connections.list_connections(request=api.ListConnectionsRequest(limit=1)).connections_response
    rest = client.connections.list_connections(
        request=api.ListConnectionsRequest(limit=1, offset=1)
    ).connections_response
    assert [each.connection_id for each in first.data] == [CONNECTION_ID]
    assert "offset=1" in first.next
    assert (rest.data, rest.next) == ([], "")
    streams = first.data[0].configurations.streams
    assert {stream.name for stream in streams} == set(TABLES)

    request = models.JobCreateRequest(connection_id=CONNECTION_ID, job_type=models.JobTypeEnum.SYNC)
    job = client.jobs.create_job(request=request).job_response
    with pytest.raises(SDKError) as refused:
        client.jobs.create_job(request=request)
    assert refused.value.status_code == 409
    assert f"A sync is already running for: {CONNECTION_ID}" in refused.value.body

    known = client.jobs.get_job(request=api.GetJobRequest(job_id=job.job_id)).job_response
    assert known.status is not models.JobStatusEnum.SUCCEEDED
    assert known.last_updated_at is None
    ended = client.jobs.cancel_job(request=api.CancelJobRequest(job_id=job.job_id)).job_response
    assert ended.status is models.JobStatusEnum.CANCELLED
    assert ended.last_updated_at is not None


def test_the_official_sdk_pages_through_jobs_until_there_is_no_next_page(with_token: Server) -> None:
    client = sdk(with_token)
    started = []
    for _ in range(3):
        request = models.JobCreateRequest(connection_id=CONNECTION_ID, job_type=models.JobTypeEnum.SYNC)
        started.append(client.jobs.create_job(request=request).job_response.job_id)
        known = api.GetJobRequest(job_id=started[-1])
        deadline = time.monotonic() + 20
        while client.jobs.get_job(request=known).job_response.status is not models.JobStatusEnum.SUCCEEDED:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    seen: list[int] = []
    pages = 0
    while True:
        request = api.ListJobsRequest(connection_id=CONNECTION_ID, limit=1, offset=pages, order_by="createdAt|ASC")
        page = client.jobs.list_jobs(request=request).jobs_response
        seen += [job.job_id for job in page.data]
        pages += 1
        if not page.next:
            break
        assert f"offset={pages}" in page.next
    assert seen == started
    assert (pages, page.data) == (4, []), "a server links the next page until one is empty"
    assert "offset=2" in page.previous


def test_the_official_sdk_is_refused_with_a_wrong_client(with_token: Server) -> None:
    with pytest.raises(Exception, match="Unexpected status code 401 from token endpoint"):
        sdk(with_token, client_id="another").jobs.list_jobs(request=api.ListJobsRequest())


def test_two_syncs_of_the_official_sdk_at_once_start_one(with_token: Server) -> None:
    with_token.fault("stuck-job")
    client = sdk(with_token)
    client.jobs.list_jobs(request=api.ListJobsRequest())
    request = models.JobCreateRequest(connection_id=CONNECTION_ID, job_type=models.JobTypeEnum.SYNC)
    codes: list[int] = []

    def start() -> None:
        try:
            codes.append(client.jobs.create_job(request=request).raw_response.status_code)
        except SDKError as error:
            codes.append(error.status_code)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == [200, 409, 409, 409, 409, 409]
