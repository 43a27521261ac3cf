"""Brings every table of the Radar MySQL database into the bronze layer each day and proves that it arrived.

Rooms, and the one way arrows point: ``domain <- tables <- {airbyte, lake, source} <- orchestration <- build <-
definitions``. ``cli`` and ``local`` may use the rooms; no room uses them. docs/architecture.md walks one table through.
"""
