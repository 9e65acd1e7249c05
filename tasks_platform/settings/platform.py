"""The settings."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks_platform.queues import DEFAULT_QUEUE
from tasks_platform.settings.durations import Duration
from tasks_platform.settings.flower import Flower
from tasks_platform.settings.health import Health
from tasks_platform.settings.letters import Letters
from tasks_platform.settings.logs import Logs
from tasks_platform.settings.objectives import Objectives
from tasks_platform.settings.queue_servers import QueueServers
from tasks_platform.settings.replicas import Replicas
from tasks_platform.settings.retention import KeptJobs
from tasks_platform.settings.schedules import Schedules
from tasks_platform.settings.sealing import Sealing
from tasks_platform.settings.sentry import Sentry
from tasks_platform.settings.signing import Signing
from tasks_platform.settings.smtp import Smtp
from tasks_platform.settings.workers import WorkerClasses


def user_state_folder() -> Path:
    """Return the folder in which this user's state is kept (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tasks-platform"


class Settings(BaseSettings):
    """Everything that may differ between two installations."""

    model_config = SettingsConfigDict(
        env_prefix="TASKS_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    #: Broker, results and the platform's records. Without it, this user's embedded server is joined.
    redis_url: SecretStr | None = None
    #: Another broker than Redis (``amqp://``); the records stay in Redis.
    broker_url: SecretStr | None = None
    #: Queues on Redis servers of their own: ``bulk=redis://one:6379/0,images=redis://two:6379/0``.
    queue_servers: QueueServers = Field(default_factory=dict)
    #: Whether senders wait for copies of their messages: ``TASKS_REPLICAS__WAIT_FOR=2``.
    replicas: Replicas = Replicas()
    #: Start the embedded server where none is running.
    embedded: bool = False
    #: Where the embedded server, the database file, the files and the mailbox live.
    state_dir: Path = Field(default_factory=user_state_folder)
    #: Import paths of task modules, separated by commas: ``shop.tasks,shop.reports``.
    modules: str = ""
    #: The queue of tasks that name none; Celery's own is ``celery``.
    default_queue: str = Field(default=DEFAULT_QUEUE, min_length=1)
    #: Load the business modules that ship as examples.
    business: bool = True
    #: SQLAlchemy URL of the books; a SQLite file in the state folder without it.
    database_url: SecretStr | None = None
    #: The folder in which documents are filed; ``files`` in the state folder without it.
    storage_dir: Path | None = None
    #: Where people reach your site: links in mails begin with it.
    site_url: str = Field(default="http://localhost:8000", pattern=r"^https?://[^\s#?]+$")
    smtp: Smtp = Smtp()
    schedules: Schedules = Schedules()
    sealing: Sealing = Sealing()
    signing: Signing = Signing()
    health: Health = Health()
    letters: Letters = Letters()
    flower: Flower = Flower()
    logs: Logs = Logs()
    #: Classes of workers: ``TASKS_WORKERS__CRITICAL__CONCURRENCY=20``.
    workers: WorkerClasses = Field(default_factory=dict)
    sentry: Sentry = Sentry()
    #: How soon a job of a level is begun: ``TASKS_OBJECTIVES__CRITICAL=2``.
    objectives: Objectives = Objectives()
    #: How many finished jobs of a task are kept: ``TASKS_RETENTION__COUNT=100``.
    retention: KeptJobs = KeptJobs()
    #: How long results are kept.
    result_expires: Duration = timedelta(days=1)
    #: How long the id of a finished job that was sent under an id of the caller's choice stays taken.
    job_id_retention: Duration = timedelta(days=1)
    #: How long a message of a task that no worker knows (yet) is tried again.
    unknown_task_grace: Duration = timedelta(minutes=15)
    #: How long a worker that is told to stop waits for running jobs, before it hands them back to the queue.
    grace_period: Duration = timedelta(seconds=30)
    #: How long a worker that died keeps its messages, before others get them.
    lease: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=15)
    #: How many workers may die with a message before it is no longer given to another one.
    delivery_limit: int = Field(default=5, ge=1)
    #: Seconds after which Redis hands out again what an unreachable worker holds (plain ``redis://`` only).
    visibility_timeout: int = Field(default=3600, ge=1)

    @field_validator("queue_servers")
    @classmethod
    def _lie_beside_a_leased_broker(cls, queue_servers: QueueServers, info: ValidationInfo) -> QueueServers:
        broker = info.data.get("broker_url")
        if queue_servers and broker is not None and not broker.get_secret_value().startswith("leased+"):
            raise ValueError("only beside the platform's own broker on Redis; TASKS_BROKER_URL names another one")
        return queue_servers

    @property
    def task_modules(self) -> tuple[str, ...]:
        """The modules to import, in order."""
        return tuple(name for name in (part.strip() for part in self.modules.split(",")) if name)

    @property
    def database(self) -> str:
        """The URL of the books."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.state_dir / 'books.sqlite3'}"

    @property
    def storage(self) -> Path:
        """The folder in which documents are filed."""
        return self.storage_dir or self.state_dir / "files"

    @property
    def mailbox(self) -> Path:
        """The folder in which the local SMTP server files mail."""
        return self.state_dir / "mailbox"
