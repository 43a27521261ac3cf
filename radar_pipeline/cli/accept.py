"""radar accept: a person's word that a doubted snapshot is right, recorded with who and why."""

from __future__ import annotations

import dataclasses
import getpass

import click
import dagster as dg

from radar_pipeline.cli.alerts_told import alerts_told
from radar_pipeline.cli.console import UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.cli.platform import Platform, dagster_instance, load_platform
from radar_pipeline.domain.judgement import Check, TableDay
from radar_pipeline.domain.ledger import Judgement
from radar_pipeline.orchestration.keys import bronze_key


@click.command("accept")
@click.argument("table")
@click.option("--date", "date", required=True, metavar="YYYY-MM-DD", help="The partition of the snapshot.")
@click.option("--reason", required=True, help="Why the snapshot is right although a check doubts it.")
@click.option("--by", default=getpass.getuser, show_default="your user name", help="Who answers for it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was recorded as JSON for programs.")
def accept_command(table: str, date: str, reason: str, by: str, as_json: bool) -> None:
    """Accept the snapshot of TABLE on a day although its volume or schema is doubted.

    Tomorrow's volume is measured against it. Data that is not there, or counts that do not agree, cannot be accepted.
    """
    if not reason.strip() or not by.strip() or by.strip() == "checks":
        message = "--reason and --by must say who judged and why ('checks' is the name of the platform's own judgement)"
        raise UsageProblem(message)
    with plain_errors():
        platform = load_platform()
        day = platform.day(date)
        if table not in platform.registry:
            message = f"{table!r} is no table of the registry; `radar status` lists them"
            raise UsageProblem(message)
        with progress(f"reading {table} of {day}", quiet=as_json):
            judged = _judge(platform, table, day.isoformat())
            recorded = _record(platform, judged, day.isoformat(), by.strip(), reason.strip())
        with (
            dagster_instance() as instance,
            alerts_told(platform, instance, err if as_json else out),
            progress("evaluating its checks", quiet=as_json) as tell,
        ):
            keys = [dg.AssetCheckKey(bronze_key(platform.registry[table]), check.value) for check in Check]
            success, failure = platform.execute("ingest_bronze_job", instance, day, tell, checks=keys)
    if not success:
        message = f"the acceptance is recorded, but its checks could not be evaluated: {failure}"
        raise UsageProblem(message)
    if as_json:
        print_json({"partition": day, **dataclasses.asdict(recorded)})
        return
    out.print(f"{table} of {day} is accepted by {by}: {reason}", highlight=False, markup=False, soft_wrap=True)


def _judge(platform: Platform, table: str, date: str) -> TableDay:
    from radar_pipeline.orchestration.day import DayRun

    report = DayRun(platform.systems, platform.day(date), log=lambda _line: None).check()
    judged = next(each for each in report.tables if each.table == table)
    problem = next((c for c in (Check.LANDED, Check.ROW_COUNTS_AGREE) if not judged.passed(c)), None)
    if problem:
        message = f"{table} of {date} cannot be accepted, {problem} does not hold: {'; '.join(judged.reasons(problem))}"
        raise UsageProblem(message)
    return judged


def _record(platform: Platform, judged: TableDay, date: str, by: str, reason: str) -> Judgement:
    from radar_pipeline.lake.ledger import record_judgements

    snapshot = judged.landing.snapshot
    judgement = Judgement(
        table=judged.table,
        rows=snapshot.rows if snapshot else 0,
        bytes=snapshot.bytes if snapshot else 0,
        files=len(snapshot.files) if snapshot else 0,
        newest=snapshot.newest if snapshot else None,
        accepted=True,
        by=by,
        reason=reason,
        recorded_at=platform.clock(),
    )
    systems = platform.systems
    record_judgements(systems.lake, systems.layout, platform.day(date), [judgement])
    return judgement
