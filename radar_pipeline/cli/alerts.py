"""radar alerts: what is wrong now and was lately, who knows, and what has to be sent again."""

from __future__ import annotations

import datetime as dt
import getpass
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from radar_pipeline.cli.alerts_view import (
    COLOURS,
    alerts_table,
    letter_document,
    letters_table,
    record_document,
)
from radar_pipeline.cli.console import NOT_WELL, UsageProblem, out, plain_errors, print_json, progress
from radar_pipeline.cli.platform import Platform, dagster_instance, load_platform

if TYPE_CHECKING:
    import dagster as dg

    from radar_pipeline.alerts.centre import AlertCentre, DeadLetter


_SPANS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_by = click.option("--by", default=getpass.getuser, show_default="your user name", help="Who says so.")


@click.group("alerts")
def alerts_group() -> None:
    """What is wrong: list it, take it, silence it; test the channels, send again, watch the watchers."""


@contextmanager
def _opened() -> Iterator[tuple[Platform, dg.DagsterInstance, AlertCentre]]:
    with plain_errors():
        platform = load_platform()
        with dagster_instance() as instance, platform.alerting.office(instance) as office:
            yield platform, instance, office.centre


@alerts_group.command("list")
@click.option(
    "--days", type=click.IntRange(0, 365), default=2, show_default=True, help="How far back, beside open ones."
)
@_as_json
def list_command(days: int, as_json: bool) -> None:
    """Show open and recent alerts, who took them and what became of their messages; dead letters below."""
    with _opened() as (platform, _, centre):
        now = platform.clock()
        records = centre.records(since=now - dt.timedelta(days=days), now=now)
        letters = centre.dead_letters()
    if as_json:
        print_json(
            {
                "alerts": [record_document(each) for each in records],
                "dead_letters": [letter_document(each) for each in letters],
            }
        )
        return
    out.print(alerts_table(records) if records else "no alert is open, and none was told lately", highlight=False)
    if letters:
        out.print(letters_table(letters))
        out.print("Send them again with `radar alerts resend`.", highlight=False)


@alerts_group.command("ack")
@click.argument("fingerprint")
@_by
def ack_command(fingerprint: str, by: str) -> None:
    """Take an open alert: it is not repeated and not escalated until it gets worse. `list` shows FINGERPRINTs."""
    with _opened() as (platform, _, centre):
        if not centre.acknowledge(fingerprint, by=by, now=platform.clock()):
            known = ", ".join(sorted(centre.open_fingerprints())) or "none is open"
            message = f"no alert {fingerprint!r} is open; open are: {known}"
            raise UsageProblem(message)
    out.print(f"{by} has taken {fingerprint}", highlight=False, markup=False)


@alerts_group.command("silence")
@click.argument("what")
@click.option("--for", "span", required=True, metavar="TIME", help="For how long: 30m, 4h or 2d, at most 30d.")
@click.option("--reason", required=True, help="Why nobody need be told.")
@_by
def silence_command(what: str, span: str, reason: str, by: str) -> None:
    """Stop telling WHAT for a while: a fingerprint, the beginning of one with a slash (ingest/) or a kind.

    Alerts are still recorded, and their end is too.
    """
    found = re.fullmatch(r"(\d+)([mhd])", span.strip())
    length = int(found[1]) * _SPANS[found[2]] if found and int(found[1]) <= 10_000 else dt.timedelta()
    if not dt.timedelta() < length <= dt.timedelta(days=30) or not reason.strip():
        message = "--for takes a time such as 30m, 4h or 2d, at most 30d; --reason must say why"
        raise UsageProblem(message)
    with _opened() as (platform, _, centre):
        now = platform.clock()
        until = now + length
        centre.silence(what, until=until, by=by, why=reason.strip(), now=now)
    out.print(f"{what} is not told until {until:%Y-%m-%d %H:%M} UTC", highlight=False, markup=False)


@alerts_group.command("test")
@_as_json
def test_command(as_json: bool) -> None:
    """Send one message through each configured channel and report what arrived.

    Exit status 0: every channel accepted it; 1: one did not; 2: no channel is configured.
    """
    with _opened() as (platform, _, centre), progress("sending one message through each channel", quiet=as_json):
        results = centre.test(now=platform.clock())
    if not results:
        message = "no channel is configured: .env.example lists the variables of each"
        raise UsageProblem(message)
    if as_json:
        print_json([{"channel": each.channel, "arrived": each.arrived, "words": each.words} for each in results])
    else:
        for each in results:
            sign = "[green]✓[/]" if each.arrived else "[red]✗[/]"
            out.print(f"{sign} {escape(each.channel)}: {escape(each.words)}", highlight=False, soft_wrap=True)
    if not all(each.arrived for each in results):
        raise SystemExit(NOT_WELL)


@alerts_group.command("resend")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@_as_json
def resend_command(dry_run: bool, as_json: bool) -> None:
    """Send dead letters again.

    Exit status 0: none is left; 1: a channel still does not accept one.
    """
    with _opened() as (platform, _, centre):
        before = centre.dead_letters()
        if before and not dry_run:
            with progress(f"sending {len(before)} dead letters again", quiet=as_json):
                centre.resend(now=platform.clock())
        after = centre.dead_letters()
    if as_json:
        print_json({"before": len(before), "left": [letter_document(each) for each in after]})
    elif not before:
        out.print("there are no dead letters", highlight=False)
    else:
        if after:
            out.print(letters_table(after))
        sent = (
            f"{len(before)} would be sent" if dry_run else f"{_accepted(before, after)} of {len(before)} were accepted"
        )
        out.print(sent, highlight=False)
    if after and not dry_run:
        raise SystemExit(NOT_WELL)


def _accepted(before: Iterable[DeadLetter], after: Iterable[DeadLetter]) -> int:
    """How many dead letters are none any more. What died meanwhile is another one: that a channel works again, say."""
    from radar_pipeline.alerts.ledger import NOWHERE

    # What had nowhere to go has a place by now: it is left where it is dead at any.
    left = {(*_name(letter), place) for letter in after for place in (letter.channel, NOWHERE)}
    return sum((*_name(letter), letter.channel) not in left for letter in before)


def _name(letter: DeadLetter) -> tuple[str, dt.datetime, int]:
    return letter.fingerprint, letter.message.opened_at, letter.message.sequence


@alerts_group.command("watch")
@_as_json
def watch_command(as_json: bool) -> None:
    """Look once, from outside Dagster, whether everything goes on as it should, and tell it where it does not.

    For cron or a systemd timer on a machine that does not depend on the Dagster daemon. Exit status 0: nothing is late
    and everything ticks; 1: something does not, or it could not be told.
    """
    from radar_pipeline.domain.lateness import OF_NOW
    from radar_pipeline.orchestration.now_facts import Standpoint

    with _opened() as (platform, instance, centre):
        report = platform.alerting.tick(instance, standpoint=Standpoint.OUTSIDE)
        wrong = [alert for alert in centre.open_alerts() if alert.fingerprint.startswith(OF_NOW)]
    problems = report.delivery.problems
    if as_json:
        found = [
            {"fingerprint": each.fingerprint, "severity": str(each.severity), "title": each.title} for each in wrong
        ]
        print_json({"well": not wrong and not problems, "wrong": found, "undelivered": dict(problems)})
    else:
        for alert in wrong:
            out.print(f"[{COLOURS[alert.severity]}]{alert.severity}[/] {escape(alert.title)}: {escape(alert.summary)}")
        out.print(
            report.words if wrong or problems else f"everything goes on as it should; {report.words}", markup=False
        )
    if wrong or problems:
        raise SystemExit(NOT_WELL)
