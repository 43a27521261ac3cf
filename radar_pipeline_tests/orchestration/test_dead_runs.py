"""Whose process died is ended; whose process lives, or lives elsewhere, is left alone."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest

from radar_pipeline.orchestration.dead_runs import PROCESS_TAG, end_dead_runs, process_tag


@dg.op
def nothing() -> None: ...


@dg.job
def empty() -> None:
    nothing()


def started_run(instance: dg.DagsterInstance, tag: str | None) -> str:
    run = instance.create_run_for_job(
        empty, tags={PROCESS_TAG: tag} if tag else None, status=dg.DagsterRunStatus.STARTED
    )
    return run.run_id


def tag_of_a_dead_process() -> str:
    code = "from radar_pipeline.orchestration.dead_runs import process_tag; print(process_tag())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_run_whose_process_died_is_ended_as_failed() -> None:
    with dg.instance_for_test() as instance:
        dead = started_run(instance, tag_of_a_dead_process())
        assert end_dead_runs(instance) == [dead]
        run = instance.get_run_by_id(dead)
        assert run
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert end_dead_runs(instance) == []


@pytest.mark.parametrize(
    "tag", [process_tag(), "elsewhere/1/1", "unreadable", None], ids=["own", "host", "odd", "none"]
)
def test_a_run_that_may_live_is_left_alone(tag: str | None) -> None:
    with dg.instance_for_test() as instance:
        started_run(instance, tag)
        assert end_dead_runs(instance) == []


def test_a_number_that_another_process_has_by_now_is_not_mistaken_for_the_run() -> None:
    host, number, started = process_tag().split("/")
    with dg.instance_for_test() as instance:
        dead = started_run(instance, f"{host}/{number}/{int(started) - 1}")
        assert end_dead_runs(instance) == [dead]
