"""Speaks to an Airbyte server of either era: what it is, its jobs, one sync.

What belongs here: HTTP, authentication, wire formats, start-or-attach and the watch over a running job.
What does not: whether data landed (domain, lake) and anything of dagster.
"""
