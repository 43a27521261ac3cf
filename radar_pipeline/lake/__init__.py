"""The bronze bucket: what lies there, read from listings and Parquet footers, and the moves that publish a snapshot.

What belongs here: S3 requests, footers, the quarantine, the ledger of judged snapshots.
What does not: deciding what the findings mean (domain) and anything of dagster.
"""
