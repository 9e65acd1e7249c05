"""LocalPlatform: the embedded server, a mailbox where no mail server is set, and workers."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tasks_platform.celery import PlatformApp, create_app
from tasks_platform.errors import PlatformError
from tasks_platform.settings import Settings
from tasks_platform.up.children import Child, Children

_START = 30.0
_POLL = 0.02


class LocalPlatform:
    """A whole platform on this machine, from entering the block to leaving it.

    1. Without ``TASKS_REDIS_URL`` this user's embedded server is joined or started.
    2. Without ``TASKS_SMTP__HOST`` mail goes to a local SMTP server, which files it in the mailbox folder and
       refuses the addresses in *refuse* for good.
    3. Workers run until the block ends. What dies in between is started again; what is left at the end is
       ended; nothing outlives this process.
    """

    def __init__(self, settings: Settings, *, refuse: Sequence[str] = (), concurrency: int | None = None) -> None:
        self.settings = settings.model_copy(update={"embedded": True})
        self.app: PlatformApp = create_app(self.settings)
        self._refuse = refuse
        self._concurrency = concurrency or max(2, os.cpu_count() or 2)
        self._children = Children()
        self._environment = dict(os.environ)

    @property
    def logs(self) -> Path:
        """The folder of the children's logs."""
        return self.settings.state_dir / "logs"

    def __enter__(self) -> Self:
        try:
            self._environment["TASKS_REDIS_URL"] = self.app.redis_url
            self._environment["TASKS_STATE_DIR"] = str(self.settings.state_dir)
            if self.settings.smtp.host is None:
                self._start_mailbox()
            self._start_worker()
        except BaseException:
            self._children.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._children.end()

    def check(self) -> None:
        """Raise if a part of the platform could not be kept running.

        Raises:
            PlatformError: naming it and its log.

        """
        if self._children.given_up:
            raise PlatformError("; ".join(self._children.given_up.values()))

    def _start_mailbox(self) -> None:
        ready = self.settings.state_dir / "mailbox.ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tasks_platform.services.mailbox", "--folder", str(self.settings.mailbox)]
        command += ["--ready-file", str(ready), *(word for item in self._refuse for word in ("--refuse", item))]
        log = self.logs / "mailbox.log"
        child = Child(name="mailbox", command=[*command, "--port", "0"], environment=self._environment, log=log)
        self._children.add(child)
        deadline = time.monotonic() + _START
        while not ready.exists():
            self.check()
            if time.monotonic() > deadline:
                raise PlatformError(f"the mailbox did not start within {_START:.0f} s; its log is {log}")
            time.sleep(_POLL)
        port = str(json.loads(ready.read_text())["port"])
        child.command = [*command, "--port", port]  # started again, it is found where it was
        self._environment |= {
            "TASKS_SMTP__HOST": "127.0.0.1",
            "TASKS_SMTP__PORT": port,
            "TASKS_SMTP__SECURITY": "none",
        }

    def _start_worker(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--loglevel", "INFO"]
        command += ["--concurrency", str(self._concurrency), "--hostname", f"local-{os.getpid()}@%h"]
        command += ["--without-mingle", "--without-gossip"]  # there is nobody to talk to: a second less to wait
        log = self.logs / "worker.log"
        self._children.add(Child(name="worker", command=command, environment=self._environment, log=log))
