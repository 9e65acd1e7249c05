"""Each test file has a Redis server of its own, and workers that its tests may share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from celery import Celery, current_app
from kombu import Queue

from acceptance.brokers import BROKERS, PROGRAMS, Broker, RabbitBroker, RedisBroker, chosen, was_asked_for
from acceptance.closing import close
from acceptance.left_out import reason_for
from acceptance.workers import PLATFORM, Worker, running_worker
from rabbitmq_server import RabbitServer, running_rabbitmq
from redis_server import RedisServer, running_redis
from tasks_platform import Settings, create_app
from tasks_platform.letters import DeadLetterQueue

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tasks_platform.celery import PlatformApp

HERE = Path(__file__).parent
LOG_TAIL = 20_000


@pytest.fixture(scope="module")
def logs(broker_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the workers' logs."""
    return tmp_path_factory.mktemp(f"logs-{broker_kind}")


@pytest.fixture(scope="module")
def broker_kind(request: pytest.FixtureRequest) -> str:
    """Return which broker the workers of a test file use; tests marked ``every_broker`` are run on each."""
    return str(getattr(request, "param", chosen()))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so on every broker, unless one was asked for."""
    if metafunc.definition.get_closest_marker("every_broker"):
        asked_for = (chosen(),) if was_asked_for() else BROKERS
        kinds = [pytest.param(kind, marks=pytest.mark.needs(*PROGRAMS[kind])) for kind in asked_for]
        metafunc.parametrize("broker_kind", kinds, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the broker cannot hold; `acceptance.left_out` says why."""
    out = [item for item in items if item.path.is_relative_to(HERE) and reason_for(chosen(), item.nodeid)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="module")
def server(broker_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a server for one test file."""
    program = "redis-server" if broker_kind == "redis" else None
    with running_redis(tmp_path_factory.mktemp("redis"), program=program) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """Start a RabbitMQ that all test files of this process share; each has a virtual host of it."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def broker(broker_kind: str, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Return the broker of one test file; whatever the tests start finds it in the environment."""
    if broker_kind != "rabbitmq":
        yield RedisBroker(client=request.getfixturevalue("client"))
        return
    server: RabbitServer = request.getfixturevalue("rabbitmq")
    with server.virtual_host() as host, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TASKS_BROKER_URL", host.url)
        yield RabbitBroker(host=host)


@pytest.fixture(scope="module")
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Return a client of that server."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, broker: Broker) -> Settings:
    """Return the settings of the application in this process; a test file may have its own."""
    return Settings(redis_url=server.url, modules="acceptance.shop,acceptance.accidents", business=False)


@pytest.fixture(scope="module")
def platform(platform_settings: Settings) -> Iterator[PlatformApp]:
    """Return the application as a caller sees it, in this process."""
    before = current_app._get_current_object()
    app = create_app(platform_settings)
    app.loader.import_default_modules()
    yield app
    close(app)
    app.store.client.close()
    before.set_current()
    before.set_default()


@pytest.fixture(scope="module")
def plain_url(server: RedisServer) -> str:
    """Return the address of the database that plain Celery has for itself."""
    return server.url.removesuffix("0") + "1"


@pytest.fixture(scope="module")
def plain(plain_url: str) -> Iterator[Celery]:
    """Return an application that sends to plain workers, by the names of their tasks."""
    app = Celery("plain", broker=plain_url, backend=plain_url, set_as_current=False)
    yield app
    close(app)


@pytest.fixture(scope="module")
def plain_producer(server: RedisServer, broker: Broker) -> Iterator[Celery]:
    """Return a plain application that sends to the platform's workers and knows nothing of it."""
    app = Celery("producer", broker=broker.url or server.url, backend=server.url, set_as_current=False)
    app.conf.task_default_queue = "default"
    app.conf.task_queues = [Queue("default", no_declare=True)]
    yield app
    close(app)


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that the tests of one file share."""
    with running_worker(PLATFORM, server.url, logs / "shared.log") as worker:
        yield worker


@pytest.fixture(scope="module")
def flow_worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that knows the steps of flows, for the tests of one file."""
    modules = {"TASKS_MODULES": "acceptance.flow_tasks"}
    with running_worker(PLATFORM, server.url, logs / "flows.log", environment=modules) as worker:
        yield worker


@pytest.fixture
def letters(platform: PlatformApp) -> Iterator[DeadLetterQueue]:
    """Return the dead letters; what a test leaves behind is thrown away."""
    queue = DeadLetterQueue(platform)
    yield queue
    for letter in queue.list():
        platform.store.forget(letter["id"])


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    """Return the file in which tasks write down what they do."""
    return tmp_path / "diary"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the workers said when a test fails."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("logs")
    if report.failed and folder is not None:
        for log in sorted(folder.glob("*.log")):
            report.sections.append((f"worker {log.stem}", log.read_text(errors="replace")[-LOG_TAIL:]))
    return report
