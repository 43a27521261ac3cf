"""The radar command: parses, calls, prints.

What belongs here: options, progress, tables for people and JSON for programs, exit codes.
What does not: anything a Dagster run would need too.
"""
