"""Retention in Dagster: survey, plan, run, marks of archived days, the sensor that asks for it.

Rules and requests live in ``domain.aging`` and ``lake.aging``.
"""
