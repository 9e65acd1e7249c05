"""What the store knows of the schedule: who leads, and what became of each moment."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from property_tests import settings
from redis_server import running_redis
from tasks_platform.store import MemoryStore, RedisStore
from waiting import wait_for

LONG = 1000.0
KEEP = 100


def firing(second: int, state: str = "fired", **details):
    return {"moment": f"2026-01-01T00:00:{second:02}Z", "state": state, **details}


def moment(second: int) -> str:
    return firing(second)["moment"]


class TestLeading:
    def test_one_beat_leads_until_its_lease_is_over(self, store):
        assert store.lead("a", 0.05, renew=False) == "a"
        assert store.lead("b", LONG, renew=False) in {"a", "b"}
        wait_for(lambda: store.lead("b", LONG, renew=False) == "b", 5)
        assert store.lead("a", LONG, renew=False) == "b"

    def test_a_lease_that_is_renewed_goes_on(self, store):
        store.lead("a", 10.0, renew=False)
        store.lead("a", LONG, renew=True)

        assert store.lead("b", LONG, renew=False) == "a"

    def test_a_lease_that_was_lost_is_not_renewed(self, store):
        assert store.lead("a", LONG, renew=True) is None
        store.lead("b", LONG, renew=False)
        assert store.lead("a", LONG, renew=True) == "b"

    def test_another_leads_at_once_when_the_leader_abdicates(self, store):
        store.lead("a", LONG, renew=False)
        store.abdicate("b")
        assert store.lead("b", LONG, renew=False) == "a"
        store.abdicate("a")
        assert store.lead("b", LONG, renew=False) == "b"

    def test_beats_tell_of_themselves_until_they_end_or_fall_silent(self, store):
        store.show_beat("a", {"name": "a"}, LONG)
        store.show_beat("b", {"name": "b"}, LONG)
        store.show_beat("c", {"name": "c"}, 0.05)
        store.hide_beat("b")

        wait_for(lambda: store.beats() == [{"name": "a"}], 5)


class TestFirings:
    @pytest.fixture(autouse=True)
    def leader(self, store):
        store.lead("a", LONG, renew=False)

    def test_a_moment_is_claimed_before_it_is_sent_and_has_one_end(self, store):
        assert store.claim_firing("s", firing(1, "sending"), "a") == "fire"
        assert store.firings("s") == [firing(1, "sending")]
        assert store.record_firings("s", [firing(1, job_id="x")], KEEP) == []
        assert store.claim_firing("s", firing(1, "sending"), "a") == "done"
        assert store.record_firings("s", [firing(1, "missed")], KEEP) == []

        assert store.firings("s") == [firing(1, job_id="x")]
        assert store.count_firings("s") == {"fired": 1}

    def test_the_next_leader_takes_a_claim_over(self, store):
        store.claim_firing("s", firing(1, "sending"), "a")
        store.abdicate("a")
        store.lead("b", LONG, renew=False)

        assert store.claim_firing("s", firing(1, "sending"), "a") == "lost"
        assert store.claim_firing("s", firing(1, "sending"), "b") == "fire"

    def test_only_the_leader_claims(self, store):
        assert store.claim_firing("s", firing(1, "sending"), "b") == "lost"
        store.abdicate("a")
        assert store.claim_firing("s", firing(1, "sending"), "a") == "lost"
        assert store.firings("s") == []

    def test_only_the_leader_records_where_a_beat_records(self, store):
        assert store.record_firings("s", [firing(1, "missed")], KEEP, lock="b") is None
        store.abdicate("a")
        assert store.record_firings("s", [firing(1)], KEEP, lock="a") is None
        assert (store.firings("s"), store.count_firings("s")) == ([], {})
        store.lead("a", LONG, renew=False)
        assert store.record_firings("s", [firing(1, "missed")], KEEP, lock="a") == []
        assert store.count_firings("s") == {"missed": 1}

    def test_what_was_claimed_is_not_missed_and_what_was_missed_is_not_claimed(self, store):
        store.claim_firing("s", firing(1, "sending"), "a")

        assert store.record_firings("s", [firing(1, "missed"), firing(2, "missed")], KEEP) == [moment(1)]
        assert store.claim_firing("s", firing(2, "sending"), "a") == "done"
        assert [record["state"] for record in store.firings("s")] == ["missed", "sending"]

    def test_a_claimed_moment_may_be_refused(self, store):
        store.claim_firing("s", firing(1, "sending"), "a")

        assert store.record_firings("s", [firing(1, "refused")], KEEP) == []
        assert store.count_firings("s") == {"refused": 1}

    def test_the_end_of_its_job_is_the_end_of_a_moment_that_was_claimed(self, store):
        for _ in range(2):
            store.end_firing("s", moment(1), "x")
        assert (store.firings("s"), store.count_firings("s")) == ([], {})
        store.claim_firing("s", firing(1, "sending", by="a"), "a")
        for _ in range(2):
            store.end_firing("s", moment(1), "x")

        assert store.firings("s") == [firing(1, "fired", by="a", job_id="x")]
        assert store.claim_firing("s", firing(1, "sending"), "a") == "done"
        assert store.record_firings("s", [firing(1, "fired", by="b")], KEEP) == []
        assert store.count_firings("s") == {"fired": 1}

    def test_the_last_moments_are_kept_in_the_order_of_time_and_all_are_counted(self, store):
        for second in (5, 3, 4, 1, 2):
            store.record_firings("s", [firing(second, "missed")], 3)

        assert [record["moment"] for record in store.firings("s")] == [moment(5), moment(4), moment(3)]
        assert [record["moment"] for record in store.firings("s", 1)] == [moment(5)]
        assert store.firings("s", 0) == []
        assert store.count_firings("s") == {"missed": 5}

    def test_one_schedule_knows_nothing_of_another(self, store):
        store.record_firings("s", [firing(1)], KEEP)

        assert (store.firings("s:x"), store.count_firings("s:x")) == ([], {})


REPEATED = {
    "lead": lambda store: store.lead("a", LONG, renew=False),
    "abdicate": lambda store: store.abdicate("a"),
    "show_beat": lambda store: store.show_beat("a", {"name": "a"}, LONG),
    "hide_beat": lambda store: store.hide_beat("a"),
    "claim_firing": lambda store: store.claim_firing("s", firing(9, "sending"), "a"),
    "end_firing": lambda store: store.end_firing("s", moment(1), "x"),
    "record_firings": lambda store: store.record_firings("s", [firing(1, "missed"), firing(2, "missed")], KEEP),
}


@pytest.mark.parametrize("operation", REPEATED)
def test_an_operation_repeated_with_the_same_arguments_changes_nothing(store, operation):
    store.lead("a", LONG, renew=False)
    store.claim_firing("s", firing(1, "sending"), "a")

    def observed():
        return REPEATED[operation](store), store.firings("s"), store.count_firings("s"), store.beats()

    assert observed() == observed()


SECONDS = st.integers(0, 5)
BEATS = st.sampled_from(["a", "b"])


class BothStores(RuleBasedStateMachine):
    """The store in memory is the model of the one in Redis."""

    redis: RedisStore

    def __init__(self):
        super().__init__()
        self.redis.client.flushdb()
        self.model = MemoryStore()

    def both(self, operation, *args, **options):
        actual = getattr(self.redis, operation)(*args, **options)
        assert actual == getattr(self.model, operation)(*args, **options)

    @rule(beat=BEATS, renew=st.booleans())
    def lead(self, beat, renew):
        self.both("lead", beat, LONG, renew=renew)

    @rule(beat=BEATS)
    def abdicate(self, beat):
        self.both("abdicate", beat)

    @rule(second=SECONDS, beat=BEATS)
    def claim(self, second, beat):
        self.both("claim_firing", "s", firing(second, "sending", by=beat), beat)

    @rule(
        seconds=st.lists(SECONDS, max_size=3, unique=True),
        state=st.sampled_from(["fired", "missed", "refused"]),
        keep=st.integers(1, 5),
        lock=st.none() | BEATS,
    )
    def record(self, seconds, state, keep, lock):
        self.both("record_firings", "s", [firing(second, state) for second in seconds], keep, lock=lock)

    @rule(second=SECONDS)
    def end(self, second):
        self.both("end_firing", "s", moment(second), "x")

    @invariant()
    def look_alike(self):
        self.both("firings", "s")
        self.both("count_firings", "s")


def test_both_stores_answer_alike(redis_url):
    store = RedisStore(redis_url)
    machine = type("Machine", (BothStores,), {"redis": store})
    checked = settings(max_examples=40, stateful_step_count=15, suppress_health_check=[HealthCheck.differing_executors])
    run_state_machine_as_test(machine, settings=checked)
    store.client.close()


def test_what_was_recorded_outlives_a_restart_of_the_server(tmp_path):
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with running_redis(tmp_path, *options) as server:
        store = RedisStore(server.url)
        store.lead("a", LONG, renew=False)
        store.claim_firing("s", firing(1, "sending"), "a")
        store.record_firings("s", [firing(2)], KEEP)
    with running_redis(tmp_path, *options, port=server.port):
        assert store.record_firings("s", [firing(1, "missed")], KEEP) == [moment(1)]
        assert store.lead("b", LONG, renew=False) == "a"
        store.client.close()
