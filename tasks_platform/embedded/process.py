"""The server process: started so that it ends with its supervisor, and ended so that it loses nothing."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tasks_platform.embedded.config import config_text
from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.locks import FileLock
from tasks_platform.embedded.records import Access, write_private

#: Seconds a server may take to write out what it holds and end, before it is killed.
PATIENCE = 10.0
#: From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


def start_server(folder: Folder, binary: Path, access: Access, lock: FileLock) -> subprocess.Popen[bytes]:
    """Start the server; it keeps *lock* until it is gone."""
    write_private(folder.config, config_text(access))
    return subprocess.Popen(  # noqa: S603 - the program was found by `find_binary` or named by the caller
        [binary, folder.config],
        cwd=folder.data,
        stdin=subprocess.DEVNULL,
        pass_fds=(lock.descriptor,),
        preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - the supervisor has one thread only
    )


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """End the server and wait until it is gone."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ending_with(parent: int) -> Callable[[], None] | None:
    """Return what a child does before it becomes the server, so that it ends when *parent* does (Linux only).

    The signal is SIGTERM: a server that is killed would lose what it answered but still holds back from the file
    while a slow disk is busy. Elsewhere the next supervisor ends what is left (`end_stale_server`).
    """
    if sys.platform != "linux":
        return None
    # Looked up before the fork: after it, only what needs no lock and no memory is safe.
    prctl = ctypes.CDLL(None).prctl
    arguments = ctypes.c_int(PR_SET_PDEATHSIG), ctypes.c_ulong(signal.SIGTERM)

    def end_with_parent() -> None:
        prctl(*arguments)
        if os.getppid() != parent:  # it ended before the request: no signal will come any more
            os._exit(1)

    return end_with_parent
