"""How bad something is: the five words of the specification, in their order."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """Severity of an alert; a greater one goes to channels that wake more people."""

    INFO = 10
    WARNING = 20
    ERROR = 30
    CRITICAL = 40
    EMERGENCY = 50

    def __str__(self) -> str:
        """The word itself."""
        return self.name
