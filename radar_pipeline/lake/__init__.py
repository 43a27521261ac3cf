"""The bronze bucket: what lies there, read from listings and Parquet footers, and the moves that publish a snapshot.

What belongs here: S3 requests, footers, the quarantine, the ledger of judged snapshots; ageing: listings with tiers,
moving, deleting and bringing back, holds, the audit log, the bucket's rules.
What does not: deciding what the findings mean (domain) and anything of dagster.
"""
