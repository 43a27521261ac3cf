"""Reads the variables of this process, and says in one sentence each what is wrong with them."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import ValidationError

from radar_pipeline.settings.errors import SettingsError
from radar_pipeline.settings.project import ENV_FILES, project_folder
from radar_pipeline.settings.variables import ENV_FILE_ENCODING, Settings, variable

# It warns of a line that it drops without naming the file; here that is a problem.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)


def env_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """The file of variables that settings read beside the environment; None where there is none.

    ``RADAR_ENV_FILE`` names it; else the first of the project's ``ENV_FILES`` that exists. Variables of the
    environment win over it.
    """
    named = (os.environ if environ is None else environ).get("RADAR_ENV_FILE")
    if named:
        return Path(named)
    project = project_folder()
    return next((path for name in ENV_FILES if (path := project / name).is_file()), None)


@dataclass(frozen=True)
class Reading:
    """What the environment says, as far as it can be used.

    Attributes:
        settings: The settings; whatever is unusable has its default here.
        problems: One sentence for each thing that is unusable.
        unusable: The variables among them.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    unusable: frozenset[str] = frozenset()


def load_settings(**overrides: Any) -> Settings:
    """Reads the settings of this process's environment.

    Args:
        **overrides: Values by variable name that win over the environment; for tests and the local stack.

    Raises:
        SettingsError: A variable is set to something unusable, or the file of variables cannot be read.
    """
    reading = read_settings(**overrides)
    if reading.problems:
        raise SettingsError(reading.problems)
    return reading.settings


def read_settings(**overrides: Any) -> Reading:
    """Reads the settings of this process's environment and everything that is wrong with them, for whoever lists it.

    Args:
        **overrides: As of ``load_settings``.
    """
    path = env_file()
    problems: list[str] = []
    if path is not None:
        is_readable, problems = _inspected(path)
        path = path if is_readable else None
    where = f"the environment or {path}" if path else "the environment"
    unusable: dict[str, str] = {}
    try:
        settings = Settings(_env_file=path, **overrides)
    except ValidationError as error:
        unusable = {str(each["loc"][0]): _sentence(each, where) for each in error.errors()}
        defaults = {variable(name): field.default for name, field in Settings.model_fields.items()}
        settings = Settings(_env_file=path, **overrides | {name: defaults[name] for name in unusable})
    problems += unusable.values()
    problems += [f"{problem} (read from {where})" for problem in settings.half_pairs(unusable)]
    return Reading(settings, tuple(problems), frozenset(unusable))


def serve_ui_at(url: str) -> None:
    """Makes links of alerts lead to a UI that this process becomes, where its address is not that of an environment."""
    if load_settings().environment == "local":
        os.environ[variable("dagster_ui_url")] = url


def _inspected(path: Path) -> tuple[bool, list[str]]:
    """Whether a file of variables can be read, and what is wrong with it."""
    if not path.is_file():
        return False, [f"RADAR_ENV_FILE names {path}, which is no readable file"]
    try:
        text = path.read_text(encoding=ENV_FILE_ENCODING)
    except OSError as error:
        return False, [f"{path} cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return False, [f"{path} is not UTF-8 text"]
    problems = []
    for each in parse_stream(io.StringIO(text)):
        if each.error or (each.key is not None and each.value is None):
            words = each.original.string
            line = each.original.line + words[: len(words) - len(words.lstrip())].count("\n")
            problems.append(f"{path}, line {line}: NAME=VALUE is expected, with quotes that are closed, or a # comment")
    return True, problems


def _sentence(error: Mapping[str, Any], where: str) -> str:
    """One validation error in words. The value itself is not repeated: it may be a secret."""
    name = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}, read from {where}: {message}"
