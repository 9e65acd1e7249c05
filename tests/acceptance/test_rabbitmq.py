"""What only RabbitMQ does: quorum queues that anybody declares, messages given up, connections that are cut."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from acceptance import shop
from acceptance.diary import read
from acceptance.flow_steps import buried
from acceptance.workers import PLATFORM, Worker, running_worker
from command_line import call
from redis_server import free_port
from tasks_platform.broker.rabbitmq.levels import LEVELS, physical_name
from tasks_platform.broker.rabbitmq.topology import DELIVERY_LIMIT, GRAVEYARD
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.brokers import RabbitBroker
    from rabbitmq_server import RabbitServer
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = pytest.mark.needs("rabbitmq-server", "epmd")

#: As the kernel writes them.
LISTENING = "0A"
LOOPBACK = ("0100007F", f"{'0' * 24}01000000")


@pytest.fixture(scope="module")
def broker_kind() -> str:
    """Use RabbitMQ, whichever broker the other files use."""
    return "rabbitmq"


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that runs one job at a time."""
    with running_worker(PLATFORM, server.url, logs / "single.log", concurrency=1) as worker:
        yield worker


def given_back(broker: RabbitBroker, queue: str, times: int) -> None:
    """Take the message of *queue* and leave it unacknowledged as often as *times*, as workers do that die of it."""
    with Connection(broker.url) as connection, closing(connection.channel()) as channel:
        for _ in range(times):
            raw = wait_for(lambda: channel.basic_get(queue), 10, "the message")
            channel.basic_reject(raw.delivery_tag, requeue=True)


def heard_all(connection: Connection) -> bool:
    """Tell whether there is nothing more to be heard from the server, for the moment."""
    try:
        connection.drain_events(timeout=0.1)
    except TimeoutError:
        return True
    return False


