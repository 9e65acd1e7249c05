"""The process that keeps the server running as long as somebody uses it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from tasks_platform.embedded.durability import flush
from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.identity import identify
from tasks_platform.embedded.locks import FileLock
from tasks_platform.embedded.log import last_lines, note, write_to
from tasks_platform.embedded.ports import is_free, new_access
from tasks_platform.embedded.process import start_server, stop_server
from tasks_platform.embedded.records import Access, Phase, Report, read_access, write_record
from tasks_platform.embedded.restarts import delay_before_restart, failures_after
from tasks_platform.embedded.signals import Signals
from tasks_platform.embedded.stale import end_stale_server
from tasks_platform.errors import NoServerError

#: Seconds between two looks at a server that is still starting, and at one that answers.
WHILE_STARTING, WHILE_READY = 0.01, 0.5
#: Seconds to wait for a port that was ours, before it is given up for another.
PORT_PATIENCE = 1.0


def supervise(folder: Folder, binary: Path) -> None:
    """Keep the server of *folder* running until nobody uses it; the caller holds the supervisor's lock."""
    os.umask(0o077)  # the server's own files and folders are this user's alone, too
    write_to(folder.log)
    supervisor = Supervisor(folder, binary)
    try:
        supervisor.run()
    except (NoServerError, OSError, subprocess.SubprocessError) as error:
        supervisor.give_up(str(error))
    finally:
        supervisor.end_server()


class Supervisor:
    """Starts the server, and starts it again.

    1. An earlier server that is still there (its supervisor was killed) is ended.
    2. The server is started on the port it always had; if somebody else listens there, on another one.
    3. Once it answers under our password, as the process we started, with our data folder, it is reported ready.
    4. If it ends by itself or is killed, 2 follows: at once, but after a row of short lives the supervisor gives up
       and says why.
    5. When nobody holds the users' lock any more, or on SIGTERM, the server is ended. Whoever comes in the meantime
       waits for the lock, which ends with this process, and starts a new supervisor.
    """

    def __init__(self, folder: Folder, binary: Path) -> None:
        self._folder = folder
        self._binary = binary
        self._signals = Signals()
        self._users = FileLock(folder.users_lock)
        self._server_lock = FileLock(folder.server_lock)
        self._server: subprocess.Popen[bytes] | None = None
        self._report = Report(
            phase=Phase.STARTING, supervisor=os.getpid(), binary=os.fspath(binary), since=time.time_ns()
        )

    def run(self) -> None:
        """Run the server until nobody wants it any more, or it keeps failing."""
        self._say(Phase.STARTING)
        end_stale_server(self._folder, self._server_lock)
        failures = 0
        while (delay := delay_before_restart(failures)) is not None:
            self._signals.sleep(delay)
            start_of_log = self._folder.log.stat().st_size
            access = self._access()
            server = self._server = start_server(self._folder, self._binary, access, self._server_lock)
            answered_for = self._watch(server, access)
            if answered_for is None:
                self.end_server()
                self._say(Phase.ENDED)
                return
            note(f"the server ended with code {server.returncode}")
            failures = failures_after(failures, answered_for=answered_for)
        self.give_up(
            f"{self._binary} ended {failures} times in a row soon after it was started, the last time with code "
            f"{server.returncode}. It said: {last_lines(self._folder.log, start_of_log)}"
        )

    def give_up(self, reason: str) -> None:
        """Leave behind why there is no server."""
        note(f"gives up: {reason}")
        self._say(Phase.FAILED, reason=f"{reason} (log: {self._folder.log})")

    def end_server(self) -> None:
        """End the server if it runs."""
        if self._server and self._server.poll() is None:
            stop_server(self._server)

    def _watch(self, server: subprocess.Popen[bytes], access: Access) -> float | None:
        """Return for how many seconds the server had answered when it ended; None when it is time to end it."""
        self._say(Phase.STARTING, server=server.pid)
        ready_at: float | None = None
        while server.poll() is None:
            # Nobody can begin to use the server once this lock is taken: it is kept until this process ends.
            if self._users.try_alone():
                note("nobody uses the server any more")
                return None
            if self._signals.told_to_end:
                note("told to end")
                return None
            if ready_at is None and self._answers(server, access):
                ready_at = time.monotonic()
            self._signals.sleep(WHILE_STARTING if ready_at is None else WHILE_READY)
            flush(self._folder.data)
        return 0.0 if ready_at is None else time.monotonic() - ready_at

    def _answers(self, server: subprocess.Popen[bytes], access: Access) -> bool:
        """Report the server ready if it is."""
        identity = identify(access, self._folder.data)
        if identity is None or identity.pid != server.pid or identity.loading:
            return False
        note(f"{identity.version} (process {server.pid}) answers on port {access.port}")
        self._say(Phase.READY, server=server.pid, version=identity.version)
        return True

    def _access(self) -> Access:
        """Return the port and password to use, new ones only where the old port is not to be had."""
        access = read_access(self._folder.access)
        deadline = time.monotonic() + PORT_PATIENCE
        while access and time.monotonic() < deadline:
            if is_free(access.port):
                return access
            time.sleep(0.05)
        if access:
            note(f"somebody else listens on port {access.port}; another one is chosen")
        access = new_access()
        write_record(self._folder.access, access)
        return access

    def _say(self, phase: Phase, *, server: int = 0, version: str = "", reason: str = "") -> None:
        report = replace(self._report, phase=phase, server=server, version=version, reason=reason)
        write_record(self._folder.report, report)
