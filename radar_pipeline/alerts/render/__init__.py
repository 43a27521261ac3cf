"""An alert in the words and within the limits of each channel. Pure: no clock, no network.

What belongs here: how a message reads. Texts come in without secrets and personal data (``domain.redaction``).
What does not: how it is sent.
"""
