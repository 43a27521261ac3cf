"""radar tables: the registry checked, compared with what is there, and brought up to date."""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import shutil
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape

from radar_pipeline.cli.console import NOT_WELL, UNUSABLE, UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.settings import Settings, load_settings
from radar_pipeline.tables.drift import Finding, compare
from radar_pipeline.tables.loader import DEFAULT_PATH, RegistryError, load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline.tables.proposal import Origin, Proposal, propose_registry

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
# As plain text: of an enum, click 8.2 and later would offer the names of its members.
_ORIGINS = [origin.value for origin in Origin]
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.group("tables")
def tables_group() -> None:
    """The table registry: what every Radar table is expected to be."""


@tables_group.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_JSON
def check_command(file: Path | None, as_json: bool) -> None:
    """Name every mistake in a registry FILE with its line; without FILE, the one that is in use.

    Exit status 0: usable; 2: not.
    """
    with plain_errors():
        path = file or _path_in_use(load_settings())
        try:
            registry = load_registry(path)
        except RegistryError as error:
            if not as_json:
                raise
            print_json({"file": str(path), "problems": error.problems})
            raise SystemExit(UNUSABLE) from None
    critical = [table.name for table in registry.tables if table.critical]
    if as_json:
        print_json({"file": str(path), "problems": [], "tables": registry.names, "critical": critical})
        return
    columns = sum(len(table.columns) for table in registry.tables)
    text = f"{path}: {len(registry.tables)} tables with {columns} columns, {len(critical)} of them critical"
    out.print(f"[green]✓[/] {escape(text)}", highlight=False, soft_wrap=True)


@tables_group.command("diff")
@click.option("--without", "skipped", multiple=True, type=click.Choice(_ORIGINS), help="Leave out MySQL or Airbyte.")
@_JSON
def diff_command(skipped: tuple[str, ...], as_json: bool) -> None:
    """Compare the registry with MySQL and with the Airbyte connection, and name which of them differs.

    Exit status 0: they agree; 1: they do not; 2: one of them could not be asked.
    """
    with plain_errors():
        settings = load_settings()
        registry = load_registry(_path_in_use(settings))
        asked = [origin for origin in Origin if origin not in skipped and _is_set(settings, origin)]
        if not asked:
            message = "nothing to compare with: set RADAR_HOST and RADAR_PASS (MySQL) or AIRBYTE_SERVER_HOST (Airbyte)"
            raise UsageProblem(message)
        seen = {origin: _observe(settings, registry, origin) for origin in asked}
    findings = compare(registry, seen.get(Origin.MYSQL), seen.get(Origin.AIRBYTE))
    if as_json:
        print_json({"compared": ["registry", *asked], "findings": [dataclasses.asdict(each) for each in findings]})
    else:
        _print_findings(findings, registry, asked)
    if findings:
        raise SystemExit(NOT_WELL)


