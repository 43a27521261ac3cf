"""Faults of the alert channels for ``radar local fault``: listed, switched on, shown and cleared through the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from radar_pipeline.local.inbox.faults import CATALOGUE, CHANNELS

if TYPE_CHECKING:
    from radar_pipeline.local.inbox.client import InboxClient

# What `--option` may say about them.
_OPTIONS = ("seconds", "retry_after")


def catalogue() -> list[dict[str, Any]]:
    """The faults of the channels, as `--list --json` shows them."""
    return [
        {"name": each.name, "description": each.description, "channel": each.channel, "options": list(_OPTIONS)}
        for each in CATALOGUE.values()
    ]


def show_catalogue() -> None:
    """Prints the faults of the channels for people: one line for each way to fail, which every channel can."""
    click.echo(f"\nalert channels: {', '.join(CHANNELS)} (until cleared, or --times, or seconds=60)")
    for each in CATALOGUE.values():
        if each.channel == CHANNELS[0]:
            name = each.name.replace(each.channel, "<channel>", 1)
            click.echo(f"{name:28} {each.description}")


def switch_on(inbox: InboxClient, name: str, *, times: int | None, options: Mapping[str, Any]) -> None:
    """Lets a channel fail.

    Args:
        inbox: Where the channels end.
        name: Name in the catalogue of channel faults.
        times: How many requests it spoils; None for all until it ends.
        options: ``seconds`` and ``retry_after``.
    """
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        message = f"fault {name} has no option {', '.join(unknown)}; it has: {', '.join(_OPTIONS)}"
        raise click.UsageError(message)
    fault = CATALOGUE[name]
    inbox.switch_on(fault.channel, fault.mode, times=times, **options)
