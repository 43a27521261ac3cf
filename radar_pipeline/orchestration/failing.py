"""How a run fails: a plain message with the likely cause and the next step, and a record for those who retry or alert.

What belongs here: from the errors of the rooms to a diagnosis, and from a diagnosis to a Dagster failure. What does
not: recognising words (domain).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg

from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.domain import symptoms
from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import RECORD, Diagnosis, RunFailure, diagnosis_of
from radar_pipeline.domain.redaction import Redactor
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.glue import CatalogueError
from radar_pipeline.orchestration.day import FutureDayError, PastDayError
from radar_pipeline.orchestration.diagnosing import diagnose_error
from radar_pipeline.orchestration.preflight import PreflightError
from radar_pipeline.settings import Settings, SettingsError
from radar_pipeline.source.connection import SourceError
from radar_pipeline.tables.loader import RegistryError

_WORDS_AT_MOST = 300

# Explained by the rooms themselves, in words for a person.
_EXPLAINED = (AirbyteError, CatalogueError, LakeError, SourceError, SettingsError, RegistryError)


def failure(message: str, diagnosis: Diagnosis, *, missing: Sequence[str] = ()) -> dg.Failure:
    """A Dagster failure that carries its diagnosis, in words and as a record.

    Args:
        message: What happened.
        diagnosis: What it is.
        missing: Tables whose data is not there, critical ones first.
    """
    told = message if message.rstrip().endswith((".", "…")) else f"{message}."
    if diagnosis.cause is not Cause.UNKNOWN:
        told += f" Likely cause: {diagnosis.summary}"
    metadata: dict[str, dg.MetadataValue] = {
        RECORD: dg.MetadataValue.json(dict(RunFailure(diagnosis, tuple(missing)).document()))
    }
    if missing:
        metadata["missing"] = dg.MetadataValue.text(", ".join(missing))
    return dg.Failure(f"{told} Next step: {diagnosis.next_step}", metadata=metadata, allow_retries=False)


@contextmanager
def plain_failures(settings: Settings, log: Callable[[str], None]) -> Iterator[None]:
    """Turns errors into failures with a plain description.

    Args:
        settings: The environment, whose secrets show nowhere.
        log: Receives the trace of an error that nobody foresaw.
    """
    try:
        yield
    except dg.Failure:
        raise
    except PreflightError as error:
        raise failure(str(error), error.diagnosis) from None
    except (PastDayError, FutureDayError) as error:
        raise failure(str(error), diagnosis_of(symptoms.PAST_DAY)) from None
    except _EXPLAINED as error:
        raise failure(str(error), diagnose_error(error)) from None
    except Exception as error:  # noqa: BLE001 - whatever else it is, a person reads one sentence and no trace
        # Dagster would store the trace as it is, and what a library quotes in it may be a secret or about a person.
        clean = Redactor(settings.secrets()).text
        log(clean("".join(traceback.format_exception(error))))
        words = clean(" ".join(str(error).split()))
        short = words if len(words) <= _WORDS_AT_MOST else f"{words[:_WORDS_AT_MOST]}…"
        message = (
            f"a fault of the platform itself ({type(error).__name__}): {short or 'no reason given'}. "
            "Its trace is in the run's log, at level DEBUG"
        )
        raise failure(message, _foreseen(error, short)) from None


def _foreseen(error: Exception, words: str) -> Diagnosis:
    """The diagnosis of an error of no room, whose words quote no secret."""
    found = diagnose_error(error)
    return found if found.cause is not Cause.UNKNOWN else replace(found, summary=words or type(error).__name__)
