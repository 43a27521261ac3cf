"""From evidence to a cause and a next step: one function, asked by runs and by alerts alike.

The causes are the nine errors that the team meets and the few others that alerts tell apart. A failure that nothing
here recognises is said to be unknown, with the words that it came with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from radar_pipeline.domain import symptoms, symptoms_of_ends
from radar_pipeline.domain.causes import Cause, Symptom
from radar_pipeline.domain.failure import TREATMENTS, FailureClass, Mechanism

__all__ = ["Cause", "Diagnosis", "Origin", "RunFailure", "diagnose", "diagnosis_of", "is_mendable"]

# Messages are a few sentences; what is longer repeats itself or is somebody's stack trace.
_READ_AT_MOST = 8_000
_WORDS_AT_MOST = 400


class Origin(StrEnum):
    """Where a failure showed."""

    SOURCE = "source"
    DESTINATION = "destination"
    AIRBYTE = "airbyte"
    PLATFORM = "platform"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Diagnosis:
    """What a failure is, as far as its evidence tells.

    Attributes:
        cause: What is behind it.
        failure_class: Its class, which alone decides what is tried again and how severe it is.
        summary: The likely cause in one sentence for a person.
        next_step: What to do, in one sentence or two.
    """

    cause: Cause
    failure_class: FailureClass
    summary: str
    next_step: str


# The metadata key under which a failed run's record stands.
RECORD = "radar_failure"


def tried_enough(found: Diagnosis, instead: FailureClass = FailureClass.PERMANENT) -> Diagnosis:
    """A diagnosis where all attempts were made already, so that another run would multiply them.

    Args:
        found: The diagnosis.
        instead: The class in the place of one that another run tries again.
    """
    is_for_another_run = TREATMENTS[found.failure_class].mechanism is Mechanism.RUN
    return replace(found, failure_class=instead) if is_for_another_run else found


@dataclass(frozen=True)
class RunFailure:
    """What a failed run leaves on record for whoever retries or alerts (metadata ``RECORD`` of its failure).

    Attributes:
        diagnosis: What it failed with.
        missing: Tables whose data is not there, critical ones first; empty where the run did not get that far.
    """

    diagnosis: Diagnosis
    missing: tuple[str, ...] = ()

    def document(self) -> Mapping[str, Any]:
        """As JSON."""
        found = self.diagnosis
        return {
            "cause": found.cause.value,
            "class": found.failure_class.value,
            "summary": found.summary,
            "next_step": found.next_step,
            "missing": list(self.missing),
        }

    @staticmethod
    def parse(document: Mapping[str, Any]) -> RunFailure:
        """Reads a record; what it lacks or holds in words of another version is unknown."""
        try:
            cause, failure_class = Cause(str(document.get("cause"))), FailureClass(str(document.get("class")))
        except ValueError:
            cause, failure_class = Cause.UNKNOWN, FailureClass.PERMANENT
        diagnosis = Diagnosis(
            cause, failure_class, str(document.get("summary", "")), str(document.get("next_step", ""))
        )
        return RunFailure(diagnosis, tuple(str(name) for name in document.get("missing") or ()))


# What a failure that says nothing of its kind is taken for, by where it showed.
_CLASS_OF: Mapping[Origin, FailureClass] = MappingProxyType(
    {
        Origin.SOURCE: FailureClass.SOURCE,
        Origin.DESTINATION: FailureClass.DESTINATION,
        Origin.AIRBYTE: FailureClass.PLATFORM,
        Origin.PLATFORM: FailureClass.PLATFORM,
        Origin.CONFIGURATION: FailureClass.CONFIGURATION,
        Origin.UNKNOWN: FailureClass.PERMANENT,
    }
)

# A refused connection or a time-out without any name is about the system that it came from.
_REFUSED = re.compile(r"connection (was )?(refused|reset)|no route to host|name or service not known")
_LATE = re.compile(r"tim(ed|e)[ -]?out")
_NAMELESS: Mapping[Origin, tuple[Symptom, Symptom]] = MappingProxyType(
    {
        Origin.SOURCE: (symptoms_of_ends.MYSQL_REFUSED, symptoms_of_ends.MYSQL_TIMEOUT),
        Origin.DESTINATION: (symptoms_of_ends.S3_UNREACHABLE, symptoms_of_ends.S3_UNREACHABLE),
        Origin.AIRBYTE: (symptoms.AIRBYTE_UNREACHABLE, symptoms.AIRBYTE_UNREACHABLE),
    }
)

# Airbyte says which end of a connection a failure came from (`failureOrigin`).
_TOLD = {
    Origin.DESTINATION: re.compile(r"^destination\b|\bdestination, [^:]{1,80}:|within the destination connector"),
    Origin.SOURCE: re.compile(r"^source\b|\bsource, [^:]{1,80}:|within the source connector"),
}


def diagnose(text: str, *, origin: Origin = Origin.UNKNOWN) -> Diagnosis:
    """Names the cause behind a failure's own words. Never raises; letter case and white space make no difference.

    Args:
        text: What the failure said.
        origin: Where it showed, as far as that is known; it decides only where the words leave the question open.
    """
    told = " ".join(text.split())[:_READ_AT_MOST].casefold()
    symptom = next((each for each in symptoms.SYMPTOMS if each.shows_in(told)), None)
    where = origin if origin is not Origin.UNKNOWN else _told_origin(told)
    if where in _NAMELESS and (symptom is None or symptom in {symptoms.TABLE_FAILED, symptoms.NO_DATA}):
        refused, late = _NAMELESS[where]
        symptom = refused if _REFUSED.search(told) else late if _LATE.search(told) else symptom
    if symptom is None:
        words = " ".join(text.split())
        short = words if len(words) <= _WORDS_AT_MOST else f"{words[:_WORDS_AT_MOST]}…"
        step = "Read the run's log in the Dagster UI, and the log of the Airbyte job that it links."
        return Diagnosis(Cause.UNKNOWN, _CLASS_OF[where], short or "No reason was given.", step)
    if symptom is symptoms.TABLE_FAILED and where is Origin.DESTINATION:
        return replace(diagnosis_of(symptom), failure_class=FailureClass.DESTINATION)
    return diagnosis_of(symptom)


def diagnosis_of(symptom: Symptom) -> Diagnosis:
    """The diagnosis that a symptom stands for."""
    return Diagnosis(symptom.cause, symptom.failure_class, symptom.summary, symptom.next_step)


def is_mendable(failure_class: FailureClass) -> bool:
    """Whether a repetition may mend a failure of this class, whoever makes it."""
    return TREATMENTS[failure_class].mechanism is not Mechanism.NONE


def _told_origin(told: str) -> Origin:
    return next((origin for origin, words in _TOLD.items() if words.search(told)), Origin.UNKNOWN)
