"""radar retention hold | release: data that must not be deleted whatever its age, and the end of that."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from radar_pipeline.cli.console import UsageProblem, out, plain_errors, print_json
from radar_pipeline.cli.platform import load_platform
from radar_pipeline.cli.retention_shared import date_of, known_table

if TYPE_CHECKING:
    from radar_pipeline.orchestration.systems import Systems

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_by = click.option("--by", default=getpass.getuser, show_default="your user name", help="Who says so.")


@click.command("hold")
@click.argument("table")
@click.option("--from", "first", metavar="YYYY-MM-DD", help="First day that is held; from the beginning by default.")
@click.option("--to", "last", metavar="YYYY-MM-DD", help="Last day that is held; without an end by default.")
@click.option("--reason", required=True, help="Why, for whoever may release it: a case, a ticket.")
@_by
@_as_json
def hold_command(table: str, first: str | None, last: str | None, reason: str, by: str, as_json: bool) -> None:
    """Keep days of TABLE from being deleted, whatever the policy says, until the hold is released.

    Whoever reads the answer has the id that releases it. A hold keeps data from deletion, not from colder tiers.
    """
    from radar_pipeline.cli.retention_view import hold_document
    from radar_pipeline.lake.holds import place_hold

    with plain_errors():
        platform = load_platform()
        known_table(platform, table)
        systems = platform.systems
        try:
            hold = place_hold(
                systems.lake,
                systems.layout,
                table=table,
                first=date_of("--from", first) if first else None,
                last=date_of("--to", last) if last else None,
                reason=reason.strip(),
                by=by.strip(),
                now=platform.clock(),
            )
        except ValueError as error:
            raise UsageProblem(str(error)) from None
        follow = _rules_that_follow(systems)
    if as_json:
        print_json({**hold_document(hold), "rules_to_apply": follow})
        return
    span = f"from {hold.first or 'the beginning'} to {hold.last or 'no end'}"
    out.print(f"{table} is held {span} by {hold.by}: {hold.reason}", highlight=False, markup=False, soft_wrap=True)
    out.print(f"Its end: radar retention release {hold.id} --reason ...", highlight=False, markup=False)
    _say(follow)


@click.command("release")
@click.argument("hold_id", metavar="ID")
@click.option("--reason", required=True, help="Why nobody needs it any more.")
@_by
@_as_json
def release_command(hold_id: str, reason: str, by: str, as_json: bool) -> None:
    """End the hold of that ID (`radar retention status` lists them): what is due is deleted by the next run."""
    from radar_pipeline.cli.retention_view import hold_document
    from radar_pipeline.lake.errors import LakeError, LakeFault
    from radar_pipeline.lake.holds import release_hold

    if hold_id == "registry":
        message = "that hold is stated by the registry: remove `hold` of the table in radar_tables.yaml"
        raise UsageProblem(message)
    with plain_errors():
        platform = load_platform()
        systems = platform.systems
        try:
            hold = release_hold(
                systems.lake, systems.layout, hold_id, by=by.strip(), reason=reason.strip(), now=platform.clock()
            )
        except ValueError as error:
            raise UsageProblem(str(error)) from None
        except LakeError as error:
            if error.fault is LakeFault.MISSING:
                message = f"there is no hold {hold_id!r}: `radar retention status` lists them"
                raise UsageProblem(message) from None
            raise
        follow = _rules_that_follow(systems)
    if as_json:
        print_json({**hold_document(hold), "rules_to_apply": follow})
        return
    out.print(
        f"the hold {hold.id} on {hold.table} is released by {hold.released_by}: {hold.release_reason}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    _say(follow)


def _rules_that_follow(systems: Systems) -> list[str]:
    """Rules of the bucket that are to be put right now: while data is held, none may remove quarantined files."""
    from radar_pipeline.orchestration.retention import Retention

    retention = Retention(systems)
    rules = retention.rules(retention.policy(), retention.holds())
    if rules.diff is None or not rules.ours:
        return []
    return [*(each.id for each in rules.diff.changed), *rules.diff.missing]


def _say(follow: list[str]) -> None:
    if follow:
        out.print(
            f"Now put the bucket's rules right, {', '.join(follow)}: radar retention rules --apply",
            style="yellow",
            highlight=False,
            markup=False,
        )
