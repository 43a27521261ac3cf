"""Questions around a sync, asked until a server that is away is back; the log hears of it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from radar_pipeline.airbyte.errors import AirbyteUnreachableError
from radar_pipeline.airbyte.progress import OnProgress, Patience, SyncProgress

_Answer = TypeVar("_Answer")


def ask_aside(ask: Callable[[], _Answer]) -> Future[_Answer]:
    """Asks in a thread, so that a server that hangs does not silence the log while it is waited for."""
    answer: Future[_Answer] = Future()

    def carry_out() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            answer.set_exception(error)

    # A daemon: a run that is told to end does not wait for a server that hangs.
    Thread(target=carry_out, name="ask", daemon=True).start()
    return answer


def ride_out(
    ask: Callable[[], _Answer],
    patience: Patience,
    on_progress: OnProgress,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> _Answer:
    """Repeats a question for as long as a sync's watch would wait; anything but an outage is raised at once.

    To be called in the main thread, which is the one that a terminated run interrupts.

    Args:
        ask: The question; it may repeat itself for a while.
        patience: How long the server may be away, and how often that is told.
        on_progress: Told how long it has been waited for.
        sleep: Waits.
        monotonic: Measures waiting.

    Raises:
        AirbyteUnreachableError: The server was away for too long.
    """
    begin = told_at = monotonic()
    pause = min(patience.poll_seconds, patience.progress_seconds / 2)
    words = ""

    def tell() -> None:
        nonlocal told_at
        told_at = monotonic()
        away = told_at - begin
        on_progress(SyncProgress(None, away, note=f"waiting for Airbyte for {away:.0f} s{words}"))

    while True:
        answer = ask_aside(ask)
        while not wait([answer], max(told_at + patience.progress_seconds - monotonic(), 0)).done:
            tell()
        try:
            return answer.result()
        except AirbyteUnreachableError as error:
            if monotonic() - begin > patience.outage_seconds:
                raise
            is_first, words = not words, f": {error}"
            # Now, where after the pause it would be late.
            if is_first or monotonic() + pause >= told_at + patience.progress_seconds:
                tell()
        sleep(pause)
