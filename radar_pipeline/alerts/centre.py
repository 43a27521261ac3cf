"""Where alerts go in and messages go out: what orchestration and the command talk to.

Two steps, each of which may be killed anywhere and run again. ``record`` stores alerts, resolutions and the position
up to which their sources were read, in one transaction: what is behind the position is safely in the ledger.
``deliver`` hands what the ledger holds to the channels, each at its own pace.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from radar_pipeline.alerts.acknowledgements import read_back
from radar_pipeline.alerts.book import Book, gap_sentence
from radar_pipeline.alerts.channels.base import Channel
from radar_pipeline.alerts.channels.config import ChannelsConfig, make_channel
from radar_pipeline.alerts.codec import write_time
from radar_pipeline.alerts.config import AlertsConfig
from radar_pipeline.alerts.dead_letters import DeadLetter, bury, dead_letters, revive, write_file
from radar_pipeline.alerts.delivery import Delivery
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.alerts.outbox import Outbox, only_one
from radar_pipeline.alerts.records import AlertRecord, DeliveryReport, read_records
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.alerts.trial import ChannelTest, try_channel
from radar_pipeline.domain.alert import Alert, Resolution
from radar_pipeline.domain.incident import Silence
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.domain.routing import Medium, Target, route
from radar_pipeline.domain.severity import Severity

__all__ = ["AlertCentre", "AlertRecord", "ChannelTest", "DeadLetter", "DeliveryReport", "open_centre"]

_PURGE_EVERY = dt.timedelta(days=1)
_NO_NUMBERS: Mapping[str, int] = {}


class AlertCentre:
    """The alerts of one environment. Made by ``open_centre``; closes with ``close`` or as a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        channels: ChannelsConfig,
        config: AlertsConfig,
        redactor: Redactor,
        presentation: Presentation,
    ) -> None:
        self._folder, self._channels, self._config = folder, channels, config
        self._redactor, self._presentation = redactor, presentation
        self._ledger = Ledger(folder)
        self._made: dict[Medium, Channel] = {}
        self._making = threading.Lock()

    def __enter__(self) -> AlertCentre:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the ledger."""
        self._ledger.close()

    def position(self, source: str) -> str | None:
        """Up to where a source of alerts was read; None where it never was."""
        return self._ledger.position(source)

    def record(
        self,
        raised: Sequence[Alert],
        resolved: Sequence[Resolution],
        *,
        now: dt.datetime,
        positions: Mapping[str, str] | None = None,
    ) -> None:
        """Stores alerts, resolutions and positions in one transaction.

        Alerts come first: a resolution ends what was raised before it in the same call, unless it recovered (``at``)
        before the last raise says that it is so (``since``).
        """
        with self._ledger.transaction():
            self._tell(raised, resolved, now)
            for source, position in (positions or {}).items():
                self._ledger.set_position(source, position)

    def deliver(self, *, now: dt.datetime, seconds: float = 30.0) -> DeliveryReport:
        """Reads acknowledgements back, escalates what nobody acknowledged, and sends what waits, for a bounded time.

        One process delivers at a time; another leaves at once. A request under way when time is up is waited for.
        """
        with only_one(self._folder) as alone:
            if not alone:
                return DeliveryReport(_NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, {}, busy=True)
            delivery = Delivery(
                self._ledger,
                self._channel,
                self._tell,
                thresholds=self._config.thresholds,
                redactor=self._redactor,
                now=now,
                seconds=seconds,
            )
            problem = self._read_acknowledgements(now)
            self._escalate(now)
            delivery.run(self._channels.media)
            self._tidy(now)
            problems = {**Outbox(self._ledger).troubles(), **delivery.tally.problems, **self._gaps()}
            if problem:
                problems["pagerduty acknowledgements"] = problem
            waiting = Outbox(self._ledger).waiting()
            return DeliveryReport(dict(delivery.tally.delivered), waiting, dict(delivery.tally.dead), problems)

    def open_fingerprints(self) -> frozenset[str]:
        """Fingerprints of the alerts that are open."""
        return frozenset(fingerprint for _, fingerprint in self._ledger.open_ids())

    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open, oldest first: each as it was raised last, with its greatest severity."""
        return tuple(self._ledger.incident(number).alert for number, _ in self._ledger.open_ids())

    def records(self, *, since: dt.datetime, now: dt.datetime | None = None) -> tuple[AlertRecord, ...]:
        """The alerts that are open, and those that ended since a time; newest first.

        Args:
            since: From when on alerts that ended are of interest, UTC.
            now: What time it is, UTC; by default this machine's. Silences are judged by it.
        """
        return read_records(self._ledger, since=since, now=now or dt.datetime.now(dt.UTC))

    def acknowledge(self, fingerprint: str, *, by: str, now: dt.datetime) -> bool:
        """Somebody takes an open alert. False where none of that fingerprint is open and not taken yet."""
        with self._ledger.transaction():
            book = self._book(now)
            taken = book.acknowledge(self._redactor.name(fingerprint), self._redactor.text(by))
            book.save()
            return taken

    def silence(self, what: str, *, until: dt.datetime, by: str, why: str, now: dt.datetime) -> None:
        """Counts alerts without telling them, until a time; one that is over ends the silence.

        Args:
            what: A fingerprint, the beginning of fingerprints with a ``/`` at its end, or a kind (``volume_anomaly``).
            until: Until when, UTC.
            by: Who asks.
            why: Why.
            now: What time it is, UTC.
        """
        clean = self._redactor.text
        with self._ledger.transaction():
            self._ledger.set_silence(Silence(self._redactor.name(what), max(until, now), clean(by), clean(why)))

    def silences(self, *, now: dt.datetime) -> tuple[Silence, ...]:
        """Silences that hold."""
        return self._ledger.silences(now)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Messages that were given up, oldest first. ``dead-letters.jsonl`` in the folder says the same."""
        return tuple(dead_letters(self._ledger, self._presentation))

    def resend(self, *, now: dt.datetime, numbers: Collection[int] | None = None) -> DeliveryReport:
        """Sends dead letters again, all where no numbers are given; what is not taken now stays one.

        Where another process is delivering, they are left to that one.
        """
        with self._ledger.transaction():
            revived = revive(self._ledger, self._book(now), numbers, now)
        report = self.deliver(now=now)
        if report.busy:
            return report
        with self._ledger.transaction():
            bury(self._ledger, revived, now)
        write_file(self._ledger, self._folder, self._presentation)
        return replace(report, waiting=Outbox(self._ledger).waiting())

    def test(self, *, now: dt.datetime) -> tuple[ChannelTest, ...]:
        """Sends one message through each configured channel at once, past routes and ledger."""
        channels = [self._channel(medium) for medium in sorted(self._channels.media)]
        return tuple(result for channel in channels for result in try_channel(channel, self._redactor, now))

    def gaps(self) -> tuple[str, ...]:
        """One sentence for each severity that does not go where its route says, because a channel is not configured."""
        routed = {each: route(each, (), self._config.routes, configured=self._channels.media) for each in Severity}
        return tuple(gap_sentence(severity, found) for severity, found in routed.items() if found.missing)

    def _tell(self, raised: Sequence[Alert], resolved: Sequence[Resolution], now: dt.datetime) -> None:
        """Alerts and resolutions, within a transaction."""
        book = self._book(now)
        for alert in raised:
            book.raise_(self._redactor.alert(alert))
        for resolution in resolved:
            book.resolve(self._redactor.resolution(resolution))
        book.save()

    def _book(self, now: dt.datetime) -> Book:
        return Book(self._ledger, self._config, self._channels.media, self._places, now)

    def _places(self, target: Target) -> Sequence[Target]:
        return self._channel(target.medium).places(target)

    def _channel(self, medium: Medium) -> Channel:
        with self._making:
            if medium not in self._made:
                self._made[medium] = make_channel(medium, self._channels, self._presentation)
            return self._made[medium]

    def _read_acknowledgements(self, now: dt.datetime) -> str:
        if self._channels.pagerduty is None or not self._channels.pagerduty.api_token:
            return ""
        taken, problem = read_back(self._ledger, self._taker)
        if taken:
            with self._ledger.transaction():
                book = self._book(now)
                for fingerprint, who in taken.items():
                    book.acknowledge(fingerprint, self._redactor.text(who))
                book.save()
        return self._redactor.text(problem)

    def _taker(self, fingerprint: str, opened_at: dt.datetime) -> str | None:
        channel = self._channel(Medium.PAGERDUTY)
        return channel.acknowledged(fingerprint, opened_at)

    def _escalate(self, now: dt.datetime) -> None:
        if self._ledger.open_ids():
            with self._ledger.transaction():
                book = self._book(now)
                book.escalate()
                book.save()

    def _tidy(self, now: dt.datetime) -> None:
        write_file(self._ledger, self._folder, self._presentation)
        last = self._ledger.note("purged")
        if last is None or last < write_time(now - _PURGE_EVERY):
            with self._ledger.transaction():
                self._ledger.purge(ended_before=now - self._config.thresholds.keep, now=now)
                self._ledger.set_note("purged", write_time(now))

    def _gaps(self) -> dict[str, str]:
        found = self._ledger.rows("SELECT name, value FROM notes WHERE name LIKE 'gap %' AND value <> ''")
        for row in found:
            self._ledger.set_note(row["name"], "")
        return {"routes": "; ".join(row["value"] for row in found)} if found else {}


def open_centre(
    folder: Path,
    *,
    channels: ChannelsConfig,
    config: AlertsConfig,
    redactor: Redactor = Redactor(),  # noqa: B008 - frozen
    presentation: Presentation = Presentation(),  # noqa: B008 - frozen
) -> AlertCentre:
    """Opens the alerts of one environment. Does no network I/O.

    Args:
        folder: Where the record lies; made where it is missing.
        channels: The channels that are configured.
        config: Routes and thresholds (``load_alerts_config``).
        redactor: Secrets of the environment and addresses that may be named. Secrets and addresses of channels and
            routes are added.
        presentation: What messages say about where they come from.

    Raises:
        LedgerError: The record cannot be used.
    """
    whole = Redactor((*redactor.secrets, *channels.secrets), redactor.allowed | channels.addresses | config.addresses)
    return AlertCentre(folder, channels=channels, config=config, redactor=whole, presentation=presentation)
