"""Begin to use the embedded server: join the one that runs, or start it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tasks_platform.embedded.binary import find_binary
from tasks_platform.embedded.folder import Folder, explained
from tasks_platform.embedded.identity import identify
from tasks_platform.embedded.launch import launch
from tasks_platform.embedded.locks import FileLock, held_alone
from tasks_platform.embedded.records import Access, Phase, Report, read_access, read_report
from tasks_platform.embedded.server import EmbeddedServer
from tasks_platform.embedded.watcher import Watcher
from tasks_platform.errors import NoServerError

#: Seconds between two looks.
INTERVAL = 0.01


def join(state_dir: Path, *, patience: float = 30.0) -> EmbeddedServer | None:
    """Use the server that runs for this user, waiting at most *patience* seconds for one that is just starting.

    Returns None where none is running; never starts one.

    Raises:
        NoServerError: the state folder is another user's, or the server does not come up.

    """
    folder = Folder.of(state_dir)
    try:
        return _open(folder, None, patience) if folder.exists() else None
    except NobodyRunsError:
        return None


def start(state_dir: Path, *, binary: Path | None = None, patience: float = 30.0) -> EmbeddedServer:
    """Use the server of this user; where none is running, start one with *binary* (see `find_binary`).

    As long as the returned object is open in this process, a supervisor that was killed is replaced.

    Raises:
        NoServerError: there is no server program, the state folder cannot be used, or the server does not come up.

    """
    folder = Folder.of(state_dir)
    folder.create()
    return _open(folder, lambda: launch(folder, binary or find_binary()), patience)


class NobodyRunsError(Exception):
    """There is no supervisor, and none was to be started. Strictly private."""


def _open(folder: Folder, launcher: Callable[[], None] | None, patience: float) -> EmbeddedServer:
    """Hold the users' lock, and wait until the server answers."""
    deadline = time.monotonic() + patience
    with explained(folder.root), ExitStack() as on_failure:
        users = FileLock(folder.users_lock)
        on_failure.callback(users.close)
        while not users.try_shared():  # a supervisor is ending its server
            _pause(folder, deadline)
        access, report = _wait(folder, launcher, deadline)
        on_failure.pop_all()
    return EmbeddedServer(
        url=access.url,
        binary=Path(report.binary),
        version=report.version,
        data=folder.data,
        users=users,
        watcher=Watcher(folder, launcher) if launcher else None,
    )


def _wait(folder: Folder, launcher: Callable[[], None] | None, deadline: float) -> tuple[Access, Report]:
    """Wait for a server that answers; where there is no supervisor, call *launcher*.

    A supervisor that gives up meanwhile ends the waiting with its reason.
    """
    before = read_report(folder.report)
    while True:
        # In this order: what is read after the lock was seen free is the last word of who held it.
        supervised = held_alone(folder.supervisor_lock)
        access, report = read_access(folder.access), read_report(folder.report)
        if supervised:
            if report and report.phase is Phase.READY and access and identify(access, folder.data):
                return access, report
            _pause(folder, deadline)
        elif report and report.phase is Phase.FAILED and report != before:
            raise NoServerError(f"The embedded server does not run. {report.reason}")
        elif launcher:
            launcher()
            _pause(folder, deadline)
        else:
            raise NobodyRunsError


def _pause(folder: Folder, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise NoServerError(f"The embedded server in {folder.root} did not answer in time. Its log is {folder.log}.")
    time.sleep(INTERVAL)
