"""What the commands of ``radar local`` share: the stack they are about, how they show progress, how they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import pymysql
from rich.console import Console
from rich.status import Status

from radar_pipeline.cli.console import UsageProblem, err
from radar_pipeline.local.errors import LocalStackError

if TYPE_CHECKING:
    from radar_pipeline.local.stack import LocalStack


class LocalGroup(click.Group):
    """A group whose commands end with one sentence where the stack cannot do what was asked."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except LocalStackError as error:
            raise UsageProblem(str(error)) from None
        except pymysql.Error as error:
            message = f"the database refused: {error.args[-1] if error.args else error}"
            raise UsageProblem(message) from None


def stack_of(ctx: click.Context, **chosen: Any) -> LocalStack:
    """The stack of the group's options, with further choices of one command."""
    # boto3 and pyarrow come with it, half a second that `--help` and other commands need not wait.
    from radar_pipeline.local.stack import LocalOptions, LocalStack

    return LocalStack(ctx.obj["home"], LocalOptions(source=ctx.obj["source"], **chosen))


def require_own_database(stack: LocalStack, *, force: bool, what: str) -> None:
    """Refuses to change a MySQL that is not the stack's own unless that was asked for in so many words.

    Raises:
        LocalStackError: It is another's.
    """
    servers = stack.servers
    if servers.mariadb or force:
        return
    where = f"{servers.admin.host}:{servers.admin.port}/{servers.admin.database}"
    message = f"{what} would change {where}, which is not this stack's own database: --force if that is meant"
    raise LocalStackError(message)


class Reporter:
    """Tells on stderr what is being done: one live line in a terminal, a line for each step elsewhere."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._begin = time.monotonic()
        self._steps: dict[int, str] = {}
        self._rows = 0
        self._lock = threading.Lock()

    def __call__(self, step: str) -> None:
        """Shows a step. Two servers come up at once, so each thread has a step of its own on the line."""
        if not self._console.is_terminal:
            line = f"[{time.monotonic() - self._begin:6.1f} s] {step}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        self._steps[threading.get_ident()] = step
        self._status.update(" · ".join(dict.fromkeys(self._steps.values())))

    def rows(self, table: str, count: int) -> None:
        """Shows how far the demonstration data is."""
        with self._lock:
            self._rows += count
            if self._console.is_terminal:
                self._status.update(f"loading the demonstration data: {self._rows:,} rows, now {table}")


@contextmanager
def reporting() -> Iterator[Reporter]:
    """A reporter for the block; its live line goes away at the end."""
    with err.status("radar local") as status:
        yield Reporter(err, status)