def test_the_server_of_the_tests_is_open_to_nobody_else(rabbitmq: RabbitServer) -> None:
    ports = {each["port"] for each in rabbitmq.ask("GET", "overview")["listeners"]}
    assert ports >= {rabbitmq.port, rabbitmq.management}
    lines = [line for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    sockets = [line.split() for line in lines]
    addresses = [address.rpartition(":") for _, address, _, state, *_ in sockets if state == LISTENING]
    found = [address for address, _, port in addresses if int(port, 16) in ports]
    assert found
    assert set(found) <= set(LOOPBACK)


@pytest.mark.checklist(14, 38, 46)
def test_a_producer_declares_all_that_its_job_needs_before_a_worker_was_ever_there(
    platform: PlatformApp, broker: RabbitBroker, diary: Path
) -> None:
    shop.notes_a_number.apply_async((diary, 1), queue="early", priority="high", countdown=3600)
    shop.notes_a_number.apply_async((diary, 2), queue="early")
    queues = broker.host.queues()
    assert {name for name in queues if name.startswith("early")} == {"early", "early:high"}
    for name in ("early", "early:high", GRAVEYARD):
        assert queues[name]["arguments"]["x-queue-type"] == "quorum"
    assert queues["early"]["arguments"]["x-delivery-limit"] == DELIVERY_LIMIT
    waiting = wait_for(
        lambda: [name for name, queue in broker.host.queues().items() if "delayed" in name and queue.get("messages")],
        10,
        "the delayed message",
    )
    assert waiting == ["celery_delayed_11"]  # 2048 of its 3600 seconds: no worker holds it


@pytest.mark.checklist(16, 33, 84)
def test_a_message_that_comes_back_again_and_again_is_a_letter(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, broker: RabbitBroker, letters: DeadLetterQueue, server: RedisServer, logs: Path, diary: Path
) -> None:
    queue = f"poison-{uuid4().hex[:6]}"
    job = shop.notes_its_id.apply_async((diary,), queue=queue, priority="low")
    given_back(broker, physical_name(queue, "low"), DELIVERY_LIMIT + 1)
    with running_worker(PLATFORM, server.url, logs / "poison.log", "-Q", queue, concurrency=1):
        letter = buried(platform, job.id)
        assert letter["task"] == "acceptance.shop.notes_its_id"
        assert "the broker gave the message up (delivery_limit)" in letter["cause"]["message"]
        assert letter["message"]["queue"] == queue
        assert read(diary) == []
        letters.replay(job.id)
        wait_for(lambda: read(diary) == [job.id], 20, "the replay")
    assert broker.waiting(GRAVEYARD) == 0


@pytest.mark.checklist(84, 85)
def test_a_job_runs_once_when_the_connection_of_its_only_worker_is_cut(
    platform: PlatformApp, broker: RabbitBroker, worker: Worker, tmp_path: Path
) -> None:
    running, ended = tmp_path / "running", tmp_path / "ended"
    job = shop.charges.delay(running, 1)
    wait_for(lambda: read(running), 20, "the start")
    wait_for(lambda: broker.host.cut_connections() or worker.said("Connection to broker lost"), 30, "the loss")
    wait_for(lambda: worker.log.read_text().count("Connected to amqp") == 2, 30, "the next connection")
    running.with_suffix(".end").touch()
    assert job.get(timeout=20) == 100
    assert shop.notes_its_id.delay(ended).get(timeout=20) == read(ended)[0]
    wait_for(lambda: broker.owed() == broker.waiting() == 0, 10, "the acknowledgement")
    assert read(running) == [f"{job.id}:1"]


@pytest.mark.checklist(24, 85)
def test_the_job_of_a_killed_worker_is_back_at_once(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    queue = f"killed-{uuid4().hex[:6]}"
    options: dict[str, Any] = {"concurrency": 1}
    with running_worker(PLATFORM, server.url, logs / "one.log", "-Q", queue, **options) as one:
        shop.sleeps_the_first_time.apply_async((diary,), queue=queue)
        wait_for(lambda: read(diary), 20, "the start")
        with running_worker(PLATFORM, server.url, logs / "other.log", "-Q", queue, **options):
            one.send(signal.SIGKILL)
            # neither a timeout nor a heartbeat is waited for
            wait_for(lambda: len(read(diary)) == 2, 15, "the second start")


@pytest.mark.checklist(84)
def test_a_message_for_a_queue_that_was_deleted_is_an_error_of_its_sender_and_the_next_declares_it(
    platform: PlatformApp, broker: RabbitBroker, diary: Path
) -> None:
    queue = f"deleted-{uuid4().hex[:6]}"
    shop.notes_a_number.apply_async((diary, 1), queue=queue)
    with Connection(broker.url) as connection:
        connection.default_channel.queue_delete(queue)
    with pytest.raises(OperationalError, match=f"the queue '{queue}' of .* was deleted on the server"):
        shop.notes_a_number.apply_async((diary, 2), queue=queue)
    shop.notes_a_number.apply_async((diary, 3), queue=queue)
    assert broker.waiting(queue) == 1


@pytest.mark.checklist(38, 40)
def test_what_a_busy_worker_cannot_run_stays_in_its_queues(
    platform: PlatformApp, broker: RabbitBroker, worker: Worker, tmp_path: Path
) -> None:
    busy, later = tmp_path / "busy", tmp_path / "later"
    job = shop.charges.delay(busy, 2)
    wait_for(lambda: read(busy), 20, "the start")
    for level in LEVELS:
        shop.notes_a_number.apply_async((later, LEVELS[level]), priority=level)
    counts = {physical_name("default", level): 1 for level in LEVELS}
    wait_for(
        lambda: (
            counts
            == {name: queue.get("messages_ready") for name, queue in broker.host.queues().items() if name in counts}
        ),
        10,
        "what waits",
    )
    busy.with_suffix(".end").touch()
    assert job.get(timeout=20) == 200
    wait_for(lambda: read(later) == [str(number) for number in LEVELS.values()], 20, "what waited, in order")


@pytest.mark.checklist(38, 40)
def test_of_a_burst_no_more_goes_back_than_one_message_of_each_queue(
    platform: PlatformApp, broker: RabbitBroker, diary: Path
) -> None:
    queue = f"burst-{uuid4().hex[:6]}"
    taken: list[Any] = []
    with Connection(broker.url) as connection:
        consumer = platform.amqp.Consumer(connection, [Queue(queue)], on_message=taken.append)
        consumer.slots, consumer.taken = lambda: 3, lambda: len(taken)
        consumer.consume()
        consumer.ask()  # there is nothing yet
        for number in range(20):
            shop.notes_a_number.apply_async((diary, number), queue=queue, priority=list(LEVELS)[number % len(LEVELS)])
        wait_for(lambda: broker.owed() >= len(LEVELS), 10, "what is on its way")
        wait_for(lambda: heard_all(connection) and len(taken) == 3, 10, "what there is room for")
        queues = [physical_name(queue, level) for level in LEVELS]
        wait_for(lambda: sum(map(broker.waiting, queues)) == 17, 10, "what went back")
        with closing(connection.channel()) as other:
            left = [other.basic_get(physical) for physical in queues for _ in range(5)]
        returned = [raw for raw in left if raw is not None and raw.delivery_info["redelivered"]]
        assert 0 < len(returned) <= len(LEVELS)
        consumer.close()


def test_check_tells_which_server_it_is_and_what_is_wrong_with_an_address(
    broker: RabbitBroker, server: RedisServer, tmp_path: Path
) -> None:
    variables = {"TASKS_REDIS_URL": server.url, "TASKS_STATE_DIR": str(tmp_path), "TASKS_BUSINESS": "false"}
    good = call("check", "--json", **variables, TASKS_BROKER_URL=broker.url)
    wrong = call("check", "--json", **variables, TASKS_BROKER_URL=f"{broker.url}-elsewhere")
    nobody = call("check", "--json", **variables, TASKS_BROKER_URL=f"amqp://guest:secret@127.0.0.1:{free_port()}//")
    found = [{each["what"]: each for each in json.loads(result.stdout)}["broker"] for result in (good, wrong, nobody)]
    assert [each["ok"] for each in found] == [True, False, False]
    assert found[0]["words"].startswith("RabbitMQ 3.")
    assert "vhost" in found[1]["words"]
    assert "refused" in found[2]["words"]
    assert "secret" not in nobody.stdout
