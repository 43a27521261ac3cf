"""What Dagster loads. Everything is put together in build.py."""

from radar_pipeline.build import build_definitions
from radar_pipeline.settings import load_settings

defs = build_definitions(load_settings())
