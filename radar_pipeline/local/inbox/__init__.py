"""One inbox for every channel of the alerts: what Slack, PagerDuty, a mail server and SNS would get.

What belongs here: endpoints that the official clients use unchanged, that record, and that refuse what the real
services refuse; channels that fail on demand; the page that shows everything as a person would see it.
What does not: composing and routing alerts, and anything that production runs.
"""
