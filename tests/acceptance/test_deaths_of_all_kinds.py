"""Whatever a job is, the death of the worker that runs it is right for it. Others that run here take nothing of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from celery import chord

from acceptance import mortal, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from month import children_of, is_alive
from tasks_platform import Settings
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

MODULES = "acceptance.shop,acceptance.mortal"
BRIEF = {"TASKS_LEASE": "2", "TASKS_MODULES": MODULES}
#: Which processes of a worker are killed; its queue is called so, too.
KILLS: dict[str, Callable[[Worker], None]] = {
    "main": lambda worker: worker.process.kill(),
    "group": lambda worker: os.killpg(worker.process.pid, signal.SIGKILL),
}
#: What the worker is to be in the middle of, by the names of the diaries.
BEGUN = ("part", "named", "unique", "steps", "last", "first", "round")


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """What a worker had when it was killed."""

    #: Its queue, and what else tells its jobs from those of the other worker.
    queue: str
    folder: Path
    #: By the names of their diaries.
    handles: dict[str, Any]
    #: The process id of the worker.
    worker: list[int]

    def diary(self, name: str) -> Path:
        """Return the diary of a job."""
        return self.folder / f"{self.queue}-{name}"

    def noted(self, name: str) -> list[str]:
        """Return what is in the diary of a job."""
        return read(self.diary(name))

    def send(self, name: str, task: Any, *args: Any, **options: Any) -> Any:
        """Send a job that is given its diary; return its handle."""
        return task.apply_async((self.diary(name), *args), **{"queue": self.queue, **options})

    def send_all(self) -> None:
        """Send a job of every kind, and wait until all of them run; then two that are not to begin."""
        parts = [shop.add.s(1, 1), mortal.ships.s(self.diary("part"))]
        body = mortal.adds_up.s(self.diary("body")).set(queue=self.queue)
        self.handles["body"] = chord([part.set(queue=self.queue) for part in parts], body).delay()
        self.handles["named"] = self.send_named()
        self.handles["unique"] = self.send_unique()
        self.handles["steps"] = self.send("steps", mortal.pays)
        self.handles["last"] = self.send("last", mortal.has_one_life, self.queue)
        self.handles["round"] = self.send("round", mortal.goes_round)
        self.handles["first"] = self.send("first", mortal.packs, self.queue)
        wait_for(lambda: all(map(self.noted, BEGUN)), 30, "the first runs")
        wait_for(lambda: len(self.noted("steps")) == 2 and len(self.noted("round")) == 3, 30, "what follows them")
        self.handles["unstarted"] = self.send("unstarted", mortal.notes_its_attempt)
        self.handles["second"] = self.send("second", mortal.packs, self.queue)

    def send_named(self) -> Any:
        """Send the job whose id is chosen, again if it was sent before."""
        return self.send("named", mortal.ships, task_id=f"order-{self.queue}")

    def send_unique(self, **options: Any) -> Any:
        """Send the job that has a unique key, again if it was sent before."""
        return self.send("unique", mortal.bills, self.queue, **options)


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer) -> Settings:
    """Return the settings of the application in this process."""
    return Settings(redis_url=server.url, modules=MODULES, business=False)


@pytest.fixture(scope="module")
def sent(
    platform: PlatformApp, server: RedisServer, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Jobs]]:
    """Kill two workers in the middle of jobs of all kinds, ask for some of them again, and start another worker."""
    folder = tmp_path_factory.mktemp("diaries")
    sent = {queue: Jobs(queue=queue, folder=folder, handles={}, worker=[]) for queue in KILLS}
    options: dict[str, Any] = {"environment": BRIEF, "concurrency": len(BEGUN)}
    for queue, jobs in sent.items():
        with running_worker(PLATFORM, server.url, logs / f"doomed-{queue}.log", "-Q", queue, **options) as doomed:
            jobs.worker.append(doomed.process.pid)
            jobs.send_all()
            children = children_of(doomed.process.pid)
            KILLS[queue](doomed)
            doomed.wait()
            wait_for(lambda of=children: not any(map(is_alive, of)), 5, "the end of its processes")
        assert jobs.send_named().id == jobs.handles["named"].id
        assert jobs.send_unique().id == jobs.handles["unique"].id
    with running_worker(PLATFORM, server.url, logs / "heir.log", "-Q", ",".join(KILLS), **options):
        yield sent


@pytest.fixture(params=KILLS)
def jobs(request: pytest.FixtureRequest, sent: dict[str, Jobs]) -> Jobs:
    """Return the jobs of one of the workers."""
    return sent[request.param]


@pytest.mark.checklist(24)
def test_a_job_of_a_chosen_id_is_run_once_more_and_not_by_who_asks_for_it_again(jobs: Jobs) -> None:
    assert jobs.handles["named"].get(timeout=30) == 2
    assert jobs.send_named().get(timeout=10) == 2
    assert jobs.noted("named") == ["1", "2"]


@pytest.mark.checklist(24)
def test_a_job_that_was_held_and_had_failed_before_has_lost_one_attempt_with_its_worker(jobs: Jobs) -> None:
    assert jobs.handles["round"].get(timeout=30) == 3
    assert jobs.noted("round") == ["1", "1", "2", "3"]


@pytest.mark.checklist(24, 57)
def test_a_unique_job_keeps_its_key_until_it_ends_on_another_worker(jobs: Jobs) -> None:
    job = jobs.handles["unique"]
    wait_for(lambda: jobs.noted("unique") == ["1", "2"], 30, "the second run")
    assert jobs.send_unique().id == job.id
    jobs.diary("unique").with_suffix(".end").touch()
    assert job.get(timeout=30) == job.id
    assert jobs.send_unique(queue="nobody").id != job.id


@pytest.mark.checklist(24, 57)
def test_a_job_whose_key_was_free_when_it_began_is_run_again_beside_the_one_that_has_its_key_now(jobs: Jobs) -> None:
    assert jobs.handles["first"].id != jobs.handles["second"].id
    assert (jobs.handles["second"].get(timeout=30), jobs.handles["first"].get(timeout=30)) == (1, 2)
    assert jobs.noted("first") == ["1", "2"]


@pytest.mark.checklist(24)
def test_a_step_that_was_done_is_not_done_again_and_one_that_was_cut_is_when_its_lease_is_over(jobs: Jobs) -> None:
    assert jobs.handles["steps"].get(timeout=30) == ["charge:1", "thank:2"]
    assert jobs.noted("steps") == ["charge:1", "thank:1", "thank:2"]
    times = list(map(float, read(jobs.diary("steps").with_suffix(".times"))))
    assert times[-1] - times[0] >= mortal.STEP_LEASE


@pytest.mark.checklist(24, 65)
def test_the_body_of_a_chord_is_run_once_when_the_part_that_was_cut_has_been_run_again(jobs: Jobs) -> None:
    assert jobs.handles["body"].get(timeout=30) == 4
    assert jobs.noted("part") == ["1", "2"]
    assert jobs.noted("body") == ["4"]


@pytest.mark.checklist(24, 33, 36)
def test_a_job_without_another_attempt_is_a_letter_that_names_the_death_and_its_key_is_free(
    platform: PlatformApp, jobs: Jobs
) -> None:
    job = jobs.handles["last"]
    letter: Any = wait_for(lambda: platform.store.letter(job.id), 30, "the letter")
    assert letter["cause"]["type"].endswith("WorkerLostError")
    assert "died with attempt 1" in letter["cause"]["message"]
    ((number, worker),) = [(attempt["attempt"], attempt["worker"]) for attempt in letter["attempts"]]
    assert (number, int(worker.split(":")[1])) == (1, *jobs.worker)
    assert jobs.noted("last") == ["1"]
    assert jobs.send("last", mortal.has_one_life, jobs.queue, queue="nobody").id != job.id


def test_a_job_that_was_not_begun_has_lost_no_attempt(jobs: Jobs) -> None:
    assert wait_for(lambda: jobs.noted("unstarted"), 30, "the run") == ["1"]


def test_nothing_is_left_of_what_the_workers_had(client: redis.Redis, sent: dict[str, Jobs]) -> None:
    for jobs in sent.values():
        jobs.diary("unique").with_suffix(".end").touch()
    wait_for(lambda: owed(client) == 0, 30, "the acknowledgements")
    for jobs in sent.values():
        wait_for(lambda of=jobs: of.handles["body"].ready() and of.handles["steps"].ready(), 30, "the last of them")
        assert (jobs.noted("body"), len(jobs.noted("steps"))) == (["4"], 3)
