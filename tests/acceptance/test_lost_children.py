"""A run whose process dies, or is about to, is decided once: counted, retried, and in the end a dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from acceptance import accidents, shop
from acceptance.diary import read
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.brokers import Broker
    from acceptance.workers import Worker
    from tasks_platform.celery import PlatformApp
    from tasks_platform.task.handle import JobHandle

DOOMED = ("is_killed", "hangs", "exits", "eats_memory", "rejects")
RECOVERING = ("exits_once", "dawdles_once", "fails_once")


@dataclass(frozen=True, kw_only=True)
class Sent:
    handle: JobHandle[object]
    diary: Path


@pytest.fixture(scope="module")
def sent(platform: PlatformApp, worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sent]:
    """Send all jobs at once: the pool may take five seconds to notice a death, and they may pass together."""
    folder = tmp_path_factory.mktemp("diaries")
    diaries = {name: folder / name for name in (*DOOMED, *RECOVERING)}
    return {
        name: Sent(handle=getattr(accidents, name).apply_async((diary,), ignore_result=False), diary=diary)
        for name, diary in diaries.items()
    }


@pytest.mark.parametrize(
    ("task", "attempts", "cause"),
    [
        pytest.param("is_killed", 2, "billiard.exceptions.WorkerLostError", id="SIGKILL"),
        pytest.param("hangs", 2, "billiard.exceptions.TimeLimitExceeded", id="hard limit"),
        pytest.param("exits", 2, "billiard.exceptions.WorkerLostError", id="sys.exit"),
        pytest.param("eats_memory", 2, "MemoryError", id="MemoryError"),
        pytest.param("rejects", 1, "tasks_platform.errors.RejectedError", id="Reject"),
    ],
)
@pytest.mark.checklist(24, 33)
def test_a_run_that_cannot_end_well_is_counted_and_in_the_end_a_letter_that_says_why(
    sent: dict[str, Sent], platform: PlatformApp, task: str, attempts: int, cause: str
) -> None:
    job = sent[task]
    wait_for(lambda: job.handle.state == "FAILURE", 40, f"the end of {task}")
    letter = platform.store.letter(job.handle.id)
    assert letter is not None
    assert [str(number) for number in range(1, attempts + 1)] == read(job.diary)
    assert [cause] * attempts == [attempt["error"]["type"] for attempt in letter["attempts"]]
    assert cause == letter["cause"]["type"]


@pytest.mark.parametrize("task", RECOVERING, ids=["os._exit", "soft limit", "transient error"])
@pytest.mark.checklist(24)
def test_a_run_that_is_cut_once_is_run_again(sent: dict[str, Sent], platform: PlatformApp, task: str) -> None:
    job = sent[task]
    assert job.handle.get(timeout=40) == 2
    assert read(job.diary) == ["1", "2"]
    assert platform.store.letter(job.handle.id) is None


def test_a_letter_of_a_killed_child_names_the_signal(sent: dict[str, Sent], platform: PlatformApp) -> None:
    letter = wait_for(lambda: platform.store.letter(sent["is_killed"].handle.id), 40)
    assert "signal 9 (SIGKILL)" in letter["cause"]["message"]


def test_the_worker_outlives_all_of_it_and_owes_no_acknowledgement(
    sent: dict[str, Sent], worker: Worker, broker: Broker
) -> None:
    assert shop.add.delay(20, 22).get(timeout=20) == 42
    assert worker.process.poll() is None
    wait_for(lambda: all(job.handle.ready() for job in sent.values()), 40, "the end of all jobs")
    wait_for(lambda: broker.owed() == 0, 10, "the acknowledgement of all messages")
