"""What is worth an alert about the catalogue: drift that the daily look found, and a day that was not registered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link, Resolution
from radar_pipeline.domain.catalogue.drift import Finding, FindingKind, Place
from radar_pipeline.domain.facts import Watched
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.wording import listed, plural

# A page of a phone; `radar catalog diff` shows the rest.
_TABLES_AT_MOST = 20

WORDS: Mapping[tuple[FindingKind, Place], str] = {
    (FindingKind.MISSING, Place.LAKE): "whose files are gone",
    (FindingKind.MISSING, Place.GLUE): "missing in Glue",
    (FindingKind.MISSING, Place.DAGSTER): "not materialized in Dagster",
    (FindingKind.ORPHANED, Place.LAKE): "in the lake without an owner",
    (FindingKind.ORPHANED, Place.GLUE): "in Glue without files",
    (FindingKind.ORPHANED, Place.DAGSTER): "materialized in Dagster without files",
    (FindingKind.WRONG, Place.LAKE): "wrong in the lake",
    (FindingKind.WRONG, Place.GLUE): "wrong in Glue",
    (FindingKind.WRONG, Place.DAGSTER): "wrong in Dagster",
}


def drift_fingerprint(database: str) -> str:
    """Fingerprint of what the daily look finds."""
    return f"catalogue/{database}"


def day_fingerprint(database: str, day: dt.date) -> str:
    """Fingerprint of a day that could not be registered whole."""
    return f"catalogue/{database}/{day}"


def counted(findings: Sequence[Finding]) -> str:
    """Findings in one phrase, what is most often first."""
    found = Counter((finding.kind, finding.where) for finding in findings)
    return ", ".join(f"{number} {WORDS[what]}" for what, number in found.most_common())


def watch_drift(
    findings: Sequence[Finding],
    *,
    is_whole: bool,
    database: str,
    critical: Collection[str],
    opened: Mapping[str, Alert],
    now: dt.datetime,
    links: tuple[Link, ...] = (),
) -> Watched:
    """Decides what the daily look is worth. Where nothing is amiss any more, it ends what a look or a day told before.

    Args:
        findings: What is amiss; nothing that mends itself.
        is_whole: Whether everything could be read; a look that could not ends nothing.
        database: Glue database.
        critical: Critical tables.
        opened: Open alerts by fingerprint.
        now: What time it is, UTC.
        links: Where to look.
    """
    fingerprint = drift_fingerprint(database)
    amiss = {day_fingerprint(database, each.day) for each in findings if each.day is not None}
    # Of a table that is wrong as a whole no day was compared.
    is_compared = is_whole and not any(each.day is None and each.kind is FindingKind.WRONG for each in findings)
    over = [each for each in opened if each.startswith(f"{fingerprint}/") and each not in amiss] if is_compared else []
    if not findings:
        over += [fingerprint] if is_whole and fingerprint in opened else []
        return Watched(resolved=_ended(over, "Lake, catalogue and Dagster agree.", now))
    tables = _affected({finding.table: finding.words for finding in reversed(findings)}, critical)
    alert = Alert(
        fingerprint=fingerprint,
        kind=AlertKind.CATALOGUE_DRIFT,
        severity=_severity(tables),
        title=f"The catalogue {database} is not what lies in the lake: {plural(len(tables), 'table', 'tables')}",
        summary=f"Days of tables: {counted(findings)}. Queries miss rows, or fail, where a day is wrong in Glue.",
        since=_since(fingerprint, opened, now),
        tables=tables[:_TABLES_AT_MOST],
        next_step="radar catalog diff shows all of it, radar catalog repair a plan, radar catalog repair --apply acts.",
        links=links,
        numbers={"findings": f"{len(findings):,}", "tables": f"{len(tables):,}"},
    )
    return Watched((alert,), _ended(over, "Lake, catalogue and Dagster agree on the day.", now))


def _ended(fingerprints: Sequence[str], how: str, now: dt.datetime) -> tuple[Resolution, ...]:
    return tuple(Resolution(each, now, how) for each in sorted(fingerprints))


def watch_registration(
    failed: Mapping[str, str],
    *,
    day: dt.date,
    database: str,
    critical: Collection[str],
    opened: Mapping[str, Alert],
    now: dt.datetime,
    links: tuple[Link, ...] = (),
) -> Watched:
    """Decides what the registration of a day is worth: tables that cannot be queried are told, and their end too.

    Args:
        failed: Why, by table that could not be registered.
        day: The day.
        database: Glue database.
        critical: Critical tables.
        opened: Open alerts by fingerprint.
        now: What time it is, UTC.
        links: Where to look.
    """
    fingerprint = day_fingerprint(database, day)
    if not failed:
        how = f"Every proven table of {day} is registered."
        return Watched(resolved=(Resolution(fingerprint, now, how),) if fingerprint in opened else ())
    tables = _affected(failed, critical)
    those = plural(len(tables), "table", "tables")
    alert = Alert(
        fingerprint=fingerprint,
        kind=AlertKind.CATALOGUE_DRIFT,
        severity=_severity(tables),
        title=f"{day}: {listed([table.name for table in tables])} could not be registered in the catalogue",
        summary=f"The data is proven; Athena does not see the day of {those}.",
        since=_since(fingerprint, opened, now),
        day=day,
        tables=tables[:_TABLES_AT_MOST],
        next_step="Read the reason of each table, put it right, then: radar catalog repair --apply",
        links=links,
    )
    return Watched((alert,))


def watch_rows(
    differing: Mapping[str, str],
    *,
    day: dt.date,
    database: str,
    opened: Mapping[str, Alert],
    now: dt.datetime,
    links: tuple[Link, ...] = (),
) -> Watched:
    """Decides what Athena's own count of a day is worth, of the critical tables alone.

    Args:
        differing: What differs, by table.
        day: The day.
        database: Glue database.
        opened: Open alerts by fingerprint.
        now: What time it is, UTC.
        links: Where to look.
    """
    fingerprint = f"athena/{database}/{day}"
    if not differing:
        how = f"Athena counts the rows of {day} that were proven."
        return Watched(resolved=(Resolution(fingerprint, now, how),) if fingerprint in opened else ())
    tables = _affected(differing, critical=differing)
    alert = Alert(
        fingerprint=fingerprint,
        kind=AlertKind.CATALOGUE_DRIFT,
        severity=_severity(tables),
        title=f"{day}: Athena does not see the rows of {listed([table.name for table in tables])} that were proven",
        summary="The data is in the bucket and proven; whoever queries it gets another number of rows.",
        since=_since(fingerprint, opened, now),
        day=day,
        tables=tables,
        next_step=f"radar catalog diff, then radar catalog repair --apply; then prove it again: radar run --date {day}",
        links=links,
    )
    return Watched((alert,))


def _affected(reasons: Mapping[str, str], critical: Collection[str]) -> tuple[AffectedTable, ...]:
    """The tables that an alert is about and why, critical ones first."""
    names = sorted(reasons, key=lambda name: (name not in critical, name))
    return tuple(AffectedTable(name, critical=name in critical, reason=reasons[name]) for name in names)


def _severity(tables: Sequence[AffectedTable]) -> Severity:
    return Severity.ERROR if any(table.critical for table in tables) else Severity.WARNING


def _since(fingerprint: str, opened: Mapping[str, Alert], now: dt.datetime) -> dt.datetime:
    return opened[fingerprint].since if fingerprint in opened else now
