"""An Airbyte-compatible server for one machine: both API dialects, real jobs and attempts, and faults on demand.

What belongs here: the wire shapes of two eras of Airbyte, the ledger of jobs and attempts in SQLite, starting and
watching the worker of an attempt, the catalogue of faults. What does not: copying rows, which the
child process ``radar_pipeline.local.extract`` does, and anything that production runs.

Evidence for shapes and behaviour is the source of airbytehq/airbyte-platform at 0.39.23 and at 2.0.
"""
