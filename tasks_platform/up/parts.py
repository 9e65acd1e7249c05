"""The programs a platform on one machine is made of: how each is started, and what it says when it is ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks_platform.up.child import Child

_CELERY = ("-m", "celery", "-A", "tasks_platform")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program of the platform."""

    name: str
    #: What Python is called with.
    arguments: tuple[str, ...]
    #: Parts of a higher stage have ended before those of a lower one are told to.
    stage: int
    #: Stands in its log once it is ready.
    ready: str
    #: Variables for it alone.
    environment: Mapping[str, str] = field(default_factory=dict)

    def child(self, environment: Mapping[str, str], logs: Path) -> Child:
        """Return it as a child that is not started yet."""
        return Child(
            name=self.name,
            command=[sys.executable, *self.arguments],
            environment={**environment, **self.environment},
            log=logs / f"{self.name}.log",
            stage=self.stage,
        )


def mailbox(folder: Path, ready_file: Path, *more: str) -> Part:
    """Return the local mail server."""
    words = ("--folder", str(folder), "--ready-file", str(ready_file), *more)
    return Part(
        name="mailbox", arguments=("-m", "tasks_platform.services.mailbox", *words), stage=0, ready="mailbox ready"
    )


def worker(name: str, *options: str) -> Part:
    """Return a worker with *options* of Celery's."""
    words = ["--quiet", "worker", "--loglevel", "INFO", *options]
    words += ["--without-mingle", "--without-gossip"]  # there is nobody to talk to: a second less to wait
    return Part(name=name, arguments=(*_CELERY, *words), stage=2, ready=" ready.")


def beat() -> Part:
    """Return what fires the schedule; it ends before the workers, which do what it has sent."""
    return Part(name="beat", arguments=(*_CELERY, "beat", "--loglevel", "INFO"), stage=3, ready="beat: Starting")


def flower(config: Path, port: int, password: str) -> Part:
    """Return Flower, which sees the workers end."""
    words = ("flower", f"--conf={config}", f"--port={port}")
    secret = {"TASKS_FLOWER__PASSWORD": password}  # where no other process of the platform, and no log, has it
    return Part(name="flower", arguments=(*_CELERY, *words), stage=1, ready="Visit me at", environment=secret)
