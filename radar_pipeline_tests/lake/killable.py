"""A process that plans and applies, or brings back, in children of its own, so that a test can kill them.

It is started once: a fork takes milliseconds where starting Python and loading boto3 takes a second.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.deletion import undelete
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.lake.aging import NOW, apply, plan


def work(store: LakeStore, job: dict[str, Any]) -> bool:
    """Does a job. Whether it came to its end with nothing left."""
    layout = BronzeLayout(**job["layout"])
    if job["kind"] == "undelete":
        return not undelete(store, layout, "run-1", clock=lambda: NOW, parallel=2).failed
    return apply(store, layout, plan(store, layout, job["tables"]), run_id=job["run_id"], parallel=2).is_complete


def main() -> None:
    stores: dict[LakeConfig, LakeStore] = {}
    for line in sys.stdin:
        job = json.loads(line)
        config = LakeConfig(**job["config"])
        if config not in stores:
            stores[config] = LakeStore(config)
            # Made before the fork, and without a connection: half of a child's time otherwise.
            stores[config].make_clients()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if work(stores[config], job) else 1)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
