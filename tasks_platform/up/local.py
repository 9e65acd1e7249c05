"""LocalPlatform: the embedded server, a mailbox where no mail server is set, and workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tasks_platform.celery import PlatformApp, create_app
from tasks_platform.errors import PlatformError
from tasks_platform.settings import Settings
from tasks_platform.up.environment import environment_of
from tasks_platform.up.keeper import Keeper
from tasks_platform.up.mail import start_mailbox
from tasks_platform.up.parts import worker


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
        self._keeper = Keeper()

    @property
    def logs(self) -> Path:
        """The folder of the children's logs."""
        return self.settings.state_dir / "logs"

    def __enter__(self) -> Self:
        try:
            environment = environment_of(self.app)
            if self.settings.smtp.host is None:
                add, check = self._keeper.add, self.check
                environment |= start_mailbox(
                    self.settings, environment, self.logs, add=add, check=check, refuse=self._refuse
                )
            part = worker("worker", "--concurrency", str(self._concurrency), "--hostname", f"local-{os.getpid()}@%h")
            self._keeper.add(part.child(environment, self.logs))
        except BaseException:
            self._keeper.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.end()

    def check(self) -> None:
        """Raise if a part of the platform could not be kept running.

        Raises:
            PlatformError: naming it and its log.

        """
        if self._keeper.given_up:
            raise PlatformError("; ".join(self._keeper.given_up.values()))
