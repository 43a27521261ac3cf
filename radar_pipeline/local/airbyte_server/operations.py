"""What an operation of the Configuration API is, and what its body must hold."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from radar_pipeline.local.airbyte_server.errors import invalid
from radar_pipeline.local.airbyte_server.services import Services

Body = Mapping[str, Any]
Answer = dict[str, Any]

BOTH = ("0.39", "2.0")
MODERN = ("2.0",)
OLD = ("0.39",)


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        run: The function.
        required: Fields that the body must have, with their type: ``uuid``, ``int``, ``list``, ``object`` or ``str``.
        eras: Servers that have it.
    """

    run: Callable[[Services, Body], Answer]
    required: Mapping[str, str] = field(default_factory=dict)
    eras: tuple[str, ...] = BOTH


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "uuid": _is_uuid,
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "str": lambda value: isinstance(value, str),
}


def validate(body: Body, required: Mapping[str, str]) -> None:
    """Checks the fields that an operation needs.

    Raises:
        ApiError: Names each that is missing or of the wrong type.
    """
    problems = []
    for name, kind in required.items():
        value = body.get(name)
        if value is None:
            problems.append((name, "must not be null", None))
        elif not _TYPES[kind](value):
            problems.append((name, f"must be of type {kind}", value))
    if problems:
        raise invalid(*problems)


WORKSPACE_ID = {"workspaceId": "uuid"}
CONNECTION_ID = {"connectionId": "uuid"}
JOB_ID = {"id": "int"}
