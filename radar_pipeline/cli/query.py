"""radar query: one question to Athena, after a word about days that it would silently not see."""

from __future__ import annotations

import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import click
from rich.table import Table as RichTable

from radar_pipeline.cli.console import UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.domain.wording import plural

if TYPE_CHECKING:
    from radar_pipeline.cli.platform import Platform
    from radar_pipeline.orchestration.catalogue.athena import Answer

# What a terminal is for; --csv and --json print all.
_ROWS_SHOWN = 200

# Tables whose days are read at a time; of a view it is all of them.
_PARALLEL = 16


@click.command("query")
@click.argument("sql")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print rows as CSV.")
def query_command(sql: str, as_json: bool, as_csv: bool) -> None:
    """Ask Athena one question about the tables of bronze.

    First says, on standard error, which archived days of the tables named Athena would skip without a word, and until
    when restored ones can be read. Exit status 0: answered; 2: not.
    """
    if as_json and as_csv:
        message = "--json and --csv cannot be had together"
        raise UsageProblem(message)
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.orchestration.catalogue.athena import AthenaQueryError

    with plain_errors():
        platform = load_platform()
        if platform.systems.athena is None:
            message = "RADAR_ATHENA_WORKGROUP is not set: without it there is no Athena to ask (docs/catalogue.md)"
            raise UsageProblem(message)
        _warn(platform, sql)
        with progress("Athena", quiet=as_json or as_csv):
            try:
                answer = platform.systems.athena.get_client().ask(sql)
            except AthenaQueryError as error:
                raise UsageProblem(str(error)) from None
    _print(answer, as_json=as_json, as_csv=as_csv)


def _warn(platform: Platform, sql: str) -> None:
    """Says what would be skipped. That it cannot be found out is said too, and keeps nobody from asking."""
    from radar_pipeline.domain.catalogue.model import VERSION_OF, catalogue_name, mark_of
    from radar_pipeline.domain.catalogue.query_scope import skipped, tables_named
    from radar_pipeline.lake.catalogue.glue import CatalogueError

    glue = platform.systems.glue
    try:
        found = glue.tables()
        tables = {name: table for name, table in found.items() if not table.is_view}
        views = [name for name in found if name not in tables]
        hidden = tables_named(sql, views)
        for name in hidden:
            _say(f"{name} is a view, and what it reads cannot be seen here: archived days of all tables are named")
        asked = list(tables) if hidden else tables_named(sql, list(tables))
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="catalogue") as pool:
            read = pool.map(lambda name: glue.partitions(name, with_columns=False), asked)
            days = dict(zip(asked, read, strict=True))
    except CatalogueError as error:
        _say(f"whether archived days are skipped could not be found out: {error}")
        return
    marks = {
        name: {day: mark for day, partition in of_table.items() if (mark := mark_of(partition))}
        for name, of_table in days.items()
    }
    own = {catalogue_name(name): name for name in platform.registry.names}
    # A table that keeps older types of another has the same files.
    owners = {name: table.parameters.get(VERSION_OF, name) for name, table in tables.items()}
    sources = {name: own[owner] for name, owner in owners.items() if owner in own}
    for each in skipped(sql, marks, now=platform.clock(), sources=sources, views=views):
        for line in each.words.splitlines():
            _say(line)


def _say(line: str) -> None:
    err.print(f"warning: {line}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _print(answer: Answer, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=False)) for row in answer.rows])
        return
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows([["" if value is None else value for value in row] for row in answer.rows])
        return
    view = RichTable(*answer.columns, header_style="bold", pad_edge=False)
    for row in answer.rows[:_ROWS_SHOWN]:
        view.add_row(*("-" if value is None else value for value in row))
    out.print(view, markup=False)
    more = f", the first {_ROWS_SHOWN} shown" if len(answer.rows) > _ROWS_SHOWN else ""
    read = f", {answer.scanned_bytes / 1e6:,.1f} MB read" if answer.scanned_bytes is not None else ""
    out.print(f"{plural(len(answer.rows), 'row', 'rows')}{more}{read}", style="bold", highlight=False)
