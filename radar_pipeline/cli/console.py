"""How the command speaks: rich for people on standard output, progress on standard error, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

# Where nobody's terminal sets a width, lines are as long as they need to be.
_PIPED_WIDTH = 140
out = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _PIPED_WIDTH)

# Exit codes: 0 all is well, 1 the work was done and something is not well, 2 the request could not be carried out.
NOT_WELL = 1
UNUSABLE = 2


class UsageProblem(click.ClickException):
    """Something that the person who typed the command can mend; printed without a stack trace."""

    exit_code = UNUSABLE

    def show(self, file: Any = None) -> None:
        """Prints each line as an error."""
        for line in self.message.splitlines():
            click.echo(f"error: {line}", file=file or sys.stderr)


def print_json(document: Any) -> None:
    """Prints a document for a program."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns the errors that the rooms explain themselves into one clear sentence."""
    from radar_pipeline.airbyte.errors import AirbyteError
    from radar_pipeline.alerts.ledger import LedgerError
    from radar_pipeline.lake.errors import LakeError
    from radar_pipeline.lake.glue import CatalogueError
    from radar_pipeline.settings import SettingsError
    from radar_pipeline.source.connection import SourceError
    from radar_pipeline.tables.loader import RegistryError

    try:
        yield
    except (AirbyteError, CatalogueError, LakeError, LedgerError, SettingsError, SourceError, RegistryError) as error:
        raise UsageProblem(str(error)) from None


@contextmanager
def progress(text: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Shows that long work goes on. What is told to it stays on the screen as a line."""
    if quiet:
        yield lambda _line: None
        return
    with err.status(text) as status:

        def tell(line: str) -> None:
            status.console.print(line, highlight=False, markup=False, soft_wrap=True)

        yield tell
