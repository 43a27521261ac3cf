"""Catalogue and Athena in Dagster: the registration of a day, its checks, the daily look for drift.

Rules and requests live in ``domain.catalogue`` and ``lake.catalogue``.
"""
