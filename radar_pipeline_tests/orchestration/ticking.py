"""What a daemon leaves in an instance's storage: states, ticks and heartbeats."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import dagster as dg
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo


def _origin(name: str, location: str) -> RemoteInstigatorOrigin:
    server = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=1, location_name=location)
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(server, "__repository__"), name)


def sensor_state(
    name: str, *, on: bool = True, location: str = "radar_pipeline", ticked: dt.datetime | None = None
) -> InstigatorState:
    status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
    data = SensorInstigatorData(last_tick_timestamp=ticked.timestamp() if ticked else None, min_interval=30)
    return InstigatorState(_origin(name, location), InstigatorType.SENSOR, status, data)


def schedule_state(
    name: str, *, since: dt.datetime, on: bool = True, location: str = "radar_pipeline"
) -> InstigatorState:
    status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
    data = ScheduleInstigatorData("0 2 * * *", since.timestamp() if on else None)
    return InstigatorState(_origin(name, location), InstigatorType.SCHEDULE, status, data)


def leave(
    instance: dg.DagsterInstance,
    state: InstigatorState,
    *ticks: dt.datetime,
    status: TickStatus = TickStatus.SKIPPED,
) -> None:
    """Leaves a state, and ticks that ended."""
    known = {each.instigator_origin_id for each in instance.all_instigator_state()}
    if state.instigator_origin_id in known:
        instance.update_instigator_state(state)
    else:
        instance.add_instigator_state(state)
    for tick in ticks:
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                state.name,
                state.instigator_type,
                status,
                tick.timestamp(),
                selector_id=state.selector_id,
                error=SerializableErrorInfo("it broke", [], None) if status is TickStatus.FAILURE else None,
            )
        )


def beat(instance: dg.DagsterInstance, at: dt.datetime, names: Iterable[str] | None = None) -> None:
    """Leaves a heartbeat of each daemon."""
    for name in names or instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), name, "the-daemon"))
