from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.pace import Pace


class Busy:
    """Something that takes a moment, and refuses while too many ask at a time."""

    def __init__(self, bears):
        self.bears = bears
        self.most, self.refused, self._now = 0, 0, 0
        self._lock = threading.Lock()

    def ask(self):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            too_many = self._now > self.bears
            self.refused += too_many
        time.sleep(0.002)
        with self._lock:
            self._now -= 1
        if too_many:
            raise LakeError(LakeFault.ENDPOINT, "slower", "SlowDown")
        return True


def test_what_is_refused_for_haste_is_asked_again_with_fewer_at_a_time_and_with_more_once_it_is_calm():
    pace, busy = Pace(16, first_wait=0.005), Busy(bears=4)
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: pace.run(busy.ask), range(300)))
    assert 1 <= pace.allowed <= 8
    first, busy.bears = busy.refused, 16
    assert 0 < first < 150
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: pace.run(busy.ask), range(1000)))
    assert pace.allowed == 16
    assert busy.refused == first


def failing(fault, code=""):
    def ask():
        ask.times += 1
        raise LakeError(fault, "no", code)

    ask.times = 0
    return ask


def test_throttling_without_an_end_is_an_error_after_a_while():
    pace, ask = Pace(4, first_wait=0.001), failing(LakeFault.ENDPOINT, "503")
    with pytest.raises(LakeError):
        pace.run(ask)
    assert ask.times == 8
    assert pace.verdict is None


@pytest.mark.parametrize(
    ("fault", "asked"), [(LakeFault.CREDENTIALS, 1), (LakeFault.ENDPOINT, 8), (LakeFault.POLICY, 20)]
)
def test_nobody_asks_any_more_once_it_is_known_that_every_request_fails(fault, asked):
    pace, ask = Pace(4), failing(fault)
    for _ in range(20):
        with pytest.raises(LakeError, match="no"):
            pace.run(ask)
    assert ask.times == asked


def test_failures_between_successes_are_not_an_endpoint_that_is_away():
    pace, ask = Pace(4), failing(LakeFault.ENDPOINT)
    for _ in range(10):
        for _ in range(7):
            with pytest.raises(LakeError):
                pace.run(ask)
        assert pace.run(lambda: 1) == 1
    assert ask.times == 70