@tables_group.command("pull")
@click.option("--from", "source", type=click.Choice(_ORIGINS), default=Origin.MYSQL.value, show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to change or make.")
@click.option("--write/--dry-run", default=False, help="Write the file, or only show what would change (the default).")
@_JSON
def pull_command(source: str, output: Path | None, write: bool, as_json: bool) -> None:
    """Propose a registry for the tables that are there, and show what changes.

    What people wrote about known tables stays: areas, owners, limits, flags, comments. With --write the file is
    written and the one before is kept beside it. An --output that does not exist yet is made from nothing.
    """
    origin = Origin(source)
    with plain_errors():
        settings = load_settings()
        path = output or _path_in_use(settings)
        if not _is_set(settings, origin):
            needed = {Origin.MYSQL: "RADAR_HOST and RADAR_PASS", Origin.AIRBYTE: "AIRBYTE_SERVER_HOST"}[origin]
            message = f"--from {origin} needs {needed}, which the environment does not set"
            raise UsageProblem(message)
        current = _text_of(path)
        known = load_registry(path) if current is not None else Registry(())
        proposal = propose_registry(_observe(settings, known, origin), current, origin)
        is_new = proposal.text != current
        kept = _replace(path, proposal.text) if is_new and write else None
    diff = _diff(current or "", proposal.text, path)
    _warn_of_critical(proposal, known)
    if as_json:
        document = dataclasses.asdict(proposal) | {"file": str(path), "from": origin, "diff": diff}
        print_json(document | {"written": is_new and write, "kept": str(kept) if kept else None})
        return
    _print_proposal(proposal, diff)
    if not is_new:
        err.print(f"{escape(str(path))} is up to date", highlight=False, soft_wrap=True)
    elif not write:
        err.print("nothing was written; --write writes it", highlight=False)
    else:
        words = f"written: {path}" + (f" (before: {kept})" if kept else "")
        err.print(escape(words), highlight=False, soft_wrap=True)


def _path_in_use(settings: Settings) -> Path:
    return settings.tables_file or DEFAULT_PATH


def _is_set(settings: Settings, origin: Origin) -> bool:
    return (settings.source_host if origin is Origin.MYSQL else settings.airbyte_host) is not None


def _observe(settings: Settings, registry: Registry, origin: Origin) -> tuple[ObservedTable, ...]:
    # Imported here: their clients take longer to load than `radar tables check` takes to run.
    from radar_pipeline.orchestration.systems import Systems
    from radar_pipeline.source.columns import observe_tables

    systems = Systems(settings, registry)
    with progress(f"asking {'MySQL' if origin is Origin.MYSQL else 'Airbyte'}"):
        if origin is Origin.AIRBYTE:
            return systems.connect_airbyte().catalog()
        return observe_tables(systems.source) if systems.source else ()


def _print_findings(findings: Sequence[Finding], registry: Registry, asked: Sequence[Origin]) -> None:
    last = None
    for finding in findings:
        if finding.table != last:
            is_critical = finding.table in registry and registry[finding.table].critical
            critical = " [red](critical)[/]" if is_critical else ""
            out.print(f"[bold]{escape(finding.table)}[/]{critical}", highlight=False)
        last = finding.table
        column = f"{finding.column}: " if finding.column else ""
        out.print(f"  [yellow]{finding.drift}[/] {escape(column + finding.sentence)}", highlight=False, soft_wrap=True)
        out.print(f"    [dim]→ {escape(finding.action)}[/]", highlight=False, soft_wrap=True)
    names = ", ".join({Origin.MYSQL: "MySQL", Origin.AIRBYTE: "Airbyte"}[origin] for origin in asked)
    tables = len({finding.table for finding in findings})
    verdict = f"{len(findings)} differences in {tables} tables" if findings else "no difference"
    out.print(f"{verdict} between the registry ({len(registry.tables)} tables) and {names}", highlight=False)


def _diff(current: str, proposed: str, path: Path) -> list[str]:
    before, after = current.splitlines(), proposed.splitlines()
    return list(difflib.unified_diff(before, after, str(path), f"{path} (proposed)", lineterm=""))


def _print_proposal(proposal: Proposal, diff: Sequence[str]) -> None:
    for line in diff:
        colour = _COLOURS.get(line[:1])
        shown = escape(line)
        out.print(f"[{colour}]{shown}[/]" if colour else shown, highlight=False, soft_wrap=True)
    for note in proposal.left_out:
        err.print(f"[dim]left out:[/] {escape(note)}", highlight=False, soft_wrap=True)


def _warn_of_critical(proposal: Proposal, known: Registry) -> None:
    for name in proposal.removed:
        if known[name].critical:
            warning = f"table {name} is critical and is not there any more: ask before it leaves the registry"
            err.print(f"[red]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)


def _text_of(path: Path) -> str | None:
    """The file's text; None where there is no file yet."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise UsageProblem(message) from None


def _replace(path: Path, text: str) -> Path | None:
    """Writes a file at once or not at all. Returns where the one before is kept; None where there was none."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    fresh, kept = path.with_name(f"{path.name}.{stamp}.new"), path.with_name(f"{path.name}.{stamp}.bak")
    try:
        existed = path.exists()
        fresh.write_text(text, encoding="utf-8", newline="")
        if existed:
            shutil.copymode(path, fresh)
            shutil.copy2(path, kept)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise UsageProblem(message) from None
    return kept if existed else None
