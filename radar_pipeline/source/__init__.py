"""The Radar MySQL database, read-only: can it be reached, how many rows, which columns.

What belongs here: connections, probes, counts, columns from information_schema.
What does not: copying rows; that is Airbyte's work, or the local stack's in its place.
"""
