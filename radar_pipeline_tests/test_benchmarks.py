"""What can be seen of the benchmarks in seconds: that they still measure the platform as it is."""

from __future__ import annotations

from benchmarks import definitions_load
from benchmarks.common import in_fresh_process


def test_the_definitions_that_are_timed_are_those_of_the_whole_platform():
    found = in_fresh_process("benchmarks.definitions_load", {"tables": 85, "file": str(definitions_load.OWN)})
    assert found["seconds"] > 0
    assert found["assets"] >= 85
    assert found["checks"] >= 4 * 85
