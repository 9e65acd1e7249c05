"""Letters are read whatever version of the platform wrote them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from runs import a_run, decide
from tasks_platform.errors import LetterError, PermanentError
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.upgrades import UPGRADES, current
from tasks_platform.policies import DeadLetters
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.store import MemoryStore

#: As version 1 stored them: a job, and a message that no worker knew the task of.
JOB = json.loads(
    """{"schema": 1, "id": "8a5e", "task": "shop.ship", "state": "dead", "tenant": "acme", "flow": null,
    "died_at": 1795400000.25, "message": {"task": "shop.ship", "args": [-1], "kwargs": {}, "options":
    {"task_id": "8a5e", "queue": "orders", "priority": 3, "headers": {"platform": {"tenant": "acme"}}}},
    "cause": {"type": "shop.GatewayError", "message": "refused", "line": "shop:7 in ship"}, "traceback": "",
    "fingerprint": "0123456789ab", "version": 1, "attempts": [{"attempt": 1, "started_at": "2026-11-22T08:30:00+00:00",
    "failed_at": "2026-11-22T08:30:01+00:00", "worker": "w@box", "error": {"type": "E", "message": "refused"}}]}"""
)
UNKNOWN = json.loads(
    """{"schema": 1, "id": "9b6f", "task": "shop.later", "state": "dead", "tenant": null, "flow": null,
    "died_at": 1795400001.5, "message": {"raw": true, "body": "[[1], {}, {}]", "headers": {"id": "9b6f", "task":
    "shop.later", "platform": {"tenant": "acme", "flow": "f-1", "rule": "park"}}, "properties": {"priority": 3},
    "content_type": "application/json", "content_encoding": "utf-8", "queue": "orders"},
    "cause": {"type": "NotRegistered", "message": "no worker has known it", "line": ""}, "traceback": "",
    "fingerprint": "ba9876543210", "version": 1, "attempts": []}"""
)


def test_every_version_before_this_one_can_be_read() -> None:
    assert sorted(UPGRADES) == list(range(1, SCHEMA))


def test_a_letter_of_version_1_gets_its_queue() -> None:
    assert current(JOB) == {**JOB, "schema": SCHEMA, "queue": "orders"}


def test_a_message_that_nobody_understood_gets_the_tenant_and_the_flow_of_its_headers() -> None:
    assert current(UNKNOWN) == {**UNKNOWN, "schema": SCHEMA, "queue": "orders", "tenant": "acme", "flow": "f-1"}


@pytest.mark.parametrize("headers", [None, "none", {"platform": 7}, {"platform": {"tenant": 7}}])
def test_whatever_the_headers_of_a_message_are_its_letter_can_be_read(headers: Any) -> None:
    upgraded = current({**UNKNOWN, "message": {**UNKNOWN["message"], "headers": headers}})

    assert (upgraded["tenant"], upgraded["flow"]) == (None, None)


def test_what_is_written_now_has_all_that_an_upgraded_letter_has() -> None:
    store = MemoryStore()
    decide((DeadLetters(),), a_run(store), PermanentError("no"))

    told_by_the_store = {"replayed_at", "begun", "put_back"}
    assert set(store.letters()[0]) == set(current(JOB)) | told_by_the_store
    assert store.letters()[0]["schema"] == SCHEMA


class TestALetterOfALaterVersion:
    @pytest.fixture
    def queue(self) -> DeadLetterQueue:
        store = MemoryStore()
        newer = {**JOB, "schema": SCHEMA + 1, "arguments": "somewhere else"}
        store.decide("8a5e", 1, JOB["attempts"][0], {"again_in": None, "parked": False}, newer)
        return DeadLetterQueue(SimpleNamespace(store=store), by="ana")  # type: ignore[arg-type]

    def test_it_is_shown_as_it_is(self, queue: DeadLetterQueue) -> None:
        assert queue.show("8a5e")["arguments"] == "somewhere else"
        assert [letter["schema"] for letter in queue.page().letters] == [SCHEMA + 1]

    def test_it_is_not_changed(self, queue: DeadLetterQueue) -> None:
        for operate in (
            lambda: queue.edit("8a5e", {"number": 1}),
            lambda: queue.replay("8a5e"),
            lambda: queue.discard("8a5e"),
        ):
            with pytest.raises(
                LetterError,
                match=f"written by a newer version .*letters of version {SCHEMA + 1}; this one knows {SCHEMA}",
            ):
                operate()
        assert queue.show("8a5e")["version"] == 1
