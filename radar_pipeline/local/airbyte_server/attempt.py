"""One attempt of a job: its worker, and what becomes of it."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.local.airbyte_server.clock import ServerClock
from radar_pipeline.local.airbyte_server.eras import RetryPolicy
from radar_pipeline.local.airbyte_server.ledger import Ledger
from radar_pipeline.local.airbyte_server.order import AttemptPlan, redact, secrets_of, worker_order
from radar_pipeline.local.airbyte_server.records import LogLine
from radar_pipeline.local.airbyte_server.store import Store
from radar_pipeline.local.airbyte_server.tally import Ending, Tally, platform_failure, read_event
from radar_pipeline.local.airbyte_server.worker import Start, Worker

# A reset with an append destination has nothing to rewrite; this is what a small one takes.
_RESET_SECONDS = 1.0


@dataclass(frozen=True)
class Engine:
    """What running jobs needs.

    Attributes:
        store: Configuration and faults.
        ledger: Jobs.
        clock: The server's time.
        retries: The era and its retry rule.
        start_worker: Starts the worker of an attempt.
    """

    store: Store
    ledger: Ledger
    clock: ServerClock
    retries: RetryPolicy
    start_worker: Start


class AttemptRun:
    """Runs one attempt in the caller's thread.

    Args:
        engine: What it needs.
        plan: What is to happen.
    """

    def __init__(self, engine: Engine, plan: AttemptPlan) -> None:
        self._engine = engine
        self._plan = plan
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def stop(self) -> None:
        """Ends it soon, from another thread."""
        with self._lock:
            self._stopped.set()
            if self._worker:
                self._worker.terminate()

    def run(self) -> Ending:
        """Runs it to its end."""
        plan = self._plan
        if plan.job.kind != "sync":
            reset = plan.fault("reset-running")
            self._stopped.wait(float(reset.options["seconds"]) if reset else _RESET_SECONDS)
            return Ending("succeeded")
        if plan.fault("stuck-job"):
            self._stopped.wait()
        empty = plan.fault("succeeded-without-data")
        if empty and empty.options["report"] == "nothing":
            return Ending("succeeded")
        hold = plan.fault("already-running")
        if hold:
            self._stopped.wait(float(hold.options["seconds"]))
        try:
            return self._work()
        except (OSError, LookupError) as error:
            return Ending("failed", (platform_failure(f"The worker could not be run: {error!r}", self._now()),))

    def _now(self) -> float:
        return self._engine.clock.now() + self._plan.shift

    def _work(self) -> Ending:
        engine, plan = self._engine, self._plan
        connection = engine.store.connection(plan.job.connection_id)
        source = connection and engine.store.connector("source", connection.source_id)
        destination = connection and engine.store.connector("destination", connection.destination_id)
        if not (connection and source and destination):
            msg = f"job {plan.job.id}: its connection, source or destination is not configured"
            raise LookupError(msg)
        secrets = secrets_of(source, destination)
        spool = engine.store.directory / "spool" / f"{plan.job.id}-{plan.number}"
        spool.mkdir(parents=True, exist_ok=True)
        order = worker_order(
            plan,
            connection,
            source,
            destination,
            dialect=engine.retries.era.dialect,
            now=engine.clock.now(),
            clock_offset=engine.clock.offset,
            generation=engine.store.next_number(f"generation:{connection.id}"),
            spool_dir=str(spool),
        )

        def log(message: str) -> None:
            line = LogLine(self._now(), "INFO", "platform", redact(message, secrets))
            engine.ledger.log(plan.job.id, plan.number, line)

        try:
            with self._lock:
                if self._stopped.is_set():
                    return Ending("failed")
                self._worker = worker = Worker(engine.start_worker(order), log)
            engine.ledger.set_worker(plan.job.id, plan.number, *worker.identity)
            return self._watch(worker, Tally(connection.selected), secrets)
        finally:
            with self._lock:
                if self._worker:
                    self._worker.kill()
            shutil.rmtree(spool, ignore_errors=True)

    def _watch(self, worker: Worker, tally: Tally, secrets: Sequence[str]) -> Ending:
        ledger, plan = self._engine.ledger, self._plan
        memory_ends_after = self._tables_until_out_of_memory()
        is_killed = False
        for line in worker.lines():
            event = read_event(redact(line, secrets))
            if event is None or is_killed:
                continue
            count, said = tally.take(event, self._now())
            if count:
                ledger.count(plan.job.id, plan.number, count)
            if said:
                ledger.log(plan.job.id, plan.number, said)
            if memory_ends_after is not None and tally.done >= memory_ends_after:
                worker.kill()
                is_killed = True
        code = worker.wait()
        return tally.end(-signal.SIGKILL if is_killed else code, self._now())

    def _tables_until_out_of_memory(self) -> int | None:
        fault = self._plan.fault("worker-out-of-memory")
        if fault is None:
            return None
        given = fault.options["after_tables"]
        return len(self._plan.job.streams) // 2 if given is None else int(given)
