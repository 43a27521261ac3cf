"""What Dagster loads. Everything is put together in build.py."""

import gc

# Dagster itself is loaded by now and stays: the collector, walking through it, took a fifth of what follows.
gc.freeze()

from radar_pipeline.build import build_definitions  # noqa: E402
from radar_pipeline.settings import load_settings  # noqa: E402

defs = build_definitions(load_settings())
