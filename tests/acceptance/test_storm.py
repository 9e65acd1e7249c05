"""A storm, small: three bugs, one fix, a replay of everything whose process is killed. In full: scripts/storm."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from dead_storm import BUG, BUGGY, FIX, TASKS, Storm
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

JOBS = 14


@pytest.mark.timeout(300)
@pytest.mark.checklist(36, 37, 85)
def test_a_replay_of_everything_finishes_what_is_fixed_stops_what_is_not_and_runs_nothing_twice(
    server: RedisServer, broker: Broker, platform: PlatformApp, tmp_path: Path
) -> None:
    storm = Storm(folder=tmp_path, url=server.url)
    storm.deploy(BUGGY)
    with storm.worker("buggy"):
        storm.bury(JOBS)
        wait_for(lambda: broker.owed() == 0, 20, "the acknowledgements")  # its end is a kill
    groups = storm.command("letters", "groups")
    assert sorted((group["task"], group["letters"], group["deaths"]) for group in groups) == [
        (f"storm_tasks.{name}", JOBS, JOBS) for name in TASKS
    ]
    groups = storm.command("letters", "replay", "--all", "--dry-run")["groups"]
    assert sorted((group["task"], group["letters"]) for group in groups) == [
        (f"storm_tasks.{name}", JOBS) for name in TASKS
    ]

    storm.deploy(BUGGY.replace(BUG, FIX))
    with storm.worker("fixed"):
        ended, killed = storm.replay(kills=2, rate=100, jobs=JOBS, chance=random.Random(1))
    assert killed == 2
    outcome = {group["task"].rpartition(".")[2]: group for group in ended["groups"]}
    assert outcome["bill"]["recovered"] == JOBS
    assert not outcome["bill"]["stopped"]
    for name in ("convert", "label"):
        assert outcome[name]["stopped"] == "it came back: the bug is not fixed"
        assert (outcome[name]["back"], outcome[name]["todo"]) == (1, JOBS - 1)
    runs = storm.runs()
    assert {job: runs[job] for job in runs if job.startswith("bill")} == {f"bill:{n}": 2 for n in range(JOBS)}
    for name in ("convert", "label"):
        assert Counter(runs[f"{name}:{n}"] for n in range(JOBS)) == {2: 1, 1: JOBS - 1}
    left = platform.store.letter_groups()
    assert sorted((group["letters"], group["deaths"]) for group in left) == [(JOBS, JOBS + 1)] * 2
