"""What tests fork: the process that was ended is gone before another one takes its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from radar_pipeline_tests.forks import forked_processes, forks_of

pytestmark = pytest.mark.integration

THREADS = """
import threading

for _ in range(100):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def test_a_process_with_threads_that_is_no_longer_to_be_forked_has_ended_with_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "with_threads.py").write_text(THREADS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    for _ in range(5):
        fork = forks_of("with_threads").Process(target=os.getpid)
        fork.start()
        fork.join()
        (ended,) = forked_processes()
        forks_of(__name__)
        assert os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
