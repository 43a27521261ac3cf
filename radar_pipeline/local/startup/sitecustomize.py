"""Has the collector look seldom, as in a command: what a program imports stays.

Walking through it again and again took a sixth of the CPU of starting one that imports Dagster.
"""

import gc

gc.set_threshold(50_000, 10, 10)
