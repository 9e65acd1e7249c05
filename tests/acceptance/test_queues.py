"""``tasks-platform queues``: pause a queue under the hands of running workers, see how much waits, and resume it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from command_line import call, refusal
from tasks_platform import Priority
from tasks_platform.jobs import Queues
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


def test_a_paused_queue_is_left_alone_by_all_workers_until_it_is_resumed(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "TASKS_MODULES": "acceptance.shop"}
    with (
        running_worker(PLATFORM, server.url, logs / "one.log"),
        running_worker(PLATFORM, server.url, logs / "two.log", pool="threads"),
    ):
        said = call("queues", "pause", "default", "--why", "the mail server is down", **here)
        assert "the mail server is down" in said.stdout
        for number in range(3):
            shop.notes_a_number.delay(diary, number)
        shop.notes_a_number.apply_async((diary, 9), priority="high")
        urgent = Queues(platform).pause("default", why="lunch")
        assert urgent.why == "the mail server is down"
        # that nothing happens is seen by what does: both workers serve another queue meanwhile
        for worker in ("one", "two"):
            shop.add.apply_async((1, 1), queue=f"beside-{worker}")
        (state,) = json.loads(call("queues", "list", "default", "--json", **here).stdout)
        assert state["waiting"] == {"critical": 0, "high": 1, "normal": 3, "low": 0, "bulk": 0}
        assert (state["claimed"], state["pause"]["why"]) == (0, "the mail server is down")
        assert 0 <= state["oldest"] < 60
        assert read(diary) == []
        shown = call("queues", "list", columns=200, **here)
        assert "paused by" in shown.stdout
        assert "goes on" in call("queues", "resume", "default", **here).stdout
        wait_for(lambda: sorted(read(diary)) == ["0", "1", "2", "9"], 20, "the jobs")
    (state,) = json.loads(call("queues", "list", "default", "--json", **here).stdout)
    assert (sum(state["waiting"].values()), state["pause"], state["oldest"]) == (0, None, None)


def test_a_misspelt_queue_is_not_paused(platform: PlatformApp, server: RedisServer) -> None:
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false"}
    told = refusal(call("queues", "pause", "defualt", "--why", "typo", **here))
    assert "there is no queue 'defualt'" in told
    assert "default" in told.partition("There are ")[2]  # and what lies in the server besides
    assert "was not paused" in call("queues", "resume", "defualt", **here).stdout
    assert [state.waiting[Priority.NORMAL] for state in Queues(platform).states(["defualt"])] == [0]


def test_queues_that_nobody_declares_are_found_where_they_are_looked_for(
    platform: PlatformApp, server: RedisServer, diary: Path
) -> None:
    shop.notes_a_number.apply_async((diary, 1), queue="forgotten")
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false"}
    declared = {row["queue"] for row in json.loads(call("queues", "list", "--json", **here).stdout)}
    every = {row["queue"] for row in json.loads(call("queues", "list", "--all", "--json", **here).stdout)}
    assert "forgotten" not in declared
    assert "forgotten" in every
