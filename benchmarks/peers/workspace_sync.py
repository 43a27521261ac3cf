"""The peer: dagster-airbyte's own assets of one connection, synced by ``AirbyteWorkspace.sync_and_poll``.

As its documentation shows them, one asset a table; no proof, no checks, no partitions.
"""

import re
from typing import Any

import dagster as dg
from dagster_airbyte import AirbyteConnectionTableProps, AirbyteWorkspace, DagsterAirbyteTranslator, airbyte_assets


class PlainNames(DagsterAirbyteTranslator):
    """Without it the package cannot load a table whose name has letters beyond ASCII, and the demonstration has one."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """The package's own asset, under a name that Dagster takes."""
        return (
            super().get_asset_spec(props).replace_attributes(key=re.sub(r"\W", "_", props.table_name, flags=re.ASCII))
        )


def job(request: dict[str, Any]) -> dg.JobDefinition:
    """The job over all tables of the connection."""
    workspace = AirbyteWorkspace(
        workspace_id=request["workspace_id"],
        rest_api_base_url=f"{request['airbyte_url']}/api/public/v1",
        configuration_api_base_url=f"{request['airbyte_url']}/api/v1",
        client_id=request["client_id"],
        client_secret=request["client_secret"],
        poll_interval=request["poll_seconds"],
    )

    @airbyte_assets(
        connection_id=request["connection_id"], workspace=workspace, dagster_airbyte_translator=PlainNames()
    )
    def radar_connection(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Any:
        yield from airbyte.sync_and_poll(context=context)

    definitions = dg.Definitions(
        assets=[radar_connection],
        resources={"airbyte": workspace},
        jobs=[dg.define_asset_job("sync_job", selection=dg.AssetSelection.assets(radar_connection))],
    )
    return definitions.resolve_job_def("sync_job")
