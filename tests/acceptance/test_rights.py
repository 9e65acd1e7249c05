"""A worker and a sender that have the rights of the README and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from celery import chord

from acceptance import accidents, shop
from acceptance.workers import PLATFORM, running_worker
from readme_rights import rights, rights_to_records
from redis_server import RedisServer
from tasks_platform import Settings, call, enqueue_many
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tasks_platform.celery import PlatformApp


@dataclass(frozen=True, kw_only=True)
class ServerOf(RedisServer):
    """A server as one of its users reaches it."""

    user: str

    @property
    def url(self) -> str:
        return f"redis://{self.user}:{self.user}@127.0.0.1:{self.port}/0"


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, client: redis.Redis) -> Settings:
    """Return the settings of one who may only send; the server knows no other users than the README."""
    for user, rules in rights().items():
        client.execute_command("ACL", "SETUSER", user, "on", f">{user}", *rules, *rights_to_records())
    url = ServerOf(port=server.port, pid=server.pid, user="producer").url
    return Settings(
        redis_url=url, modules="acceptance.shop,acceptance.accidents", business=False, default_queue="email"
    )


def test_a_worker_and_a_sender_get_by_with_the_rights_of_the_readme(  # noqa: PLR0913, PLR0917 - fixtures
    server: RedisServer, client: redis.Redis, platform: PlatformApp, logs: Path, diary: Path, tmp_path: Path
) -> None:
    url = ServerOf(port=server.port, pid=server.pid, user="worker").url
    environment = {"TASKS_DEFAULT_QUEUE": "email", "TASKS_LEASE": "2"}
    with running_worker(PLATFORM, url, logs / "first.log", "-Q", "email", environment=environment) as first:
        slow = shop.sleeps_the_first_time.delay(diary)
        wait_for(diary.exists, 30, "the slow job to begin")
        failed = accidents.misses_a_file.delay()
        held = shop.is_held_once.delay(tmp_path / "held", 0.1)
        retried = shop.whose_after_a_retry.apply_async(countdown=0.2, task_id="by-name")
        (tmp_path / "keyed.end").touch()
        keyed, same = (shop.charges.delay(tmp_path / "keyed", 5) for _ in range(2))
        joined = chord([shop.add.s(1, 2), shop.add.s(3, 4)], shop.total.s()).apply_async()
        many = enqueue_many([call(shop.add, number, 1).set(task_id=f"one-of-many-{number}") for number in range(3)])
        assert (held.get(timeout=30), retried.get(timeout=30), joined.get(timeout=30)) == (1, "nobody", 10)
        assert ([one.get(timeout=30) for one in many], keyed.get(timeout=30)) == ([1, 2, 3], 500)
        assert same.get(timeout=30) == 500
        wait_for(lambda: platform.store.letter(failed.id), 30, "the letter")
        with running_worker(PLATFORM, url, logs / "second.log", "-Q", "email", environment=environment) as second:
            first.process.kill()
            wait_for(lambda: second.told("completed", slow.id), 30, "the job of the worker that was killed")

    assert [(entry["username"], entry["object"]) for entry in client.acl_log()] == []
