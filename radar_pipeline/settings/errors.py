"""The one error of this room."""

from __future__ import annotations


class SettingsError(Exception):
    """Variables are missing or not usable.

    Attributes:
        problems: One sentence each: the variable, where it was read, what was expected.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
