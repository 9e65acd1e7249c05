"""A real mail server for tests: the platform's own mailbox as a process, on loopback, on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks_platform.services.mailbox.folder import FiledMail, read_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds a mailbox may take to end.
PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A running mailbox."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def mails(self) -> list[FiledMail]:
        """Return what arrived."""
        return read_mailbox(self.folder)


@contextmanager
def running_mailbox(folder: Path, *options: str, auth: str = "") -> Iterator[Mailbox]:
    """Run a mailbox that files in *folder* until the block ends; *auth* is ``user:password``."""
    command = [sys.executable, "-W", "error", "-m", "tasks_platform.services.mailbox", "--folder", str(folder)]
    environment = dict(os.environ)
    if auth:
        command += ["--auth-env", "MAILBOX_AUTH"]
        environment["MAILBOX_AUTH"] = auth
    with subprocess.Popen(
        [*command, *options], env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("mailbox ready on 127.0.0.1 port "), f"the mailbox did not start: {ready!r}"
            yield Mailbox(folder=folder, port=int(ready.split()[-1]), process=process)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
