"""One job per key: however often it is sent, whatever kills it, and free again when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain, chord

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.senders import send_at_once
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue


@pytest.mark.checklist(24, 57)
def test_of_a_thousand_calls_at_once_one_job_runs_and_runs_again_when_its_child_is_killed(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, worker: Worker, diary: Path
) -> None:
    ids = send_at_once(server.url, client, "charges_and_is_killed", [str(diary), 1], {}, times=1000)
    assert len(ids) == 1000
    assert len(set(ids)) == 1
    again = shop.charges_and_is_killed.delay(diary, 1)
    diary.with_suffix(".go").touch()  # let the first attempt die
    wait_for(lambda: len(read(diary)) == 2, 40, "the second attempt")
    assert shop.charges_and_is_killed.delay(diary, 1).id == again.id == ids[0]
    diary.with_suffix(".end").touch()
    assert again.get(timeout=20) == 2
    assert read(diary) == [f"{ids[0]}:1", f"{ids[0]}:2"]


def test_a_key_is_free_when_its_job_has_ended(worker: Worker, tmp_path: Path) -> None:
    first, second = (shop.charges.delay(tmp_path / "diary", 2) for _ in range(2))
    assert first.id == second.id
    (tmp_path / "diary.end").touch()
    assert first.get(timeout=20) == 200
    wait_for(lambda: shop.charges.delay(tmp_path / "diary", 2).id != first.id, 20, "another job")


@pytest.mark.parametrize("how", ["skipped", "ignored"])
def test_a_job_that_ends_without_a_result_frees_its_key_its_id_its_followers_and_its_letter(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, client: redis.Redis, worker: Worker, letters: DeadLetterQueue, diary: Path, how: str
) -> None:
    job = accidents.bows_out_once_mended.apply_async((diary, how), task_id=f"to-be-{how}")
    wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    diary.with_suffix(".mended").touch()
    letters.replay(job.id)
    wait_for(lambda: read(diary), 20, "the replay")
    follower = accidents.bows_out_once_mended.apply_async((diary, how), link=shop.add.si(1, 1))
    wait_for(lambda: worker.told("held", follower.id), 20, "the following")
    diary.with_suffix(".end").touch()
    assert follower.get(timeout=20) is None
    wait_for(lambda: not platform.store.letter(job.id), 20, "the end of the letter")
    assert next(record["what"] for record in letters.audit() if record.get("id") == job.id) == "skipped"
    wait_for(lambda: client.ttl(f"tasks-platform:id:{job.id}") <= 86400, 20, "the end of the id")
    assert accidents.bows_out_once_mended.delay(diary, how).id != job.id


@pytest.mark.checklist(57, 65)
def test_a_duplicate_inside_a_chord_follows_the_holder_and_the_chord_completes(worker: Worker, diary: Path) -> None:
    holder = shop.charges.delay(diary, 3)
    wait_for(lambda: read(diary), 20, "the start of the holder")
    header = [shop.charges.s(diary, 3), shop.charges.s(diary, 3), shop.add.s(1, 1)]
    end = chord(header, shop.total.s()).apply_async()
    followers = end.parent.results[:2]
    wait_for(lambda: all(worker.told("held", job.id) for job in followers), 20, "the following")
    diary.with_suffix(".end").touch()
    assert end.get(timeout=30) == 300 + 300 + 2
    assert holder.get(timeout=20) == 300
    assert [job.get(timeout=20) for job in followers] == [300, 300]
    assert read(diary) == [f"{holder.id}:1"]


def test_a_duplicate_inside_a_chain_follows_the_holder_and_the_chain_goes_on(worker: Worker, diary: Path) -> None:
    holder = shop.charges.delay(diary, 4)
    wait_for(lambda: read(diary), 20, "the start of the holder")
    end = chain(shop.charges.s(diary, 4), shop.add.s(1)).apply_async()
    wait_for(lambda: worker.told("held", end.parent.id), 20, "the following")
    diary.with_suffix(".end").touch()
    assert end.get(timeout=30) == 401
    assert read(diary) == [f"{holder.id}:1"]


def test_followers_of_a_holder_that_fails_for_good_fail_and_their_letters_name_it(
    platform: PlatformApp, worker: Worker, diary: Path
) -> None:
    holder = accidents.charges_in_vain.delay(diary)
    wait_for(lambda: read(diary), 20, "the start of the holder")
    end = chain(accidents.charges_in_vain.s(diary), shop.add.s(1)).apply_async()
    wait_for(lambda: worker.told("held", end.parent.id), 20, "the following")
    diary.with_suffix(".end").touch()
    wait_for(lambda: end.parent.state == "FAILURE", 30, "the end of the follower")
    letter = platform.store.letter(end.parent.id)
    assert letter is not None
    assert letter["cause"]["type"] == "tasks_platform.errors.FollowedJobFailedError"
    assert holder.id in letter["cause"]["message"]
    assert platform.store.letter(holder.id) is not None


@pytest.mark.checklist(57)
def test_a_key_is_free_when_its_job_has_expired(worker: Worker, diary: Path) -> None:
    job = shop.matters_briefly.apply_async((diary,), countdown=2)
    assert shop.matters_briefly.apply_async((diary,), countdown=2).id == job.id
    wait_for(lambda: job.state == "REVOKED", 20, "the expiry")
    other = shop.matters_briefly.delay(diary)
    assert other.get(timeout=20) == other.id != job.id
    assert read(diary) == [other.id]


@pytest.mark.parametrize("running", [True, False], ids=["running", "waiting"])
@pytest.mark.checklist(57)
def test_a_key_is_free_when_its_job_was_revoked(worker: Worker, diary: Path, running: bool) -> None:  # noqa: FBT001
    job = shop.charges.apply_async((diary, 5), countdown=None if running else 2)
    if running:
        wait_for(lambda: read(diary), 20, "the start")
    assert shop.charges.delay(diary, 5).id == job.id
    job.revoke(terminate=running)
    # a worker knows of a waiting job when its turn comes
    wait_for(lambda: worker.told("cancelled", job.id), 20, "the end")
    wait_for(lambda: job.state == "REVOKED", 20, "the state")
    other = shop.charges.delay(diary, 5)
    assert other.id != job.id
    diary.with_suffix(".end").touch()
    assert other.get(timeout=20) == 500
    assert f"{other.id}:1" in read(diary)
