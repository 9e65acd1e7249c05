from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
import redis

from redis_server import RedisServer, running_redis
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shared_server_answers_on_loopback_under_its_process_id(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert redis_server.pid == client.info("server")["process_id"]
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.parametrize("visit", ["first", "second"])
def test_every_test_finds_the_shared_server_empty(redis_db: redis.Redis, visit: str) -> None:
    assert redis_db.dbsize() == 0
    redis_db.set(visit, "here")


def test_a_server_ends_with_its_block_also_when_a_test_killed_it(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        os.kill(server.pid, 9)

    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_server_with_an_append_only_file_comes_back_with_its_data_on_the_same_port(tmp_path: Path) -> None:
    with running_redis(tmp_path, "--appendonly", "yes") as first, redis.Redis.from_url(first.url) as client:
        client.set("kept", "yes")
        os.kill(first.pid, 9)
    again = running_redis(tmp_path, "--appendonly", "yes", port=first.port)
    with again as second, redis.Redis.from_url(second.url) as client:
        assert client.get("kept") == b"yes"


def test_waiting_in_vain_ends_at_the_deadline_and_says_for_what() -> None:
    started = time.monotonic()

    with pytest.raises(AssertionError, match=r"waited 0\.1 s in vain for rain; the last answer was None"):
        wait_for(lambda: None, deadline=0.1, description="rain")
    assert time.monotonic() - started < 1


def test_waiting_returns_the_first_truthy_answer() -> None:
    answers = iter([0, "", "there"])

    assert wait_for(lambda: next(answers)) == "there"
