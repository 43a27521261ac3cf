"""The classes of failure, and what follows from each: what is tried again, by which mechanism, and how severe it is.

A failure is classified once, by ``diagnosis``. Whatever retries or alerts asks the class and nothing else, so that no
two mechanisms multiply each other's attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from radar_pipeline.domain.severity import Severity


class FailureClass(StrEnum):
    """What kind of failure it is."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    CONFIGURATION = "configuration"
    SOURCE = "source"
    DESTINATION = "destination"
    PLATFORM = "platform"


class Mechanism(StrEnum):
    """Who tries again. Exactly one for each class."""

    NONE = "none"
    RUN = "another run of the day"
    WITHIN = "the run itself, before the sync or at its end"


@dataclass(frozen=True)
class Treatment:
    """What a class of failure leads to.

    Attributes:
        mechanism: Who tries again.
        severity: How severe the last failure is where no critical table is lacking.
    """

    mechanism: Mechanism
    severity: Severity


# Airbyte makes its own attempts within a job whatever the class; those count against the attempts of a table.
TREATMENTS: Mapping[FailureClass, Treatment] = MappingProxyType(
    {
        FailureClass.TRANSIENT: Treatment(Mechanism.RUN, Severity.ERROR),
        FailureClass.SOURCE: Treatment(Mechanism.WITHIN, Severity.ERROR),
        FailureClass.DESTINATION: Treatment(Mechanism.WITHIN, Severity.ERROR),
        FailureClass.PLATFORM: Treatment(Mechanism.WITHIN, Severity.ERROR),
        FailureClass.PERMANENT: Treatment(Mechanism.NONE, Severity.ERROR),
        FailureClass.CONFIGURATION: Treatment(Mechanism.NONE, Severity.ERROR),
    }
)
