"""Imported in a process that does nothing but fork workers, it loads what they need."""

from radar_pipeline.local.extract.program import load

load()
