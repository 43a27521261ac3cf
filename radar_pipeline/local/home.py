"""The folder that a stack lives in: what lies where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radar_pipeline.settings import STATE, project_folder

# Everything but what is installed: the virtual environment and the folder itself survive a reset.
_DATA = (
    "mariadb",
    "aws",
    "airbyte",
    "inbox",
    "run",
    "logs",
    "env",
    "secrets.json",
    "state.json",
    "drift.json",
    "lived-until",
)


def default_home() -> Path:
    """Where the project's stack lives unless another place is named."""
    return project_folder() / STATE / "local"


@dataclass(frozen=True)
class Home:
    """Paths of one stack.

    Attributes:
        root: The folder, absolute: the parts run in directories of their own, where a relative path would be another.
    """

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the command that changes the stack."""
        return self.root / "lock"

    @property
    def env(self) -> Path:
        """The environment that points the platform at the stack."""
        return self.root / "env"

    @property
    def state(self) -> Path:
        """What is remembered and is no secret."""
        return self.root / "state.json"

    @property
    def secrets(self) -> Path:
        """Passwords."""
        return self.root / "secrets.json"

    @property
    def drift(self) -> Path:
        """How to undo the columns that the schema-drift fault changed."""
        return self.root / "drift.json"

    @property
    def lived_until(self) -> Path:
        """The day up to which the demonstration data has lived."""
        return self.root / "lived-until"

    @property
    def aws_venv(self) -> Path:
        """Where ministack is installed."""
        return self.root / "aws-venv"

    def data(self, part: str) -> Path:
        """What a part keeps."""
        return self.root / part

    def pid_file(self, part: str) -> Path:
        """Which process a part is."""
        return self.root / "run" / f"{part}.pid"

    def log_file(self, part: str) -> Path:
        """What a part printed since it was started."""
        return self.root / "logs" / f"{part}.log"

    def doomed(self) -> tuple[Path, ...]:
        """What a reset deletes."""
        return tuple(self.root / name for name in _DATA if (self.root / name).exists())
