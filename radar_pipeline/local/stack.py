"""The local stack as one thing: up, down, status, reset.

``up`` states what should run and starts what does not; whatever already runs as wanted is left alone, so a second
``up`` changes nothing and a part that crashed is the only one started again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.demo import Progress as SeedProgress
from radar_pipeline.local.demo import advance, is_seeded, seed
from radar_pipeline.local.environment import ATHENA_OUTPUT, BUCKET, WORKGROUP, write_environment
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import exclusive
from radar_pipeline.local.home import Home
from radar_pipeline.local.inbox.program import InboxServer
from radar_pipeline.local.mariadb import answers, remove_socket
from radar_pipeline.local.parts import Part, ensure_running
from radar_pipeline.local.processes import find, stop
from radar_pipeline.local.provision import Progress, ensure_aws_venv, ensure_mariadbd
from radar_pipeline.local.servers import LocalOptions, Servers, choose_state, compose
from radar_pipeline.local.state import ERAS, PARTS, StackState, load_state
from radar_pipeline.local.status import PartStatus, StackStatus, observe

__all__ = ["LocalOptions", "LocalStack", "PartStatus", "StackStatus"]

# ministack writes its whole state when it ends, which takes its time on a busy machine.
_STOP_SECONDS = {"mariadb": 60.0, "aws": 60.0, "airbyte": 20.0, "inbox": 20.0}


# A stack found again after a year need not live through all of it.
_DAYS_AT_MOST = 31


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _quietly(_: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class LocalStack:
    """The stack of one home.

    Attributes:
        path: Folder of everything it keeps.
        options: What was chosen.
    """

    path: Path
    options: LocalOptions = field(default_factory=LocalOptions)

    def __post_init__(self) -> None:
        if self.options.era is not None and self.options.era not in ERAS:
            message = f"there is no era {self.options.era!r}; there are: {', '.join(ERAS)}"
            raise LocalStackError(message)

    @property
    def home(self) -> Home:
        """Where everything lies."""
        return Home(self.path.absolute())

    @property
    def servers(self) -> Servers:
        """The servers as the last ``up`` chose them.

        Raises:
            LocalStackError: There was none.
        """
        return compose(self.home, self._known_state(), self.options)

    def up(
        self,
        progress: Progress = _quietly,
        *,
        with_data: bool = True,
        scale: float = 1.0,
        seed_progress: SeedProgress | None = None,
    ) -> tuple[str, ...]:
        """Brings everything up that is not, and the demonstration data into the own MariaDB where it has none.

        Args:
            progress: Called with each step, from more than one thread.
            with_data: Whether to load the demonstration data where it is not there, or not there whole.
            scale: Size of the demonstration data; 1.0 is the documented size.
            seed_progress: Handed to the loader.

        Returns:
            What was changed, one phrase each; empty where everything ran already.

        Raises:
            LocalStackError: Something did not come up; what did stays up.
        """
        with self._alone(progress):
            state = choose_state(self.home, load_state(self.home.state), self.options, progress)
            state.save(self.home.state)
            servers = compose(self.home, state, self.options)
            with ThreadPoolExecutor(3) as pool:
                database = pool.submit(self._run_database, servers, progress)
                inbox = pool.submit(self._run_inbox, servers.inbox, progress)
                changed = [*self._run_aws(servers.aws, progress), *database.result(), *inbox.result()]
            loaded = with_data and servers.mariadb is not None and not is_seeded(servers.admin)
            if loaded:
                progress("loading the demonstration data")
                seed(servers.admin, scale=scale, progress=seed_progress)
                changed.append("demonstration data loaded")
            elif with_data and servers.mariadb is not None:
                changed += self._live_on(servers, progress, seed_progress)
            changed += self._run_airbyte(servers, progress)
            if loaded:
                self._note_day()
                AirbyteAdmin(servers.airbyte.url).refresh_catalog()
            write_environment(self.home.env, servers.wiring)
            return tuple(changed)

    def down(self, progress: Progress = _quietly) -> tuple[str, ...]:
        """Stops everything, in the order in which nothing is lost.

        Returns:
            The parts that were running.
        """
        with self._alone(progress):
            return self._stop_all(progress)

    def status(self) -> StackStatus:
        """Looks at every part; changes nothing."""
        state = load_state(self.home.state)
        if not self.home.secrets.exists():
            return StackStatus(self.home.root, state.era, ())
        return observe(self.home, state, compose(self.home, state, self.options))

    def reset(self, progress: Progress = _quietly) -> None:
        """Stops everything and deletes its data, passwords and remembered ports; what is installed stays."""
        self._known_state()
        with self._alone(progress):
            self._stop_all(progress)
            progress("deleting the data")
            remove_socket(self.home.data("mariadb"))
            for path in self.home.doomed():
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def seed(
        self, progress: Progress = _quietly, *, scale: float, force: bool, seed_progress: SeedProgress | None = None
    ) -> bool:
        """Loads the demonstration data, and lets the Airbyte-compatible server see its tables.

        Returns:
            Whether it was loaded: what is there already is replaced only with ``force``.
        """
        with self._alone(progress):
            servers = self.servers
            if is_seeded(servers.admin) and not force:
                return False
            progress("loading the demonstration data")
            seed(servers.admin, scale=scale, progress=seed_progress)
            if servers.airbyte.is_ready():
                AirbyteAdmin(servers.airbyte.url).refresh_catalog()
            return True

    def advance(self, progress: Progress = _quietly, *, days: int, seed_progress: SeedProgress | None = None) -> None:
        """Lets the demonstration data live on for some days."""
        with self._alone(progress):
            progress(f"living through {days} day{'s' if days > 1 else ''}")
            advance(self.servers.admin, days=days, progress=seed_progress)

    def _live_on(self, servers: Servers, progress: Progress, seed_progress: SeedProgress | None) -> list[str]:
        """Lets the data live through the days since the stack was last used: a table that stands still is suspect."""
        noted = self.home.lived_until.read_text(encoding="utf-8").strip() if self.home.lived_until.exists() else ""
        days = min((_today() - dt.date.fromisoformat(noted)).days, _DAYS_AT_MOST) if noted else 0
        if days > 0:
            progress(f"living through {days} day{'s' if days > 1 else ''}")
            advance(servers.admin, days=days, progress=seed_progress)
        self._note_day()
        return [f"the demonstration data lived on for {days} day{'s' if days > 1 else ''}"] if days > 0 else []

    def _note_day(self) -> None:
        self.home.lived_until.write_text(f"{_today()}\n", encoding="utf-8")

    @contextlib.contextmanager
    def _alone(self, progress: Progress) -> Iterator[None]:
        self.home.root.mkdir(parents=True, exist_ok=True)
        # Passwords lie in it, and the parts choose the modes of their files themselves.
        self.home.root.chmod(0o700)
        with exclusive(self.home.lock, on_wait=lambda: progress("waiting for another `radar local` command")):
            yield

    def _known_state(self) -> StackState:
        if not self.home.state.exists():
            message = f"there is no local stack in {self.home.root}: `radar local up` makes one"
            raise LocalStackError(message)
        return load_state(self.home.state)

    def _run_database(self, servers: Servers, progress: Progress) -> list[str]:
        server = servers.mariadb
        if server is None:
            source = servers.source
            if not answers(source):
                message = (
                    f"the MySQL given by RADAR_HOST does not answer at {source.host}:{source.port} for {source.user}: "
                    "check RADAR_PORT, RADAR_DATABASE, RADAR_USER and RADAR_PASS, or unset RADAR_HOST for an own one"
                )
                raise LocalStackError(message)
            return []
        mariadbd = ensure_mariadbd(progress, may_install=self.options.may_install)
        server.prepare(mariadbd)
        return ensure_running(Part(server.program(mariadbd, **self._files("mariadb")), server.is_ready), progress)

    def _run_aws(self, server: AwsEndpoint, progress: Progress) -> list[str]:
        ministack = ensure_aws_venv(self.options.aws_venv or self.home.aws_venv, progress)
        changed = ensure_running(Part(server.program(ministack, **self._files("aws")), server.is_ready), progress)
        server.ensure_bucket(BUCKET)
        server.ensure_workgroup(WORKGROUP, ATHENA_OUTPUT)
        return changed

    def _run_airbyte(self, servers: Servers, progress: Progress) -> list[str]:
        server = servers.airbyte
        part = Part(server.program(**self._files("airbyte")), server.is_ready, inputs=server.bootstrap())
        return ensure_running(part, progress)

    def _run_inbox(self, server: InboxServer, progress: Progress) -> list[str]:
        inputs = server.credentials.as_json()
        return ensure_running(Part(server.program(**self._files("inbox")), server.is_ready, inputs), progress)

    def _stop_all(self, progress: Progress) -> tuple[str, ...]:
        stopped = []
        for name in reversed(PARTS):
            if find(self.home.pid_file(name)):
                progress(f"stopping {name}")
            if self._stop(name):
                stopped.append(name)
        return tuple(stopped)

    def _stop(self, name: str) -> bool:
        return stop(self.home.pid_file(name), seconds=_STOP_SECONDS[name])

    def _files(self, name: str) -> dict[str, Path]:
        return {"pid_file": self.home.pid_file(name), "log_file": self.home.log_file(name)}
