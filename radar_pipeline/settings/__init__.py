"""Settings of one environment: the only reader of environment variables.

Names are the team's own (``RADAR_HOST``, ``AIRBYTE_SERVER_HOST``, ``S3_BUCKET_NAME``, ...); new ones begin with
``RADAR_``. Loading does no I/O beyond one file of variables and never fails for what is missing, so that definitions
load anywhere; ``Settings.require`` says what is missing when it is needed. Secrets are ``SecretStr`` and show
in no repr.

What belongs here: the variables, what they may hold, the file beside them, and where the project's state lies, which
the environment may say too. What does not: what any of it is used for.
"""

from radar_pipeline.settings.errors import SettingsError
from radar_pipeline.settings.project import STATE, event_log_folder, prepare_dagster_home, project_folder
from radar_pipeline.settings.reading import Reading, env_file, load_settings, read_settings, serve_ui_at
from radar_pipeline.settings.variables import Settings, variable

__all__ = [
    "STATE",
    "Reading",
    "Settings",
    "SettingsError",
    "env_file",
    "event_log_folder",
    "load_settings",
    "prepare_dagster_home",
    "project_folder",
    "read_settings",
    "serve_ui_at",
    "variable",
]
