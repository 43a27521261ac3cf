"""What can be seen of the benchmarks in seconds: that they still measure the platform as it is."""

from __future__ import annotations

from benchmarks import definitions_load
from benchmarks.common import in_fresh_process


def test_the_definitions_that_are_timed_are_those_of_the_whole_platform(tmp_path):
    environment = definitions_load.environment(definitions_load.OWN, tmp_path / "env")
    found = in_fresh_process("benchmarks.definitions_load", {"tables": 85, "environment": environment})
    assert found["seconds"] > 0
    assert found["assets"] >= 85
    assert found["checks"] >= 4 * 85
