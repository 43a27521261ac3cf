"""The Dagster face of the platform, and the only room that imports dagster.

What belongs here: partitions, assets, checks, jobs, schedules, resources: thin bodies that ask the other rooms.
What does not: decisions (domain) and protocols (airbyte, lake, source).
"""
