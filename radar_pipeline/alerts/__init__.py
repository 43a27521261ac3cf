"""One message, many channels: Slack, PagerDuty, e-mail and SMS; delivered at least once, shown once.

What belongs here: rendering an alert for each channel, the channels, the ledger of what was told to whom, delivery.
What does not: what is worth an alert and how severe it is (domain), and reading Dagster (orchestration).
"""
