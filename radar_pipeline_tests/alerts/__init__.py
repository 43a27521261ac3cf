"""Tests of the alerts: rendering, channels against small real servers, the ledger, delivery and its kills.

What belongs here: everything below the sensor. The whole way from a fault to a message is in end_to_end/.
"""
