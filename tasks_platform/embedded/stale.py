"""A server that outlived its supervisor: recognised for certain, and ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.identity import identify
from tasks_platform.embedded.locks import FileLock
from tasks_platform.embedded.records import read_access, read_report
from tasks_platform.errors import NoServerError

#: Seconds it may take to end after each signal.
PATIENCE = 10.0


def end_stale_server(folder: Folder, lock: FileLock) -> None:
    """Take the server's lock; if an earlier server still holds it, end that one first.

    Raises:
        NoServerError: somebody holds the lock who cannot be recognised or does not end.

    """
    for ending in (None, signal.SIGTERM, signal.SIGKILL):
        pid = stale_pid(folder) if ending else None
        if ending and pid:
            with suppress(ProcessLookupError):
                os.kill(pid, ending)
        deadline = time.monotonic() + (PATIENCE if ending else 0)
        while not lock.try_alone():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return
    raise NoServerError(
        f"An earlier server still uses {folder.data} and does not end (process {stale_pid(folder) or 'unknown'}). "
        f"End it, then try again; `fuser {folder.server_lock}` names it."
    )


def stale_pid(folder: Folder) -> int | None:
    """Find the process id of an earlier server of this folder; None where that is not certain.

    A process id from a file alone is no proof: it may be somebody else's by now.
    """
    access, report = read_access(folder.access), read_report(folder.report)
    if access and (identity := identify(access, folder.data)):
        return identity.pid
    # One that hangs does not answer; on Linux its working folder tells whose it is.
    with suppress(OSError):
        if report and report.server and Path(f"/proc/{report.server}/cwd").samefile(folder.data):
            return report.server
    return None
