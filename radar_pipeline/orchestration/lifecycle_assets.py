"""Retention as assets: the plan with its figures, and what was done, with their checks.

What belongs here: turning a survey and what came of it into Dagster events. What does not: finding out and doing
(retention), deciding (domain). Both assets come from one body, so that what is done is what was planned.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.keys import DAY_TIERS, RETENTION_PLAN, RETENTION_RUN
from radar_pipeline.orchestration.systems import Systems

GROUP = "lifecycle"

# dagster.yaml gives every pool one slot: two retention runs at once would do each other's work.
RETENTION_POOL = "lake_retention"

LIFECYCLE_MATCHES_POLICY = "lifecycle_matches_policy"
DELETIONS_WITHIN_BOUNDS = "deletions_within_bounds"
EVERY_STEP_DONE = "every_step_done"

_SPECS = [
    dg.AssetSpec(
        RETENTION_PLAN,
        description="What lies where in the lake, what the policy asks for and what that costs. Changes nothing.",
        group_name=GROUP,
        kinds={"s3"},
        owners=["team:data-engineering"],
        skippable=True,
    ),
    dg.AssetSpec(
        RETENTION_RUN,
        deps=[RETENTION_PLAN],
        description="What retention did: moved to colder tiers, merged, deleted. Not there for a run that only plans.",
        group_name=GROUP,
        kinds={"s3"},
        owners=["team:data-engineering"],
        skippable=True,
    ),
]

# Observed by retention runs, materialized by nobody.
DAY_TIERS_SPEC = dg.AssetSpec(
    DAY_TIERS,
    description="In which tier the days of every table lie, as spans of days, as retention observed them last. The "
    "partitions of the bronze assets carry the same, each its own.",
    group_name=GROUP,
    kinds={"s3"},
    owners=["team:data-engineering"],
)

_CHECKS = [
    dg.AssetCheckSpec(
        LIFECYCLE_MATCHES_POLICY,
        asset=RETENTION_PLAN,
        description="The bucket's own lifecycle rules are those of the policy, and no others touch the data.",
    ),
    dg.AssetCheckSpec(
        DELETIONS_WITHIN_BOUNDS,
        asset=RETENTION_PLAN,
        description="What is to be deleted stays within the policy's bounds; beyond them nothing is deleted.",
    ),
    dg.AssetCheckSpec(
        EVERY_STEP_DONE,
        asset=RETENTION_RUN,
        description="Every planned step was done, or left for a reason that is no fault.",
    ),
]


class RetentionConfig(dg.Config):
    """How a retention run is to act.

    Attributes:
        apply: Whether it acts; what RADAR_RETENTION_APPLY says where it is left out.
        allow_deletions: How many deletions a person has seen in the plan and allows although they exceed the bounds.
    """

    apply: bool | None = Field(None, description="Whether to act. Left out: what RADAR_RETENTION_APPLY says.")
    allow_deletions: int | None = Field(
        None, description="The number of planned deletions that a person allows although they exceed the bounds."
    )


def lifecycle_assets(systems: Systems, alerting: Alerting) -> dg.AssetsDefinition:
    """The plan and what was done, unpartitioned."""

    @dg.multi_asset(name="retention", specs=_SPECS, check_specs=_CHECKS, can_subset=True, pool=RETENTION_POOL)
    def retention(context: dg.AssetExecutionContext, config: RetentionConfig) -> Iterator[Any]:
        from radar_pipeline.domain.diagnosis import Origin, diagnose
        from radar_pipeline.orchestration.failing import failure, plain_failures
        from radar_pipeline.orchestration.lifecycle_run import LifecycleRun
        from radar_pipeline.orchestration.retention import AllowanceError

        with plain_failures(systems.settings, context.log.debug):
            wanted = systems.settings.retention_apply if config.apply is None else config.apply
            run = LifecycleRun(
                systems,
                alerting,
                context.instance,
                log=context.log.info,
                report=context.log_event,
                links=alerting.links_of_run(context.run.run_id),
            )
            selected, checks = context.selected_asset_keys, {key.name for key in context.selected_asset_check_keys}
            survey = run.survey()
            if RETENTION_PLAN in selected:
                yield run.plan_result(survey)
            yield from run.plan_checks(survey, checks)
            if RETENTION_RUN not in selected or not wanted:
                run.tell(survey)
                context.log.info("nothing was done: this run only plans")
                return
            try:
                applied = run.apply(survey, run_id=context.run.run_id, allow_deletions=config.allow_deletions)
            except AllowanceError as error:
                raise failure(str(error), diagnose(str(error), origin=Origin.CONFIGURATION)) from None
            run.tell(survey, applied)
            yield run.run_result(survey, applied)
            yield from run.run_checks(applied, checks)

    return retention
