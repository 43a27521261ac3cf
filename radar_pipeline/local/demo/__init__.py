"""Demonstration data: a Radar database that looks like the real one, the same on every machine.

What belongs here: the size of each table, believable content for its columns, and what changes from day to day.
What does not: the tables themselves and their columns; those are the registry's.
"""

from radar_pipeline.local.demo.seeding import Progress, advance, is_seeded, seed

__all__ = ["Progress", "advance", "is_seeded", "seed"]
