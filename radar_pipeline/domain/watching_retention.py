"""What the retention of the lake is worth telling: rules that drifted from the policy, a run that stopped or failed.

Both alerts say how things stand now and not what happened: the same findings lead to the same alert, and findings
without a fault end it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from radar_pipeline.domain.alert import Alert, AlertKind, Link, Resolution
from radar_pipeline.domain.facts import Watched
from radar_pipeline.domain.retention_rules import RulesDiff
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.wording import plural

# As many single faults as an alert names one by one.
_NAMED = 3


def differences(diff: RulesDiff) -> tuple[str, ...]:
    """How the bucket's rules differ from the policy, one sentence each, the worst first."""
    return (
        *diff.deleting,
        *diff.interfering,
        *(f"rule {name} is not set" for name in diff.missing),
        *(f"rule {each.id} is set differently: {'; '.join(each.differences)}" for each in diff.changed),
        *(f"rule {name} is set and the policy asks for it no longer" for name in diff.unwanted),
    )


def watch_rules(
    diff: RulesDiff | None,
    problem: str | None,
    *,
    bucket: str,
    is_set_up: bool,
    now: dt.datetime,
    opened: Mapping[str, Alert],
) -> Watched:
    """Decides what the bucket's rules are worth.

    Args:
        diff: How they differ from the policy; None where they could not be read.
        problem: Why they could not be read; None where they could.
        bucket: Name of the bucket.
        is_set_up: Whether somebody relies on them: retention acts, or a rule of the platform is set. Before that,
            rules that are missing are no drift. A rule of others that deletes data is told in any case.
        now: What time it is, UTC.
        opened: Alerts that are open, by fingerprint.
    """
    fingerprint = f"lifecycle/{bucket}"
    found = differences(diff) if diff else ()
    if problem:
        # What cannot be read is no drift, and no sign that there is none.
        return Watched()
    if not found or not (is_set_up or (diff and diff.deleting)):
        how = "The bucket's rules are those of the policy." if not found else "Nobody relies on the bucket's rules."
        return Watched(resolved=(Resolution(fingerprint, now, how),) if fingerprint in opened else ())
    grave = bool(diff and diff.deleting)
    alert = Alert(
        fingerprint=fingerprint,
        kind=AlertKind.LIFECYCLE_DRIFT,
        severity=Severity.CRITICAL if grave else Severity.WARNING,
        title=f"The lifecycle rules of {bucket} "
        + ("delete data that the policy keeps" if grave else "are not those of the policy"),
        summary=_sentences(found),
        since=now,
        day=now.date(),
        cause="Somebody changed the rules of the bucket, or the policy was changed and not put into the bucket.",
        next_step="radar retention rules shows the difference; radar retention rules --apply puts ours right",
        numbers={"differences": str(len(found))},
    )
    return Watched((alert,))


def watch_retention(
    *,
    bucket: str,
    stops: Sequence[str],
    failures: Sequence[str],
    now: dt.datetime,
    opened: Mapping[str, Alert],
    links: tuple[Link, ...] = (),
) -> Watched:
    """Decides what a retention run is worth.

    Args:
        bucket: Name of the bucket.
        stops: Why nothing was deleted: bounds that the plan exceeds.
        failures: What could not be planned or done, one sentence each.
        now: What time it is, UTC.
        opened: Alerts that are open, by fingerprint.
        links: Where a person sees the run.
    """
    fingerprint = f"retention/{bucket}"
    if not stops and not failures:
        how = "A retention run found no bound exceeded and did all that was due."
        return Watched(resolved=(Resolution(fingerprint, now, how),) if fingerprint in opened else ())
    what = "wants to delete more than its bounds allow" if stops else "could not do all that is due"
    alert = Alert(
        fingerprint=fingerprint,
        kind=AlertKind.RETENTION_STOPPED,
        severity=Severity.ERROR,
        title=f"Retention of {bucket} {what}",
        summary=("Nothing was deleted. " if stops else "") + _sentences((*stops, *failures)),
        since=now,
        day=now.date(),
        cause="" if stops else "S3 refused single objects, or did not answer for long enough.",
        next_step="Look at the plan: radar retention plan"
        + ("; if it is right: radar retention apply --allow-deletions N" if stops else ""),
        links=links,
        follows=(f"{plural(len(failures), 'object or table', 'objects or tables')} failed",)
        if stops and failures
        else (),
    )
    return Watched((alert,))


def _sentences(found: Sequence[str]) -> str:
    """The first few in full, and how many more."""
    told = [each.rstrip(".") for each in found[:_NAMED]]
    rest = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return f"{'; '.join(told)}{rest}."
