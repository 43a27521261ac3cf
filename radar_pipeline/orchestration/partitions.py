"""The daily partitions of bronze: one for each ``cog_dt_ingestion`` folder.

What belongs here: the partitions and the words for a day outside them. What does not: what to do on a day.
"""

from __future__ import annotations

import datetime as dt

import dagster as dg


def daily_partitions(first: dt.date) -> dg.DailyPartitionsDefinition:
    """One partition for each UTC day since ``first``, today included.

    Dagster offers a day only after it ends; a full refresh reads the present, so today's snapshot belongs to today.
    """
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone="UTC", end_offset=1)
