"""Speaks to the Radar MySQL database: is it there, how many rows does each table hold, which columns.

What belongs here: one connection type, probes, exact counts, the columns of ``information_schema``. Everything is
read-only and bounded in time, and an error is one sentence that a person can act on.
What does not: copying rows (the sync does that; on one machine ``local.extract``), judging what was read (``domain``).
"""

from radar_pipeline.source.columns import observe_tables
from radar_pipeline.source.connection import Problem, SourceAddress, SourceError, Tls, connect
from radar_pipeline.source.counts import Counts, count_rows
from radar_pipeline.source.probe import ProbeResult, probe

__all__ = [
    "Counts",
    "ProbeResult",
    "Problem",
    "SourceAddress",
    "SourceError",
    "Tls",
    "connect",
    "count_rows",
    "observe_tables",
    "probe",
]
