"""Where the project's state lies, and the Dagster instance in it."""

from __future__ import annotations

import os
from pathlib import Path

from radar_pipeline.settings.errors import SettingsError

# The folder of all local state, in the project's.
STATE = Path(".radar")

# Read where RADAR_ENV_FILE names no other; the second is written by the local stack while it is set up.
ENV_FILES = (Path(".env"), STATE / "local" / "env")


def project_folder() -> Path:
    """The nearest of this folder and those above it that holds a project's state; this one where none does.

    Above, only what is the user's own counts: whoever writes the variables there decides where passwords go.
    """
    here = Path.cwd()
    if not any((here / name).exists() for name in (STATE, ENV_FILES[0])):
        for folder in here.parents:
            state = folder / STATE
            if state.is_dir() and state.stat().st_uid == os.getuid():
                return folder
    return Path()


def prepare_dagster_home(*, make: bool = True) -> Path:
    """Makes this process use the project's Dagster instance, and returns its folder.

    A ``DAGSTER_HOME`` that is set is used as it is. Otherwise all state lies in one ignored folder, with a link to the
    project's dagster.yaml. Events are stored in batches: one at a time took six times as long (docs/decisions).

    Args:
        make: Whether to make the instance where there is none yet.

    Raises:
        SettingsError: There is none, and none was to be made.
    """
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")
    home = os.environ.get("DAGSTER_HOME")
    if home is None:
        project = project_folder().resolve()
        folder, config = project / STATE / "dagster", project / "dagster.yaml"
        if not make and not folder.is_dir():
            problem = (
                f"nothing has run yet: there is no {folder}; go to the project's folder, or `radar run` makes it here"
            )
            raise SettingsError((problem,))
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / "dagster.yaml"
        if config.is_file() and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(config)
        home = os.environ["DAGSTER_HOME"] = str(folder)
    return Path(home)


def event_log_folder() -> Path:
    """Where the SQLite event log lies: in the instance's folder, where Dagster's own storage keeps it too.

    Raises:
        SettingsError: ``DAGSTER_HOME`` is not set.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        problem = "DAGSTER_HOME is not set: the folder of the Dagster instance, with a link to dagster.yaml in it"
        raise SettingsError((problem,))
    return Path(home) / "history" / "runs"
