"""The contract of every Radar table: ``radar_tables.yaml`` and what reads it.

What belongs here: the registry's types, its loader with the line of each mistake, and the text of a new registry.
What does not: asking MySQL, Airbyte or S3 what is true; that is ``source``, ``airbyte`` and ``lake``.
"""
