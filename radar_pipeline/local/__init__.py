"""The one-machine stack: a private MariaDB, an AWS endpoint and an Airbyte-compatible server, all on 127.0.0.1.

What belongs here: starting and stopping them, demonstration data, the server and its faults.
What does not: anything that production runs.
"""
