"""The one-machine stack, all on 127.0.0.1: a private MariaDB, an AWS endpoint, an Airbyte-compatible server, an inbox.

What belongs here: starting and stopping them, demonstration data, the servers and their faults.
What does not: anything that production runs.
"""
