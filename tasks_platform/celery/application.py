"""PlatformApp: a Celery application assembled from the platform's settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from celery._state import _task_stack, get_current_worker_task  # type: ignore[attr-defined]
from celery.app.amqp import AMQP

import tasks_platform.broker.leased  # noqa: F401 - kombu knows the transport from here on
from tasks_platform import embedded
from tasks_platform.broker import quick_json
from tasks_platform.celery.configuration import is_leased, is_rabbitmq, leased, of_beats, of_the_broker, of_workers
from tasks_platform.celery.several_servers import OnSeveralServers
from tasks_platform.errors import NoServerError
from tasks_platform.health import HealthRegistry
from tasks_platform.health.checks import registry_of
from tasks_platform.letters.telling import LettersWatch
from tasks_platform.observe import attach
from tasks_platform.sealing import KeyRing, kept_ring
from tasks_platform.settings import Settings, load_settings
from tasks_platform.store import RedisStore, Store
from tasks_platform.task import PlatformTask
from tasks_platform.task.amqp import PlatformAMQP, PlatformRabbitAMQP
from tasks_platform.task.fencing import LeaseStep
from tasks_platform.task.grace import GracePeriod
from tasks_platform.task.levels import levels_option
from tasks_platform.task.on_loop import task_on_loop
from tasks_platform.task.pools import CoroutinePools
from tasks_platform.task.states import States
from tasks_platform.task.straight import StraightWay
from tasks_platform.task.waiting import WaitStep, WaitTally

#: The business modules that ship as examples.
BUSINESS = (
    "tasks_platform.tasks.cleanup",
    "tasks_platform.tasks.email",
    "tasks_platform.tasks.imports",
    "tasks_platform.tasks.invoicing",
    "tasks_platform.tasks.reports",
)

#: Stands in the configuration for a server that is not there (yet): tasks can be declared, called and tested.
_NO_SERVER = "redis://no-server.invalid"
_NO_BROKER = leased(_NO_SERVER)
_BACKEND = "tasks_platform.task.backend:PlatformBackend"


class PlatformApp(OnSeveralServers):
    """A Celery application that reads the platform's settings when they are first needed."""

    log_cls = "tasks_platform.observe.logs:PlatformLogging"

    def __init__(
        self, name: str, *, settings: Settings | None = None, include: Sequence[str] = (), **options: Any
    ) -> None:
        self._settings = settings
        self._modules = tuple(include)
        super().__init__(name, **options)
        quick_json.register()
        # and not in front of the URL, where Celery would not know it for one and could not mask its password
        self.loader.override_backends = dict.fromkeys(("redis", "rediss", "sentinel"), _BACKEND)
        self.add_defaults(self._configuration)
        self.steps["worker"].add(CoroutinePools)
        self.steps["worker"].add(GracePeriod)
        self.steps["worker"].add(LettersWatch)
        self.steps["consumer"].add(WaitStep)
        self.steps["consumer"].add(LeaseStep)
        self.user_options["worker"].add(levels_option())

    @cached_property
    def settings(self) -> Settings:
        """The configuration; the environment's unless one was given."""
        return self._settings or load_settings()

    @cached_property
    def redis_url(self) -> str:
        """The Redis server that keeps the platform's records.

        Raises:
            NoServerError: if none is configured and this user runs none; the message names the remedies.

        """
        if self.settings.redis_url is not None:
            return self.settings.redis_url.get_secret_value()
        self._server = (embedded.start if self.settings.embedded else embedded.join)(self.settings.state_dir)
        if self._server is None:
            raise NoServerError(
                "there is no Redis server: set TASKS_REDIS_URL, or TASKS_EMBEDDED=1 to run one of your own "
                f"in {self.settings.state_dir}"
            )
        return self._server.url

    @cached_property
    def store(self) -> Store:
        """What the platform remembers outside a process."""
        return RedisStore(self.redis_url)

    def new_store(self) -> Store:
        """Return the same over a connection of its own."""
        return RedisStore(self.redis_url)

    @cached_property
    def waits(self) -> WaitTally:
        """How long the jobs waited that this worker began."""
        return WaitTally(self.settings.objectives, highest_first=self.zero_is_first)

    @cached_property
    def job_states(self) -> States:
        """States of jobs, on the way of this process to the result backend."""
        celerys: Any = self
        return States(lambda: celerys.backend.client.connection_pool)

    @cached_property
    def ring(self) -> KeyRing:
        """The keys of what is sealed; whoever runs on a server of their own has one of their own."""
        ring = self.settings.sealing.ring
        return ring if ring or self.settings.redis_url is not None else kept_ring(self.settings.state_dir)

    @cached_property
    def zero_is_first(self) -> bool:
        """Whether the broker takes priority 0 first (Redis) or 9 (RabbitMQ)."""
        return not is_rabbitmq(self._own_broker)

    @cached_property
    def amqp(self) -> AMQP:
        """How messages are sent; on RabbitMQ to queues of its own kind."""
        return (PlatformRabbitAMQP if is_rabbitmq(self._own_broker) else PlatformAMQP)(self)

    @cached_property
    def straight_way(self) -> StraightWay | None:
        """The straight way of messages to the broker, if it has one and Celery is to do nothing else on the way."""
        usual = not self.conf.task_send_sent_event and not self.conf.task_inherit_parent_priority
        if not (usual and is_leased(self.conf.broker_url) and self.conf.task_serializer == "json"):
            return None
        return StraightWay(self, self.settings.signing.ring)

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        """Send a job by the name of its task."""
        if not rest and self.straight_way is not None:
            sent = self.straight_way.send(name, args, kwargs, options)
            if sent is not None:
                return sent
        return super().send_task(name, args, kwargs, *rest, **options)

    def close(self) -> None:
        """Close what this application has opened."""
        if (way := self.__dict__.pop("straight_way", None)) is not None:
            way.close()
        if (states := self.__dict__.pop("job_states", None)) is not None:
            states.close()
        super().close()

    @property
    def broker(self) -> str:
        """Where the queues lie that have no server of their own."""
        return self._own_broker or leased(self.redis_url)

    @property
    def current_worker_task(self) -> Any:
        """The task that the calling code runs, also on the event loop: what it sends are the job's children."""
        if (task := task_on_loop()) is not None or not _task_stack:
            return task
        return get_current_worker_task()

    @property
    def _own_broker(self) -> str:
        """The broker that is not the Redis server of the records; empty if there is none."""
        url = self.settings.broker_url
        return url.get_secret_value() if url is not None else ""

    @property
    def task_modules(self) -> tuple[str, ...]:
        """The modules whose tasks this application knows."""
        shipped = BUSINESS if self.settings.business else ()
        return (*shipped, *self.settings.task_modules, *self._modules)

    def _connection(self, url: str, *args: Any, **options: Any) -> Any:
        """Connect to the broker; where there was no server when the configuration was read, look again."""
        self._find_server()
        return super()._connection(self.conf.broker_url if url == _NO_BROKER else url, *args, **options)  # type: ignore[misc]

    def _get_backend(self) -> Any:
        self._find_server()
        return super()._get_backend()  # type: ignore[misc]

    def _find_server(self) -> None:
        """Put the server's address in the configuration, if it is not there yet.

        Raises:
            NoServerError: if there is still none; the message names the remedies.

        """
        if self.conf.result_backend == _NO_SERVER:
            broker = {"broker_url": leased(self.redis_url)} if self.conf.broker_url == _NO_BROKER else {}
            self.conf.update({"result_backend": self.redis_url, **broker})

    def _configuration(self) -> dict[str, Any]:
        try:
            records = self.redis_url
        except NoServerError:
            records = _NO_SERVER
        return {
            "result_backend": records,
            "include": self.task_modules,
            "task_routes": (self.route,),
            **of_the_broker(self._own_broker or leased(records), self.settings),
            **of_workers(self.settings),
            **of_beats(records),
        }

    def route(
        self, name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any
    ) -> dict[str, Any] | None:
        """Route a job that was sent by its task's name alone."""
        known = self.tasks.get(name)
        if not isinstance(known, PlatformTask):
            return None
        return {"queue": known.home_queue or self.settings.default_queue}

    @property
    def home_queues(self) -> list[str]:
        """The queues in which jobs of the tasks known so far wait, by name."""
        homes = {task.home_queue for task in self.tasks.values() if isinstance(task, PlatformTask)}
        return sorted({self.settings.default_queue, *filter(None, homes)})

    @cached_property
    def health(self) -> HealthRegistry:
        """The health checks of this installation, and those that modules declare with ``health_check``."""
        return registry_of(self)

    def declare_queues(self) -> None:
        """Let workers that are given no queues consume those of all tasks."""
        queues: Any = self.amqp.queues
        for name in self.home_queues:
            if queues._consume_from is None:  # noqa: SLF001 - not given any by -Q
                queues.select_add(queues[name])


def create_app(settings: Settings | None = None, *, include: Sequence[str] = ()) -> PlatformApp:
    """Assemble an application with the task modules *include*, besides those the settings name."""
    platform = PlatformApp("tasks_platform", settings=settings, include=include)
    platform.set_default()
    if "flower" in sys.argv[1:] and not Path("flowerconfig.py").exists():
        # ``celery -A ... flower`` without ``--conf`` is not open to everybody either
        os.environ.setdefault("FLOWER_CONF", str(Path(__file__).parents[1] / "console" / "flower_config.py"))
    attach()
    return platform
