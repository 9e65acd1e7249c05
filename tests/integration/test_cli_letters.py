"""The commands that find dead letters, group them and tell what happened to them."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from command_line import call, refusal
from tasks_platform.letters.replays import select
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis


@pytest.fixture
def store(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisStore]:
    """Return the records on an empty server, which the commands find in their environment."""
    monkeypatch.setenv("TASKS_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKS_BUSINESS", "false")
    store = RedisStore(redis_url)
    yield store
    store.client.close()


def a_record(job_id: str, at: float, **fields: Any) -> dict[str, Any]:
    """Return a letter as a worker writes it."""
    args = fields.pop("args", [])
    message = {"task": "shop.ship", "args": args, "kwargs": {}, "options": {"task_id": job_id, "queue": "orders"}}
    return {
        "schema": SCHEMA,
        "id": job_id,
        "task": "shop.ship",
        "queue": "orders",
        "state": "dead",
        "tenant": None,
        "flow": None,
        "died_at": at,
        "message": message,
        "cause": {"type": "shop.GatewayError", "message": "refused [b]", "line": "shop:7 in ship"},
        "traceback": "",
        "fingerprint": "0123456789ab",
        **fields,
    }


def bury(store: RedisStore, job_id: str, at: float = 1.0, **fields: Any) -> None:
    """Write a letter as a worker does."""
    moment = "2026-11-22T08:30:00+00:00"
    error = {"type": "shop.GatewayError", "message": "refused [b]"}
    attempt = {"attempt": 1, "started_at": moment, "failed_at": moment, "worker": "w@box", "error": error}
    store.decide(job_id, 1, attempt, {"again_in": None, "parked": False}, a_record(job_id, at, **fields))


def listed(*options: str) -> list[str]:
    result = call("letters", "list", "--json", *options)
    assert result.exit_code == 0, result.output
    return [letter["id"] for letter in json.loads(result.stdout)["letters"]]


class TestFinding:
    @pytest.mark.checklist(36)
    def test_letters_are_found_by_what_is_asked_for(self, store: RedisStore) -> None:
        bury(store, "one", 1000.0, tenant="acme", args=["Größe", 7])
        bury(store, "two", 2000.0, task="shop.bill", fingerprint="ffff", queue="money", args=["grösse"])
        bury(store, "three", 3000.0, tenant="acme", fingerprint="ffff", task="shop.bill", state="parked")
        assert listed("--tenant", "acme") == ["three", "one"]
        assert listed("--task", "bill") == listed("--fingerprint", "ff") == ["three", "two"]
        assert listed("--task", "shop.bill", "--queue", "orders") == ["three"]
        assert listed("--state", "parked") == ["three"]
        assert listed("--since", "1970-01-01T00:30:00+00:00", "--until", "1970-01-01T00:40:00+00:00") == ["two"]
        assert listed("--since", "7d") == []
        assert listed("--text", "GRÖSSE") == ["two", "one"]
        assert listed("--text", "größe", "--tenant", "acme") == ["one"]
        assert call("letters", "list", "--tenant", "nobody").output == "No dead letter is like that.\n"

    @pytest.mark.parametrize("option", [(), ("--text", "job"), ("--task", "ship")])
    def test_a_page_says_where_to_go_on(self, store: RedisStore, option: tuple[str, ...]) -> None:
        for number in range(5):
            bury(store, f"job-{number}", number + 0.1, args=[f"job {number}"])
        pages, after = [], ()
        while True:
            page = call("letters", "list", "--json", "--limit", "2", *option, *after)
            printed = call("letters", "list", "--limit", "2", *option, *after)
            found = json.loads(page.stdout)
            pages += [letter["id"] for letter in found["letters"]]
            if found["after"] is None:
                assert "go on with" not in printed.stderr
                break
            assert f"go on with --after {found['after']}\n" in printed.stderr
            after = ("--after", found["after"])
        assert pages == [f"job-{number}" for number in (4, 3, 2, 1, 0)]

    def test_what_cannot_be_meant_is_refused(self, store: RedisStore) -> None:
        for options, words in (
            (("--since", "yesterday"), "is neither a moment"),
            (("--after", "there"), "is not what the page before named"),
            (("--offset", "2", "--text", "x"), "--offset does not go with --text"),
        ):
            refused = call("letters", "list", *options)
            assert refused.exit_code == 2
            assert words in refused.stderr

    @pytest.mark.parametrize("schema", [1, SCHEMA + 1])
    def test_letters_of_other_versions_are_listed_shown_and_found(
        self, store: RedisStore, redis_db: redis.Redis, schema: int
    ) -> None:
        old = a_record("old", 5.0, schema=schema, tenant="acme")
        if schema == 1:
            del old["queue"]
        key = "tasks-platform:letter:old"
        redis_db.hset(key, mapping={"record": json.dumps(old), "state": "dead", "version": 1})
        redis_db.zadd("tasks-platform:letters", {"old": 5.0})
        assert listed() == listed("--queue", "orders") == listed("--tenant", "acme") == ["old"]
        assert json.loads(call("letters", "show", "old", "--json").output)["queue"] == "orders"
        assert "shop.ship" in call("letters", "show", "old").output


class TestMany:
    @pytest.mark.parametrize("verb", ["replay", "discard"])
    def test_what_would_be_done_is_shown_and_asked_first(self, store: RedisStore, verb: str) -> None:
        for number in range(3):
            bury(store, f"job-{number}", tenant="acme")
        bury(store, "other", fingerprint="ffff", task="shop.bill", tenant="acme")
        bury(store, "elsewhere")
        store.mark_replaying("job-2", time.time(), version=1)
        dry = json.loads(call("letters", verb, "--all", "--tenant", "acme", "--dry-run", "--json").stdout)
        assert (dry["letters"], dry["left_out"]) == (3, 1)
        assert [(group["letters"], group["fingerprint"]) for group in dry["groups"]] == [
            (2, "0123456789ab"),
            (1, "ffff"),
        ]
        asked = call("letters", verb, "--all", "--tenant", "acme", given="n\n")
        assert asked.exit_code == 1
        words = re.sub(r"\s+", " ", asked.output)
        assert "3 dead letters would be" in words
        assert "2 0123456789ab shop.ship" in words
        assert "1 more are being replayed already" in words
        assert store.replays() == []
        assert [letter["state"] for letter in store.letters()].count("dead") == 4

    def test_all_that_match_are_discarded(self, store: RedisStore) -> None:
        for number in range(3):
            bury(store, f"job-{number}", tenant="acme")
        bury(store, "other")
        done = call("letters", "discard", "--all", "--tenant", "acme", "--yes", "--by", "ana")
        assert "3 dead letters were discarded" in done.output
        assert listed() == ["other"]
        whole = json.loads(call("letters", "discard", "other", "--yes", "--json").stdout)
        assert whole["id"] == "other"
        told = [record["what"] for record in store.audit() if record["by"] == "ana"]
        assert told == ["discarded"] * 3

    def test_what_is_being_replayed_is_given_up_by_force_only(self, store: RedisStore) -> None:
        for number in range(3):
            bury(store, f"job-{number}")
            store.mark_replaying(f"job-{number}", time.time(), version=1)
        assert "is being replayed: see how that ends" in refusal(call("letters", "discard", "job-0", "--yes"))
        assert call("letters", "discard", "--all", "--yes").exit_code == 0
        assert store.count_letters() == 3
        assert call("letters", "discard", "job-0", "--yes", "--force").exit_code == 0
        assert "2 dead letters were discarded" in call("letters", "discard", "--all", "--yes", "--force").output
        assert not store.begin("job-0", 2, "a copy that was sent")

    def test_letters_that_cannot_be_sent_are_left_with_the_reason(self, store: RedisStore) -> None:
        bury(store, "one"), bury(store, "two")
        ended = call("letters", "replay", "one", "two", "--yes", "--json")
        (group,) = json.loads(ended.stdout)["groups"]
        assert ended.exit_code == 1
        assert (group["letters"], group["left"], group["recovered"]) == (2, 2, 0)
        assert any("does not know the task 'shop.ship'" in reason for reason in group["reasons"])
        assert [letter["state"] for letter in store.letters()] == ["dead", "dead"]
        assert "has ended" in refusal(call("letters", "replay", "--resume", store.replays()[0]["id"]))
        assert "there is no replay 'nothing'" in refusal(call("letters", "replay", "--resume", "nothing"))

    @pytest.mark.checklist(37)
    @pytest.mark.parametrize("columns", [80, 120])
    def test_the_same_command_goes_on_with_a_replay_that_was_killed_and_it_is_listed_until_then(
        self, store: RedisStore, columns: int
    ) -> None:
        now = time.time()
        bury(store, "one", now), bury(store, "two", now)
        assert call("letters", "replays").output == "There was no replay of many letters.\n"
        command = ("letters", "replay", "--all", "--since", "12h", "--until", "2100-01-01", "--yes")
        asked = {"where": {"since": "12h", "until": "2100-01-01"}, "text": None}
        select(store.letters()).write_down(store, asked)  # and then it was killed
        (listed,) = json.loads(call("letters", "replays", "--json").stdout)
        assert (listed["state"], listed["ended_at"]) == ("interrupted", None)
        assert listed["asked"] == asked
        assert [(group["letters"], group["todo"]) for group in listed["groups"]] == [(2, 2)]
        printed = call("letters", "replays", columns=columns).output
        assert max(cell_len(line) for line in printed.splitlines()) <= columns
        words = re.sub(r"\s+", " ", printed)
        assert f"{listed['id']} interrupted" in words
        assert "--all --since 12h --until 2100-01-01 2 not sent" in words

        bury(store, "later", now)
        again = call(*command)
        assert re.search(f"replay {listed['id']}, begun .*, was interrupted: it goes on", again.stderr)
        (ended,) = json.loads(call("letters", "replays", "--json").stdout)
        assert (ended["id"], ended["state"], ended["groups"][0]["left"]) == (listed["id"], "ended", 2)
        assert call("letters", "replay", "--resume", listed["id"]).exit_code == 1
        other = call("letters", "replay", "--all", "--since", "11h", "--yes")
        assert "was interrupted" not in other.stderr

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (("replay",), "Name letters, or say --all"),
            (("replay", "one", "--all"), "Name letters, or say --all"),
            (("replay", "one", "--task", "x"), "Filters go with --all."),
            (("replay", "--all", "--work"), "--work takes one letter."),
            (("discard",), "Name letters, or say --all."),
            (("discard", "one", "--since", "7d"), "Filters go with --all."),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, words: tuple[str, ...], problem: str) -> None:
        refused = call("letters", *words)
        assert refused.exit_code == 2
        assert problem in refused.stderr


class TestGroups:
    @pytest.mark.checklist(36)
    @pytest.mark.parametrize("columns", [80, 120])
    def test_letters_of_one_bug_are_one_row(self, store: RedisStore, columns: int) -> None:
        for number in range(5):
            bury(store, f"job-{number}", number, tenant=f"tenant-{number}", args=[number])
        bury(store, "other", 9.0, task="shop.bill", fingerprint="ffff")
        printed = call("letters", "groups", columns=columns).output
        assert max(cell_len(line) for line in printed.splitlines()) <= columns
        words = re.sub(r"\s+", " ", printed)
        assert "2 bugs" in words
        for expected in ("5 0123456789ab", "shop.ship", "GatewayError: refused [b]", "shop:7 in ship", "and 2 more"):
            assert expected in words
        groups = json.loads(call("letters", "groups", "--json").output)
        assert [(group["fingerprint"], group["letters"], group["first_seen"]) for group in groups] == [
            ("ffff", 1, 9.0),
            ("0123456789ab", 5, 0.0),
        ]
        assert groups[1]["tenants"] == {f"tenant-{number}": 1 for number in range(5)}

    def test_without_any_it_says_so(self, store: RedisStore) -> None:
        assert call("letters", "groups").output == "There are no dead letters.\n"


class TestAudit:
    @pytest.mark.checklist(35)
    def test_it_tells_what_happened_and_who_did_it(self, store: RedisStore) -> None:
        bury(store, "one-letter")
        call("letters", "discard", "one-letter", "--yes", "--by", "ana")
        bury(store, "another-letter")
        call("letters", "discard", "another-letter", "--yes")
        records = json.loads(call("letters", "audit", "--json").output)["records"]
        assert [(record["what"], record["id"]) for record in records] == [
            ("discarded", "another-letter"),
            ("buried", "another-letter"),
            ("discarded", "one-letter"),
            ("buried", "one-letter"),
        ]
        assert "@" in records[0]["by"]
        assert records[2]["by"] == "ana"
        assert (records[3]["by"], records[3]["error"]) == ("w@box", "shop.GatewayError")
        words = re.sub(r"\s+", " ", call("letters", "audit").output)
        assert "buried w@box one-lett" in words
        assert "GatewayError: refused [b]" in words

    def test_it_is_read_page_by_page(self, store: RedisStore) -> None:
        for number in range(3):
            bury(store, f"job-{number}")
        first = call("letters", "audit", "--json", "--limit", "2")
        after = json.loads(first.stdout)["after"]
        assert f"go on with --after {after}\n" in call("letters", "audit", "--limit", "2").stderr
        rest = json.loads(call("letters", "audit", "--json", "--after", after).stdout)
        assert ([record["id"] for record in rest["records"]], rest["after"]) == (["job-0"], None)

    def test_without_any_it_says_so(self, store: RedisStore) -> None:
        assert call("letters", "audit").output == "Nothing has happened to dead letters.\n"
