"""From the errors of the rooms to a diagnosis: by their kind where that tells, by their words otherwise.

It is no part of the domain only because the errors live in the rooms.
"""

from __future__ import annotations

import errno

from radar_pipeline.airbyte.errors import (
    AirbyteAuthError,
    AirbyteError,
    AirbyteRefusedError,
    AirbyteUnreachableError,
    SyncLostError,
    SyncTimeoutError,
)
from radar_pipeline.domain import symptoms, symptoms_of_ends
from radar_pipeline.domain.causes import Cause, Symptom
from radar_pipeline.domain.diagnosis import Diagnosis, Origin, diagnose, diagnosis_of
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.glue import CatalogueError, CatalogueFault
from radar_pipeline.settings import SettingsError
from radar_pipeline.source.connection import Problem, SourceError
from radar_pipeline.tables.loader import RegistryError

_BY_FAULT = {
    LakeFault.CREDENTIALS: symptoms_of_ends.S3_CREDENTIALS,
    LakeFault.BUCKET: symptoms_of_ends.S3_BUCKET,
    LakeFault.REGION: symptoms_of_ends.S3_REGION,
    LakeFault.POLICY: symptoms_of_ends.S3_POLICY,
    LakeFault.ENDPOINT: symptoms_of_ends.S3_UNREACHABLE,
}
_BY_PROBLEM = {
    Problem.UNREACHABLE: symptoms_of_ends.MYSQL_REFUSED,
    Problem.TIMED_OUT: symptoms_of_ends.MYSQL_TIMEOUT,
    Problem.ACCESS_DENIED: symptoms_of_ends.MYSQL_LOGIN,
    Problem.UNKNOWN_DATABASE: symptoms_of_ends.MYSQL_LOGIN,
    Problem.TLS: symptoms_of_ends.MYSQL_TLS,
    Problem.BUSY: symptoms_of_ends.MYSQL_BUSY,
}
_BY_TYPE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Symptom], ...] = (
    (SettingsError, symptoms.VARIABLE_MISSING),
    (RegistryError, symptoms.YAML_BROKEN),
    (SyncTimeoutError, symptoms.SYNC_TIMEOUT),
    ((AirbyteUnreachableError, SyncLostError), symptoms.AIRBYTE_UNREACHABLE),
    ((AirbyteAuthError, AirbyteRefusedError), symptoms.AIRBYTE_REFUSED),
    (MemoryError, symptoms.OUT_OF_MEMORY),
)
_ORIGINS: tuple[tuple[type[Exception], Origin], ...] = (
    (LakeError, Origin.DESTINATION),
    (SourceError, Origin.SOURCE),
    (AirbyteError, Origin.AIRBYTE),
)


def diagnose_error(error: Exception) -> Diagnosis:
    """The diagnosis of an error: by its kind where that tells, by its words otherwise."""
    if isinstance(error, CatalogueError):
        return _of_catalogue(error)
    symptom = _symptom_of(error)
    if symptom is not None:
        return diagnosis_of(symptom)
    origin = next((origin for kind, origin in _ORIGINS if isinstance(error, kind)), Origin.PLATFORM)
    return diagnose(str(error), origin=origin)


def _symptom_of(error: Exception) -> Symptom | None:
    if isinstance(error, LakeError):
        return _BY_FAULT.get(error.fault)
    if isinstance(error, SourceError):
        return _BY_PROBLEM.get(error.problem)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return symptoms.DISK_FULL
    return next((symptom for kind, symptom in _BY_TYPE if isinstance(error, kind)), None)


_CATALOGUE_STEPS = {
    CatalogueFault.CREDENTIALS: "Check FARMARCAS_AWS_ACCESS_KEY_ID and its secret with `radar check-config --connect`.",
    CatalogueFault.POLICY: "Grant the rights on Glue that docs/production.md lists, then run the job again.",
    CatalogueFault.ENDPOINT: "Check AWS_DEFAULT_REGION, RADAR_GLUE_ENDPOINT_URL and the network; then run it again.",
}


def _of_catalogue(error: CatalogueError) -> Diagnosis:
    """Glue is no step of the day's sync: what fails there has a cause of its own and the room's own words."""
    is_mendable = error.fault in {CatalogueFault.CREDENTIALS, CatalogueFault.POLICY}
    return Diagnosis(
        Cause.UNKNOWN,
        FailureClass.CONFIGURATION if is_mendable else FailureClass.PLATFORM,
        str(error),
        _CATALOGUE_STEPS.get(error.fault, "The data is safe in the bucket; run the job again: it is harmless twice."),
    )
