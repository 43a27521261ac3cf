"""Reads ``radar_retention.yaml`` and says, with the line, everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from radar_pipeline.domain.retention import Hold, RetentionPolicy
from radar_pipeline.tables.model import Registry

DEFAULT_PATH = Path(__file__).with_name("radar_retention.yaml")


def load_policy(path: Path | None, registry: Registry) -> RetentionPolicy:
    """Reads a policy file, the one of this package where none is named.

    Raises:
        RegistryError: Where the file cannot be read, anything in it is wrong, or a table of the registry names a class
            that it does not define; all mistakes at once.
    """
    raise NotImplementedError


def classes_of(registry: Registry) -> dict[str, str]:
    """Retention class by table name."""
    return {table.name: table.retention for table in registry.tables}


def registry_holds(registry: Registry) -> tuple[Hold, ...]:
    """The holds that the registry states."""
    return tuple(
        Hold("registry", table.name, None, None, table.hold, "registry") for table in registry.tables if table.hold
    )
