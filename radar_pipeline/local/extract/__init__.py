"""The extraction worker of the local stack: copies MySQL tables to S3 as destination-s3 would have written them.

Run as ``python -m radar_pipeline.local.extract``: one JSON document on stdin (``request``), one JSON event a line on
stdout (``events``), log text on stderr; exit status 0 when every table is done, 1 when some or all are not.

What belongs here: the casts, Parquet dialects and object names of the two Airbyte eras, reading, spooling, uploading.
What does not: jobs, attempts and the HTTP interface (``local.airbyte_server``), and any faith in its result: the
platform proves from S3 what landed.
"""
