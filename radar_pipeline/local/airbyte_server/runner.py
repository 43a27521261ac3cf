"""Runs jobs: a thread for each job, a worker process for each attempt."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from radar_pipeline.local.airbyte_server.attempt import AttemptRun, Engine
from radar_pipeline.local.airbyte_server.faults import ActiveFault, Stage
from radar_pipeline.local.airbyte_server.ledger import AlreadyRunningError
from radar_pipeline.local.airbyte_server.order import AttemptPlan, plan_attempt
from radar_pipeline.local.airbyte_server.records import Connection, Job
from radar_pipeline.local.airbyte_server.tally import Ending, cancelled, interrupted
from radar_pipeline.local.airbyte_server.worker import GRACE_SECONDS, end_orphan


class Runner:
    """Starts, cancels and resumes jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[int, _JobRun] = {}
        self._lock = threading.Lock()

    def start(self, connection: Connection, kind: str, faults: Sequence[ActiveFault] = ()) -> int:
        """Creates a job and runs it; returns its number.

        Args:
            connection: Of which connection.
            kind: configType on the wire.
            faults: Faults that it carries besides those that are switched on.

        Raises:
            AlreadyRunningError: The connection has a job that has not ended.
        """
        engine = self._engine
        with self._lock:
            with engine.store.transaction():
                if engine.ledger.active(connection.id):
                    raise AlreadyRunningError(connection.id)
                taken = engine.store.take_faults(Stage.JOB) if kind == "sync" else ()
                job_id = engine.ledger.create(
                    connection.id, kind, engine.clock.now(), faults=(*taken, *faults), streams=connection.selected
                )
            self._run(job_id)
        return job_id

    def cancel(self, connection_id: str) -> bool:
        """Cancels whatever the connection runs now and waits for its end; False where nothing runs."""
        with self._lock:
            job_id = self._engine.ledger.active(connection_id)
            run = self._runs.get(job_id) if job_id else None
        if run is None:
            return False
        run.cancel()
        run.thread.join(timeout=2 * GRACE_SECONDS)
        return True

    def resume(self) -> None:
        """Goes on with the jobs of a server that ended: its running attempts are lost, its workers are killed."""
        engine = self._engine
        for job in engine.ledger.unfinished():
            last = job.attempts[-1] if job.attempts else None
            if last and last.status == "running":
                if last.worker:
                    end_orphan(*last.worker)
                now = max(engine.clock.now(), last.updated_at)
                ending = interrupted(now)
                engine.ledger.end_attempt(
                    job.id,
                    last.number,
                    now,
                    attempt_status="failed",
                    job_status="incomplete",
                    failures=ending.failures,
                    worker_lost=True,
                )
            self._run(job.id)

    def stop(self) -> None:
        """Stops every worker. The jobs go on when the server is started again."""
        for run in list(self._runs.values()):
            run.stop()
        for run in list(self._runs.values()):
            run.thread.join(timeout=2 * GRACE_SECONDS)

    def _run(self, job_id: int) -> None:
        self._runs = {number: run for number, run in self._runs.items() if run.thread.is_alive()}
        run = _JobRun(self._engine, job_id)
        self._runs[job_id] = run
        run.thread.start()


class _JobRun:
    """One job on its way, in its own thread."""

    def __init__(self, engine: Engine, job_id: int) -> None:
        self._engine = engine
        self._id = job_id
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._attempt: AttemptRun | None = None
        self.thread = threading.Thread(target=self._go, name=f"job-{job_id}", daemon=True)

    def cancel(self) -> None:
        """Asks the job to end as cancelled."""
        self._is_cancelled = True
        self.stop()

    def stop(self) -> None:
        """Asks the job's worker to end and the thread to return."""
        with self._lock:
            self._wake.set()
            if self._attempt:
                self._attempt.stop()

    def _job(self) -> Job:
        job = self._engine.ledger.job(self._id)
        if job is None:
            msg = f"job {self._id} is gone"
            raise LookupError(msg)
        return job

    def _go(self) -> None:
        ledger, clock = self._engine.ledger, self._engine.clock
        while not self._wake.is_set():
            job = self._job()
            pause = self._pause(job)
            if pause is None:
                ledger.set_status(job.id, "failed", clock.now())
                return
            if self._wake.wait(pause):
                break
            plan = plan_attempt(job)
            ledger.begin_attempt(job.id, plan.number, clock.now() + plan.shift)
            ending = self._run_attempt(plan)
            if self._is_cancelled:
                ending = cancelled(clock.now() + plan.shift, ending.failures)
            elif self._wake.is_set():
                return  # The server stops; the next one finds the attempt still running and ends it.
            self._end(plan, ending)
            if ending.status != "failed":
                return
        if self._is_cancelled:
            ledger.set_status(self._id, "cancelled", clock.now())

    def _run_attempt(self, plan: AttemptPlan) -> Ending:
        attempt = AttemptRun(self._engine, plan)
        with self._lock:
            self._attempt = attempt
            if self._wake.is_set():
                attempt.stop()
        return attempt.run()

    def _pause(self, job: Job) -> float | None:
        """Seconds until the next attempt; None where there is to be none."""
        if job.attempts:
            return self._engine.retries.pause_before_next([attempt.committed > 0 for attempt in job.attempts])
        queued = next((fault for fault in job.faults if fault.name == "queued-first"), None)
        if queued is None:
            return 0.0
        self._engine.ledger.set_status(job.id, "queued", self._engine.clock.now())
        return float(queued.options["seconds"])

    def _end(self, plan: AttemptPlan, ending: Ending) -> None:
        job = self._job()
        moved = [attempt.committed > 0 for attempt in job.attempts]
        job_status = ending.status
        if ending.status == "failed" and self._engine.retries.pause_before_next(moved) is not None:
            job_status = "incomplete"
        self._engine.ledger.end_attempt(
            job.id,
            plan.number,
            self._engine.clock.now() + plan.shift,
            attempt_status="succeeded" if ending.status == "succeeded" else "failed",
            job_status=job_status,
            failures=ending.failures,
            worker_lost=ending.worker_lost,
        )
