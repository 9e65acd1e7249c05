"""What every store promises of many letters: how they are found, grouped, audited and purged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from redis_proxy import redis_proxy
from store_records import AGAIN, DEAD, LONG, attempt, bury, letter, message
from tasks_platform.store import RedisStore, Where


@pytest.fixture
def letters(store):
    """Bury six jobs, the last one last."""
    for number, (task, queue, tenant, fingerprint, state) in enumerate(
        [
            ("ship", "orders", "acme", "f1", "dead"),
            ("ship", "orders", "beta", "f1", "dead"),
            ("bill", "orders", "acme", "f2", "parked"),
            ("bill", "money", "acme", "f2", "dead"),
            ("ship", "orders", "acme", "f3", "dead"),
            ("odd", None, None, None, "dead"),
        ]
    ):
        bury(
            store,
            f"job-{number}",
            died_at=float(number),
            task=task,
            queue=queue,
            tenant=tenant,
            fingerprint=fingerprint,
            state=state,
            cause={"type": "KeyError", "message": f"no {number}", "line": f"{task}:7 in run"},
        )
    return store


def found(store, *, offset=0, limit=100, after=None, **where):
    return [int(one["id"][-1]) for one in store.letters(offset, limit, where=Where(**where), after=after)]


def test_lone_surrogates_are_written_out_in_what_a_letter_is_found_by(store):
    odd = {name: f"{name}-caf\udce9" for name in ("task", "queue", "tenant")}
    cause = {"type": "OSError", "message": "caf\udce9", "line": "ship:7 in run"}
    store.decide("job-\ud800", 1, attempt("caf\udce9"), DEAD, letter(id="job-\ud800", **odd, cause=cause))
    (buried,) = store.audit()
    assert store.letter("job-\ud800")["cause"] == cause
    assert (buried["task"], buried["queue"], buried["message"]) == ("task-caf\\udce9", "queue-caf\\udce9", "caf\\udce9")


def test_what_json_cannot_carry_is_text_in_a_message_that_is_kept(store):
    moment = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    bury(store, "job", message=message(moment=moment))
    store.acquire("key", "holder", LONG)
    store.follow("key", "job", message(moment=moment), LONG)

    assert store.letter("job")["message"]["options"]["headers"] == {"moment": str(moment)}
    assert store.release("key", "holder", {})["job"]["options"]["headers"] == {"moment": str(moment)}


class TestFinding:
    @pytest.mark.checklist(36)
    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ({}, [5, 4, 3, 2, 1, 0]),
            ({"task": "ship"}, [4, 1, 0]),
            ({"queue": "money"}, [3]),
            ({"tenant": "acme"}, [4, 3, 2, 0]),
            ({"fingerprint": "f1"}, [1, 0]),
            ({"state": "parked"}, [2]),
            ({"since": 4.0}, [5, 4]),
            ({"until": 1.0}, [1, 0]),
            ({"since": 1.0, "until": 2.0}, [2, 1]),
            ({"task": "ship", "tenant": "acme"}, [4, 0]),
            ({"tenant": "acme", "queue": "orders", "since": 1.0, "until": 3.0}, [2]),
            ({"task": "nothing"}, []),
            ({"task": "ship", "queue": "money"}, []),
        ],
    )
    def test_letters_are_found_by_all_that_is_asked_for(self, letters, where, expected):
        assert found(letters, **where) == expected

    @pytest.mark.parametrize("where", [{}, {"tenant": "acme"}, {"tenant": "acme", "queue": "orders"}])
    def test_pages_go_on_where_the_one_before_ended(self, letters, where):
        whole, pages, after = found(letters, **where), [], None
        while page := letters.letters(0, 2, where=Where(**where), after=after):
            pages += [int(one["id"][-1]) for one in page]
            after = (page[-1]["died_at"], page[-1]["id"])

        assert pages == whole
        assert found(letters, offset=1, limit=1, **where) == whole[1:2]

    def test_a_page_goes_on_also_where_the_last_letter_is_gone_or_has_died_again(self, letters):
        letters.forget("job-3")
        assert found(letters, after=(3.0, "job-3")) == [2, 1, 0]
        bury(letters, "job-2", number=2, died_at=9.0)
        assert found(letters, after=(2.0, "job-2")) == [1, 0]

    def test_letters_that_died_at_the_same_moment_are_on_one_page_only(self, store):
        for name in "abcde":
            bury(store, name, died_at=1.0, task="ship", tenant="acme")
        for where in (Where(), Where(task="ship"), Where(task="ship", tenant="acme")):
            first = store.letters(0, 2, where=where)
            rest = store.letters(0, 9, where=where, after=(1.0, first[-1]["id"]))
            assert [one["id"] for one in first + rest] == ["e", "d", "c", "b", "a"]

    def test_what_is_replayed_dies_of_something_else_or_is_gone_is_found_so(self, letters):
        letters.mark_replaying("job-4", 5.0, version=1)
        assert (found(letters, state="replaying"), found(letters, state="dead", task="ship")) == ([4], [1, 0])
        bury(letters, "job-4", number=2, died_at=6.0, task="ship", tenant="beta", fingerprint="f9")
        assert (found(letters, state="replaying"), found(letters, fingerprint="f3")) == ([], [])
        assert (found(letters, tenant="beta"), found(letters, fingerprint="f9")) == ([4, 1], [4])
        letters.forget("job-4")
        assert found(letters, tenant="beta") == [1]

    def test_ids_are_found_by_how_they_begin(self, letters):
        bury(letters, "jo*[x]", died_at=7.0)

        assert letters.letter_ids("job-") == [f"job-{number}" for number in (5, 4, 3, 2, 1, 0)]
        assert (letters.letter_ids("jo*["), letters.letter_ids("jo?"), letters.letter_ids("x")) == (["jo*[x]"], [], [])

    def test_the_states_of_some_are_told_in_order(self, letters):
        states = letters.letter_states(["job-2", "nothing", "job-5"])

        assert states == [
            {"state": "parked", "version": 1, "fingerprint": "f2"},
            None,
            {"state": "dead", "version": 1, "fingerprint": ""},
        ]


class TestGroups:
    @pytest.mark.checklist(36)
    def test_letters_of_one_bug_are_a_group(self, letters):
        groups = letters.letter_groups()

        assert [(one["fingerprint"], one["letters"]) for one in groups] == [("f3", 1), ("f2", 2), ("f1", 2)]
        assert groups[1] == {
            "fingerprint": "f2",
            "letters": 2,
            "deaths": 2,
            "task": "bill",
            "error": "KeyError",
            "message": "no 3",
            "line": "bill:7 in run",
            "first_seen": 2.0,
            "last_seen": 3.0,
            "tenant": {"acme": 2},
            "queue": {"orders": 1, "money": 1},
        }

    def test_when_a_bug_was_first_seen_outlives_its_letters(self, letters):
        for number in (0, 1):
            letters.forget(f"job-{number}")
        assert "f1" not in [one["fingerprint"] for one in letters.letter_groups()]
        bury(letters, "later", died_at=9.0, fingerprint="f1", task="ship", tenant="new")

        group = letters.letter_groups()[0]
        seen = [group[name] for name in ("fingerprint", "letters", "deaths", "first_seen", "last_seen", "tenant")]
        assert seen == ["f1", 1, 3, 0.0, 9.0, {"new": 1}]


class TestAudit:
    @pytest.mark.checklist(35)
    def test_a_burial_is_told_with_job_error_attempts_and_moment(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        assert store.audit() == []
        cause = {"type": "KeyError", "message": "no", "line": "ship:7 in run"}
        buried = letter(task="ship", queue="orders", tenant="acme", fingerprint="f1", cause=cause)
        for _ in range(2):
            store.decide("job", 2, {**attempt(2), "worker": "w@box"}, DEAD, buried)

        (record,) = store.audit()
        assert record.pop("at") == pytest.approx(int(record.pop("audit_id").partition("-")[0]) / 1000)
        assert record == {
            "what": "buried",
            "id": "job",
            "by": "w@box",
            "task": "ship",
            "queue": "orders",
            "tenant": "acme",
            "fingerprint": "f1",
            "state": "dead",
            "attempt": 2,
            "died_at": 1.0,
            "error": "KeyError",
            "message": "no",
            "line": "ship:7 in run",
        }

    @pytest.mark.checklist(35)
    def test_whatever_happens_to_a_letter_is_told_once_and_by_whom(self, store):
        bury(store)
        for _ in range(2):
            store.edit_letter("job", message("corrected"), 1, by="ana")
            store.mark_replaying("job", 5.0, version=2, by="bob")
            store.forget("job")
        bury(store, "other")
        store.forget("other", why="discarded", by="eve")
        store.forget("never a letter")

        told = [(record["what"], record["id"], record["by"]) for record in store.audit()]
        assert told == [
            ("buried", "job", ""),
            ("edited", "job", "ana"),
            ("replayed", "job", "bob"),
            ("recovered", "job", ""),
            ("buried", "other", ""),
            ("discarded", "other", "eve"),
        ]

    def test_it_keeps_the_beginning_of_what_an_error_says_and_the_letter_all_of_it(self, store):
        bury(store, cause={"type": "KeyError", "message": "é" * 2000, "line": ""}, fingerprint="f1")

        assert store.audit()[0]["message"] == "é" * 200
        assert store.letter_groups()[0]["message"] == store.letter("job")["cause"]["message"] == "é" * 2000

    def test_what_one_saves_who_was_overtaken_is_not_kept(self, store):
        assert store.save_teller("log", {"cursor": "1-1"}, read={})
        assert store.save_teller("log", {"cursor": "2-1"}, read={"cursor": "1-1"})
        assert not store.save_teller("log", {"cursor": "1-2"}, read={"cursor": "1-1"})
        assert store.teller("log") == {"cursor": "2-1"}

    def test_it_is_read_page_by_page_in_both_directions(self, letters):
        first = letters.audit(limit=2)
        newest = letters.audit(limit=2, newest_first=True)

        assert [one["id"] for one in first] == ["job-0", "job-1"]
        assert [one["id"] for one in letters.audit(first[-1]["audit_id"], 2)] == ["job-2", "job-3"]
        assert [one["id"] for one in newest] == ["job-5", "job-4"]
        older = letters.audit(newest[-1]["audit_id"], 9, newest_first=True)
        assert [one["id"] for one in older] == ["job-3", "job-2", "job-1", "job-0"]


class TestPurging:
    def test_letters_that_are_still_what_was_read_go_and_are_counted(self, letters):
        letters.mark_replaying("job-1", 5.0, version=1)
        read = {"job-0": 1, "job-1": 1, "job-2": 1, "job-3": 9, "job-4": 1, "gone": 1}

        assert letters.purge_letters(read, retention=LONG, by="ana", why="older than 90 days") == 2
        assert found(letters) == [5, 3, 2, 1]
        record = letters.audit(newest_first=True)[0]
        told = {name: record[name] for name in ("what", "by", "why", "count", "fingerprints")}
        assert told == {
            "what": "purged",
            "by": "ana",
            "why": "older than 90 days",
            "count": 2,
            "fingerprints": {"f1": 1, "f3": 1},
        }

    @pytest.mark.checklist(55)
    def test_an_id_of_the_callers_choice_stays_taken_for_a_while(self, store):
        store.reserve("job", "sender", LONG)
        store.confirm("job", LONG)
        bury(store)
        bury(store, "other")
        store.purge_letters({"job": 1, "other": 1}, retention=LONG)

        assert (store.reserve("job", "another", LONG), store.reserve("other", "another", LONG)) == ("taken", "free")


@pytest.mark.usefixtures("redis_db")
def test_a_purge_whose_answer_was_lost_says_again_how_many_went(redis_url):
    address = urlsplit(redis_url)
    with redis_proxy(address.port) as proxy:
        store = RedisStore(f"redis://127.0.0.1:{proxy.port}{address.path}")
        for number in range(3):
            bury(store, f"job-{number}")
        assert store.purge_letters({"job-0": 1}, retention=LONG, why="first") == 1
        proxy.cut(b"too old", 1, "reply", lasting=False)
        assert store.purge_letters({"job-1": 1, "job-2": 1}, retention=LONG, why="too old") == 2
        assert [one["count"] for one in store.audit(newest_first=True) if one["what"] == "purged"] == [2, 1]
        store.client.close()


def test_a_page_may_be_as_large_as_one_likes(redis_url, redis_db):
    store, count = RedisStore(redis_url, prefix=""), 8001
    with redis_db.pipeline(transaction=False) as pipe:
        for number in range(count):
            record = json.dumps(letter(id=f"job-{number}"))
            pipe.hset(f"letter:job-{number}", mapping={"record": record, "state": "dead", "version": 1})
            pipe.zadd("letters", {f"job-{number}": float(number)})
        pipe.execute()

    assert len(store.letters(0, count)) == count
    store.client.close()


class TestLettersOfAnEarlierVersion:
    @pytest.fixture
    def redis(self, redis_url, redis_db):
        store = RedisStore(redis_url, prefix="")
        for number in range(3):
            record = letter(id=f"old-{number}", died_at=float(number), schema=1, task="ship", fingerprint="f1")
            redis_db.hset(f"letter:old-{number}", mapping={"record": json.dumps(record), "state": "dead", "version": 1})
            redis_db.zadd("letters", {f"old-{number}": float(number)})
            redis_db.hset(f"job:old-{number}", "attempt:1", json.dumps(attempt(1)))
        yield store
        store.client.close()

    def test_they_are_found_once_they_are_listed(self, redis):
        bury(redis, "new", died_at=9.0, task="ship", fingerprint="f1")
        assert [one["id"] for one in redis.letters()] == ["new", "old-2", "old-1", "old-0"]
        assert [one["id"] for one in redis.letters(where=Where(task="ship"))] == ["new"]
        for older in redis.unlisted_letters():
            redis.list_letter({**older, "queue": "orders"})
            redis.list_letter({**older, "queue": "listed twice"})

        assert redis.unlisted_letters() == []
        assert [one["id"] for one in redis.letters(where=Where(queue="orders"))] == ["old-2", "old-1", "old-0"]
        (group,) = redis.letter_groups()
        assert (group["letters"], group["first_seen"], group["last_seen"]) == (4, 0.0, 9.0)

    def test_one_that_somebody_deleted_by_hand_does_not_hide_the_others(self, redis, redis_db):
        for number in range(1200):
            redis_db.zadd("letters", {f"ghost-{number}": -float(number)})
        bury(redis, "ghost", died_at=7.0)
        redis_db.delete("letter:ghost")
        assert [one["id"] for one in redis.unlisted_letters()] == ["old-0", "old-1", "old-2"]
        for older in redis.unlisted_letters():
            redis.list_letter(older)
        assert (redis.unlisted_letters(), redis.count_letters()) == ([], 3)
        assert redis_db.zrange("letters:state:dead", 0, -1) == [b"old-0", b"old-1", b"old-2"]

    def test_they_can_be_replayed_die_again_and_go_before_they_are_listed(self, redis):
        redis.mark_replaying("old-0", 5.0, version=1)
        bury(redis, "old-1", number=2, died_at=5.0, task="ship", fingerprint="f1")
        redis.forget("old-2")

        assert redis.letter("old-0")["state"] == "replaying"
        assert redis.letter("old-1")["version"] == 2
        assert [one["id"] for one in redis.unlisted_letters()] == ["old-0"]
        assert redis.letter_groups()[0]["letters"] == 1
