"""What a run does for the alerts at its end: it notices where the alert sensor, which would tell of it, does not tick.

The sensor cannot tell that it is silent itself. The day's run comes from the scheduler or from a person and is there
every day, so it looks; ``radar alerts watch`` looks from outside, where no run comes either.
"""

from __future__ import annotations

import dagster as dg

from radar_pipeline.orchestration.alerting import Alerting


def watch_hooks(alerting: Alerting) -> frozenset[dg.HookDefinition]:
    """Hooks of a job. One that breaks is logged by Dagster and changes nothing about its run."""

    def look(context: dg.HookContext) -> None:
        report = alerting.stand_in(context.instance)
        if report:
            context.log.warning(f"the alert sensor or the daemon does not tick; this run told it: {report.words}")

    @dg.success_hook(name="watch_the_watchers_after_success")
    def after_success(context: dg.HookContext) -> None:
        look(context)

    @dg.failure_hook(name="watch_the_watchers_after_failure")
    def after_failure(context: dg.HookContext) -> None:
        look(context)

    return frozenset({after_success, after_failure})
