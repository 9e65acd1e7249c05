"""A chord completes, wherever one of its processes dies."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, chord, signature
from celery.exceptions import TimeoutError as WaitedInVain

from acceptance import faults, mortal, shop
from acceptance.diary import read
from acceptance.workers import PLAIN, PLATFORM, running_worker
from tasks_platform import Settings
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.brokers import Broker
    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

MODULES = "acceptance.shop,acceptance.accidents,acceptance.mortal"
#: Where a chord goes on to its body; the queue of the worker that dies there is called so, too.
PLACES = (faults.DIES_BEFORE_COUNTING, faults.DIES_BEFORE_SENDING, faults.DIES_AFTER_SENDING)


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, broker: Broker) -> Settings:
    """Return the settings of the application in this process."""
    return Settings(redis_url=server.url, modules=MODULES, business=False)


def test_plain_celery_waits_for_ever_for_a_chord_whose_part_died_uncounted(
    plain: Celery, plain_url: str, logs: Path
) -> None:
    header = [signature("acceptance.plain.add", (i, i), app=plain) for i in range(3)]
    with running_worker(PLAIN, plain_url, logs / "plain.log") as worker:
        worker.arm(faults.DIES_BEFORE_COUNTING)
        result = chord(header, signature("acceptance.plain.total", app=plain), app=plain).apply_async()
        result.parent.join(timeout=30)
        wait_for(lambda: worker.said("succeeded before the worker was lost"), 20, "the end of the death's handling")
        with pytest.raises(WaitedInVain):
            result.get(timeout=3)


@pytest.mark.checklist(24, 65)
def test_a_chord_whose_part_died_uncounted_completes(platform: PlatformApp, worker: Worker) -> None:
    worker.arm(faults.DIES_BEFORE_COUNTING)
    result = chord([shop.add.s(i, i) for i in range(3)], shop.total.s()).apply_async()
    assert result.get(timeout=30) == 6
    assert worker.said("exited with 'signal 9 (SIGKILL)'")


@pytest.mark.checklist(24, 65)
def test_a_chord_completes_whose_last_part_died_about_to_send_the_body(platform: PlatformApp, worker: Worker) -> None:
    worker.arm(faults.DIES_BEFORE_SENDING)
    result = chord([shop.add.s(i, i) for i in range(4)], shop.total.s()).apply_async()
    assert result.get(timeout=40) == 12  # long before whoever claims to send it would have given up
    assert worker.said("is being sent by another process, or one that died")


@pytest.fixture(scope="module")
def bodies(
    platform: PlatformApp, server: RedisServer, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Any, Path]]]:
    """Let a worker die with all it has at each place, and start another one; return results and diaries of bodies."""
    folder = tmp_path_factory.mktemp("bodies")
    options: dict[str, Any] = {"pool": "threads", "environment": {"TASKS_LEASE": "1", "TASKS_MODULES": MODULES}}
    bodies = {}
    for place in PLACES:
        diary = folder / place
        with running_worker(PLATFORM, server.url, logs / f"{place}.log", "-Q", place, **options) as doomed:
            doomed.arm(place)
            parts = [shop.add.s(i, i).set(queue=place) for i in range(3)]
            bodies[place] = chord(parts, mortal.adds_up.s(diary).set(queue=place)).delay(), diary
            assert doomed.wait() == -signal.SIGKILL
    with running_worker(PLATFORM, server.url, logs / "heir.log", "-Q", ",".join(PLACES), **options):
        yield bodies


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.checklist(24, 65)
def test_the_body_of_a_chord_is_run_once_wherever_a_whole_worker_died(
    bodies: dict[str, tuple[Any, Path]], broker: Broker, place: str
) -> None:
    result, diary = bodies[place]
    assert result.get(timeout=40) == 6
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgements")
    assert read(diary) == ["6"]
