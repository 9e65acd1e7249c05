"""A chord completes, wherever one of its processes dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery, chord, signature
from celery.exceptions import TimeoutError as WaitedInVain

from acceptance import faults, shop
from acceptance.workers import PLAIN, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.workers import Worker
    from tasks_platform.celery import PlatformApp


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
    # how long a dead sender is believed to be alive follows from how long sending is retried
    body = shop.total.s().set(retry_policy={"max_retries": 0})
    result = chord([shop.add.s(i, i) for i in range(4)], body).apply_async()
    assert result.get(timeout=40) == 12
