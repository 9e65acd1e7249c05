"""Replay many letters in one go: flows go on, what dies again stops its kind, and no kill lets a job run twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from celery import chain

from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import PATIENCE, a_letter, buried, ended, gone, result, start
from tasks_platform.errors import LetterError
from tasks_platform.letters.on_its_way import PATIENCE as LONG_AGO
from tasks_platform.letters.replays import ReplayRun, ReplayStatus, select, unfinished
from tasks_platform.letters.replays.sender import Sender
from tasks_platform.letters.replays.value import Item
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]
ASKED = {"where": {}, "text": None}


def begun(letters: DeadLetterQueue) -> str:
    """Write down a replay of all letters, and return its id."""
    return select(letters.all()).write_down(letters.store, ASKED)


def run(letters: DeadLetterQueue, replay_id: str) -> ReplayStatus:
    """Run a replay to its end."""
    *_, last = ReplayRun(letters, replay_id, rate=100)
    return last


@pytest.mark.checklist(37, 67)
def test_flows_whose_steps_were_mended_go_on_and_one_that_was_not_stops_the_others(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    flows = [start(platform, chain(tasks.number.s(-1), tasks.plus.s(1))) for _ in range(2)]
    for flow_id in flows:
        ended(platform, flow_id, "parked")
    for letter in letters.list():
        letters.edit(letter["id"], {"value": 1})
    a_letter(platform)
    status = run(letters, begun(letters))
    (group,) = status.groups
    assert (status.state, group.letters, group.recovered, group.back, group.todo) == ("ended", 3, 2, 1, 0)
    assert group.stopped == "it came back: the bug is not fixed"
    for flow_id in flows:
        assert result(platform, ended(platform, flow_id, "succeeded")) == 2
    assert [letter["state"] for letter in letters.list()] == ["dead"]


@pytest.mark.checklist(37, 85)
@pytest.mark.parametrize("moment", ["recorded and not sent", "sent and not recorded", "run and not recorded"])
def test_whenever_the_process_that_replays_is_killed_the_job_runs_once(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path, moment: str
) -> None:
    letter = letters.edit(a_letter(platform, diary=diary)["id"], {"value": 1})
    replay_id = begun(letters)
    item = Item(group=letter["fingerprint"])
    if moment == "recorded and not sent":
        sending = Item(group=letter["fingerprint"], state="sending", version=letter["version"], attempt=2)
        store = letters.store
        assert store.claim_for_replay(replay_id, letter["id"], sending.record(), version=2, at=time.time())
    else:
        assert Sender(letters, replay_id).send(letter["id"], item).state == "sent"
    if moment == "run and not recorded":
        gone(platform, letter["id"])
    assert unfinished(letters.store, ASKED) is not None
    status = run(letters, replay_id)
    assert (status.count("recovered"), status.count("letters")) == (1, 1)
    assert read(diary) == ["-1", "1"]
    assert unfinished(letters.store, ASKED) is None


def test_a_letter_that_comes_back_while_nobody_looks_is_not_sent_again(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    letter = a_letter(platform, diary=diary)
    replay_id = begun(letters)
    Sender(letters, replay_id).send(letter["id"], Item(group=letter["fingerprint"]))
    wait_for(lambda: letters.show(letter["id"])["version"] > letter["version"], PATIENCE, "its death")
    assert run(letters, replay_id).count("back") == 1
    assert read(diary) == ["-1", "-1"]


@pytest.mark.checklist(37)
def test_a_letter_that_can_never_be_sent_is_left_and_those_behind_it_are_sent(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    diary.with_suffix(".end").touch()
    first, second = (buried(platform, tasks.takes_a_key.delay(key, -1, diary).id) for key in ("one", "two"))
    message = {**first["message"], "args": [], "kwargs": {"of": "an earlier version"}}
    assert letters.store.edit_letter(first["id"], message, 1)
    letters.edit(second["id"], {"value": 1})
    (group,) = run(letters, begun(letters)).groups
    assert (group.left, group.recovered, group.todo) == (1, 1, 0)
    assert "cannot be sent" in group.reasons[0]
    assert [(one["id"], one["state"]) for one in letters.list()] == [(first["id"], "dead")]


@pytest.mark.checklist(37)
def test_what_was_in_doubt_and_is_refused_now_is_put_back_and_the_others_go_on(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    first, second = (buried(platform, tasks.takes_a_key.delay(key, -1, diary).id) for key in ("one", "two"))
    letters.edit(second["id"], {"value": 1})
    replay_id = begun(letters)
    sending = Item(group=first["fingerprint"], state="sending", version=1, attempt=2)
    assert letters.store.claim_for_replay(replay_id, first["id"], sending.record(), version=1, at=5.0)
    holder = tasks.takes_a_key.delay("one", 1, diary)
    wait_for(lambda: holder.id in read(diary), PATIENCE, "the holder")
    for status in ReplayRun(letters, replay_id, rate=100):
        if status.count("left"):  # what was in doubt was refused: those that hold a key may end
            diary.with_suffix(".end").touch()
    (group,) = status.groups
    assert (status.state, group.left, group.recovered) == ("ended", 1, 1)
    assert f"job {holder.id} holds its unique key" in group.reasons[0]
    assert [(one["id"], one["state"]) for one in letters.list()] == [(first["id"], "dead")]
    assert "put back" in [record["what"] for record in letters.audit()]


@pytest.mark.checklist(37)
def test_a_letter_that_somebody_began_to_replay_and_never_sent_is_sent_with_the_others(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    letter = letters.edit(a_letter(platform, diary=diary)["id"], {"value": 1})
    at = time.time()
    letters.store.mark_replaying(letter["id"], at, version=2)
    assert select(letters.all()).left_out == 1
    letters.store.mark_replaying(letter["id"], at - LONG_AGO, version=2, before=at)
    assert run(letters, begun(letters)).count("recovered") == 1
    assert read(diary) == ["-1", "1"]


@pytest.mark.checklist(37)
def test_what_ends_without_success_is_not_counted_as_recovered(platform: PlatformApp, letters: DeadLetterQueue) -> None:
    for value in (0, 1, 2):
        letter = buried(platform, tasks.has_nothing_to_do.delay(-1).id)
        letters.edit(letter["id"], {"value": value})
    (group,) = run(letters, begun(letters)).groups
    assert (group.recovered, group.skipped, group.left, group.back) == (1, 1, 1, 0)
    assert group.reasons == ("it was cancelled",)
    assert letters.list() == []


def test_of_two_processes_that_run_one_replay_the_second_is_told(
    platform: PlatformApp, letters: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_letter(platform)
    replay_id = begun(letters)
    letters.store.acquire(f"letters-replay:{replay_id}", "another-machine:1:x", 60.0)
    monkeypatch.setattr("tasks_platform.letters.replays.run._CLAIM", -1.5)  # no need to see whether it lives
    with pytest.raises(LetterError, match="is being run by another process: another-machine:1:x"):
        run(letters, replay_id)


def test_what_somebody_else_did_to_a_letter_meanwhile_is_respected(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    first, second = (a_letter(platform, diary=diary) for _ in range(2))
    replay_id = begun(letters)
    letters.discard(first["id"])
    letters.store.mark_replaying(second["id"], time.time(), version=1)
    (group,) = run(letters, replay_id).groups
    assert group.left == 2
    assert set(group.reasons) == {
        "it is gone: it was replayed or discarded by somebody else",
        "it is being replayed by somebody else",
    }
    assert read(diary) == ["-1", "-1"]
