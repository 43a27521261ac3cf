"""Before a sync: can both of its ends be used? Asked through Airbyte and directly, all at once.

What belongs here: asking, asking again, and what an answer means. What does not: the questions themselves (airbyte,
lake, source).

Airbyte's own check of an end decides, and so does this platform's probe of the bucket, without which it could prove
nothing. Its probe of the source only explains: this machine need not be allowed to reach MySQL. A check that could not
be carried out says nothing about the end, so it stops no sync.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.dialect import CheckOutcome
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.domain.diagnosis import Diagnosis, Origin, diagnose, tried_enough
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.probe import probe as probe_bucket
from radar_pipeline.orchestration.diagnosing import diagnose_error
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.source.connection import SourceAddress, SourceError
from radar_pipeline.source.probe import probe as probe_source

ATTEMPTS = 3


class Asked(StrEnum):
    """Who is asked. The order is that in which failures are told: what this platform saw itself is more precise."""

    DATABASE = "MySQL, asked directly"
    SOURCE = "Airbyte's check of the source"
    BUCKET = "the bucket, asked directly"
    DESTINATION = "Airbyte's check of the destination"


_BLOCKING = frozenset({Asked.SOURCE, Asked.BUCKET, Asked.DESTINATION})
_ENDS = {"MySQL": (Asked.DATABASE, Asked.SOURCE), "S3": (Asked.BUCKET, Asked.DESTINATION)}


class PreflightError(Exception):
    """An end of the sync cannot be used; nothing was synced.

    Attributes:
        diagnosis: What keeps it from being used.
    """

    def __init__(self, message: str, diagnosis: Diagnosis) -> None:
        super().__init__(message)
        self.diagnosis = diagnosis


@dataclass(frozen=True)
class _Answer:
    """What became of one question.

    Attributes:
        problem: Why the end cannot be used; None where it can.
        diagnosis: What that is.
        unasked: Why the question could not be asked; None where it was.
    """

    problem: str | None = None
    diagnosis: Diagnosis | None = None
    unasked: str | None = None


_WELL = _Answer()


def check_ends(
    systems: Systems,
    client: AirbyteClient,
    log: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks about both ends, up to three times with growing pauses; only what failed is asked again.

    Args:
        systems: The environment.
        client: The Airbyte server.
        log: Receives a line about each question that was not answered well.
        sleep: Waits.

    Raises:
        PreflightError: An end cannot be used; the message says which and in whose words.
    """
    answers = _ask(_questions(systems, client))
    for who, answer in answers.items():
        if answer.unasked:
            log(f"{who} could not be carried out, the sync goes on without it: {answer.unasked}")
    for attempt in range(1, ATTEMPTS + 1):
        failed = [who for who in Asked if who in answers and answers[who].problem]
        is_blocked = not _BLOCKING.isdisjoint(failed)
        rest = f"attempt {attempt} of {ATTEMPTS}" if is_blocked else "the sync goes on: this machine need not reach it"
        for who in failed:
            log(f"{who} failed before the sync ({rest}): {answers[who].problem}")
        if not is_blocked:
            return
        if attempt < ATTEMPTS:
            sleep(systems.settings.preflight_pause_seconds * 2 ** (attempt - 1))
            answers |= _ask({who: ask for who, ask in _questions(systems, client).items() if who in failed})
    raise _error({who: answer for who, answer in answers.items() if answer.problem})


def _error(failed: Mapping[Asked, _Answer]) -> PreflightError:
    blocked = [end for end, asked in _ENDS.items() if any(who in failed and who in _BLOCKING for who in asked)]
    told = [who for end in blocked for who in _ENDS[end] if who in failed]
    words = "; ".join(f"{who}: {failed[who].problem}" for who in told)
    message = f"nothing was synced, because {' and '.join(blocked)} cannot be used (asked {ATTEMPTS} times). {words}"
    # It was asked three times with growing pauses: another run would do the same again.
    kind = FailureClass.SOURCE if blocked[0] == "MySQL" else FailureClass.DESTINATION
    return PreflightError(message, tried_enough(failed[told[0]].diagnosis or diagnose(words), kind))


def _ask(questions: Mapping[Asked, Callable[[], _Answer]]) -> dict[Asked, _Answer]:
    """Asks everybody at once."""
    pool = ThreadPoolExecutor(len(questions), thread_name_prefix="preflight")
    try:
        asked = {who: pool.submit(ask) for who, ask in questions.items()}
        return {who: answer.result() for who, answer in asked.items()}
    finally:
        # A run that is told to end does not wait for a check that hangs.
        pool.shutdown(wait=False, cancel_futures=True)


def _questions(systems: Systems, client: AirbyteClient) -> dict[Asked, Callable[[], _Answer]]:
    questions: dict[Asked, Callable[[], _Answer]] = {
        Asked.SOURCE: lambda: _checked(client.check_source, Origin.SOURCE),
        Asked.DESTINATION: lambda: _checked(client.check_destination, Origin.DESTINATION),
        Asked.BUCKET: lambda: _bucket(systems),
    }
    source = systems.source
    return questions if source is None else {**questions, Asked.DATABASE: lambda: _database(source)}


def _checked(check: Callable[[], CheckOutcome], origin: Origin) -> _Answer:
    try:
        outcome = check()
    except AirbyteError as error:
        return _Answer(unasked=str(error))
    return _WELL if outcome.succeeded else _Answer(outcome.message, diagnose(outcome.message, origin=origin))


def _bucket(systems: Systems) -> _Answer:
    try:
        found = probe_bucket(systems.lake, systems.layout, ask_region=False)
    except LakeError as error:
        return _Answer(str(error), diagnose_error(error))
    if found.problem is None:
        return _WELL
    return _Answer(found.problem, diagnose_error(LakeError(found.fault or LakeFault.OTHER, found.problem)))


def _database(source: SourceAddress) -> _Answer:
    try:
        probe_source(source)
    except SourceError as error:
        return _Answer(str(error), diagnose_error(error))
    return _WELL
