"""A real PostgreSQL server for tests: reachable through a socket in a folder of its own, gone without a trace.

One server serves all tests of a process, and every test has a database of its own, copied from a template in
milliseconds. PostgreSQL refuses to run as root; root runs it as the user that the package made for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tasks_platform.services.books import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds the server may take to answer, and to end.
PATIENCE = 30.0
#: What the package of Debian calls the user.
OWNER = "postgres"
#: Nothing here survives the tests, so nothing has to survive a power cut.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=100")


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server."""

    #: The folder of its socket.
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """Return the address of a database, as SQLAlchemy takes it."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Yield the address of a new database, a copy of *template*, that is dropped in the end."""
        name = f"test_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url(name)
        finally:
            self._run("DROP DATABASE {} WITH (FORCE)", name)

    def make_template(self, name: str) -> None:
        """Make a database with the tables of the books, of which tests get copies."""
        self._run("CREATE DATABASE {}", name)
        books = Database(self.url(name))
        books.upgrade()
        books.dispose()

    def _run(self, command: str, *names: str) -> None:
        with psycopg.connect(host=str(self.folder), user=OWNER, dbname=OWNER, autocommit=True) as connection:
            connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server until the block ends."""
    # Not pytest's folder, which only root may enter; and short: the path of a socket has about a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="tasks-pg-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER)
        _as_owner("initdb", "--no-sync", "--auth=trust", f"--username={OWNER}", f"--pgdata={data}").check_returncode()
        options = [word for option in OPTIONS for word in ("-c", option)]
        command = [_program("postgres"), "-D", str(data), "-k", str(folder), *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*_prefix(), *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(process, folder)
            yield PostgresServer(folder=folder)
        finally:
            process.terminate()
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(host=str(folder), user=OWNER, dbname=OWNER, connect_timeout=2),
        ):
            return
        time.sleep(0.05)
    message = f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')}"
    raise RuntimeError(message)


def _as_owner(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*_prefix(), _program(program), *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd="/")


def _prefix() -> list[str]:
    """Return what runs a command as another user; the process keeps its id, so that it is ended by it."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"]


def _program(name: str) -> str:
    """Find a program of the newest PostgreSQL; Debian keeps them away from the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((str(folder / name) for folder in reversed(versions) if (folder / name).exists()), name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server that all tests of this process share."""
    with running_postgres() as server:
        server.make_template("books")
        yield server
