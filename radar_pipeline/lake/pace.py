"""How many requests are in flight: fewer while S3 asks to slow down, none once it is known that none can succeed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import TypeVar

from radar_pipeline.lake.errors import LakeError, LakeFault

# An endpoint that failed this often in a row, each time after all retries, is taken to be away.
_ENDPOINT_FAILURES = 8

# How often one request is tried while S3 asks to slow down, and how long is waited in between, seconds. boto3 has
# waited by then as well, but each of its threads for itself.
_TRIES = 8
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0

# Answers in a row after which one more request may be in flight again.
_CALM = 50

T = TypeVar("T")


class Pace:
    """Shared by the threads of one piece of work.

    S3 scales by prefix and says 503 while it does; requests that go on at the same rate only make it longer. So each
    refusal halves what is in flight, and calm lets it grow by one.
    """

    def __init__(self, parallel: int, *, first_wait: float = _FIRST_WAIT) -> None:
        self._most = max(1, parallel)
        self._allowed = self._most
        self._first_wait = first_wait
        self._in_flight = 0
        self._calm = 0
        self._failures = 0
        self._changed = Condition()
        self.verdict: LakeError | None = None

    @property
    def allowed(self) -> int:
        """Requests that may be in flight now."""
        return self._allowed

    def run(self, request: Callable[[], T]) -> T:
        """Makes a request when its turn comes, again while S3 asks to slow down.

        Raises:
            LakeError: It failed, or it is known that every request does: then what made that known.
        """
        for attempt in range(_TRIES):
            with self._slot():
                try:
                    found = request()
                except LakeError as error:
                    if not error.is_throttled or attempt == _TRIES - 1:
                        self._note(error)
                        raise
                    self.slow_down()
                else:
                    self._went_well()
                    return found
            self.wait(attempt)
        raise AssertionError

    def wait(self, attempt: int) -> None:
        """Waits before something is asked again; longer each time."""
        time.sleep(min(self._first_wait * 2**attempt, _LONGEST_WAIT) * random.uniform(0.5, 1))

    def slow_down(self) -> None:
        """Halves what may be in flight."""
        with self._changed:
            self._allowed = max(1, self._allowed // 2)
            self._calm = 0

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < self._allowed or self.verdict is not None)
            if self.verdict is not None:
                raise self.verdict
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify()

    def _went_well(self) -> None:
        with self._changed:
            self._failures = 0
            self._calm += 1
            if self._calm >= _CALM and self._allowed < self._most:
                self._allowed += 1
                self._calm = 0
                self._changed.notify()

    def _note(self, error: LakeError) -> None:
        with self._changed:
            self._failures = self._failures + 1 if error.fault is LakeFault.ENDPOINT else 0
            if error.fault.is_bucket_wide or self._failures >= _ENDPOINT_FAILURES:
                self.verdict = error
                self._changed.notify_all()
