"""Beats in this process on a real server: what they fire, what they miss, and what they survive."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import redis

from acceptance.closing import close
from redis_server import running_redis
from tasks_platform import ReliableTask, Settings, create_app, every, schedule, task
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.schedules import beats, declared_entries, table, trigger
from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.firing import firing, send
from tasks_platform.schedules.leadership import Leadership
from tasks_platform.schedules.misfire import LONGEST
from tasks_platform.schedules.row import Row
from tasks_platform.schedules.scheduler import PlatformScheduler
from tasks_platform.schedules.settle import NotLeadingError
from tasks_platform.settings import Schedules
from tasks_platform.store import RedisStore
from tasks_platform.store.redis import connect
from tasks_platform.task.envelope import HEADER
from waiting import wait_for

LEADER = "tasks-platform:leading-beat"
QUEUE = "default\x06\x163"


@task(base=ReliableTask)
def clean_up(number: int = 1) -> None:
    """Do nothing: no worker runs here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def application(server):
    with create_app(Settings(redis_url=server.url, business=False)) as app:
        yield app
        app.redbeat_redis.close()
        app.store.client.close()
        close(app)


@pytest.fixture
def app(application, client, monkeypatch):
    """Return an application whose server holds nothing yet; a test may change its settings."""
    monkeypatch.setattr(application, "settings", application.settings)
    return application


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch):
    monkeypatch.setattr(table, "_declared", {})
    monkeypatch.setattr(table, "_begun", set())


@pytest.fixture
def start(app):
    """Start beats, which end with the test."""
    started = []

    def start_one():
        beat = PlatformScheduler(app)
        started.append(beat)
        return beat

    yield start_one
    for beat in started:
        beat.close()


def declare(name="clean-up", when=None, **options):
    schedule(name, when or every(days=1000), **options).runs(clean_up)
    return declared_entries()[0][name]


def tick_until(beat, condition):
    """Let a beat look at the schedule until something is so."""

    def ticked():
        beat.tick()
        return condition()

    return wait_for(ticked, 20)


def leading(beat):
    """Let a beat lead, and bring the table up to date."""
    tick_until(beat, lambda: beat._installed_in == beat._leadership.term > 0)
    return beat


def came_due(app, entry, number):
    """Let the last *number* moments of an entry be overdue; return them."""
    step = entry.when.interval
    last = next(entry.when.after(datetime.now(UTC) - step))
    Row.from_key(Row.generate_key(app, entry.name), app=app).reschedule(last - number * step)
    return [last - back * step for back in reversed(range(number))]


def waiting(client):
    """Return the headers of the jobs that wait, the first first."""
    return [json.loads(message)["headers"] for message in reversed(client.lrange(QUEUE, 0, -1))]


def states(app, name="clean-up"):
    return {record["moment"]: record["state"] for record in app.store.firings(name, 1000)}


class TestFiring:
    @pytest.mark.checklist(50)
    def test_every_moment_is_one_job_of_its_own_id_that_names_the_entry(self, app, start, client):
        entry = declare(when=every(seconds=1))
        beat = leading(start())
        tick_until(beat, lambda: len(waiting(client)) == 3)
        sent = waiting(client)

        moments = [datetime.fromisoformat(headers[HEADER]["moment"]) for headers in sent]
        assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(seconds=1)}
        assert [headers["id"] for headers in sent] == [entry.job_id(moment) for moment in moments]
        assert {headers[HEADER]["schedule"] for headers in sent} == {"clean-up"}
        assert [record["job_id"] for record in app.store.firings("clean-up", 3)] == [h["id"] for h in reversed(sent)]

    def test_queue_priority_and_tenant_are_those_of_the_entry(self, app, start, client):
        entry = declare(when=every(hours=1), queue="nightly", priority="low", tenant="acme")
        beat = leading(start())
        came_due(app, entry, 1)
        key = f"nightly\x06\x16{broker_priority(Priority.LOW)}"
        tick_until(beat, lambda: client.llen(key) == 1)

        assert json.loads(client.lindex(key, 0))["headers"][HEADER]["tenant"] == "acme"

    def test_a_new_entry_waits_for_its_first_moment(self, app, start, client):
        declare(when=every(days=1000))
        leading(start()).tick()

        assert (waiting(client), states(app)) == ([], {})

    def test_one_that_is_triggered_is_sent_now_and_recorded(self, app, start, client):
        entry = declare()
        fired = trigger(app, entry)

        assert [headers["id"] for headers in waiting(client)] == [fired["job_id"]]
        assert app.store.firings("clean-up") == [fired]


class TestMisfire:
    @pytest.mark.parametrize(
        ("options", "fired"),
        [
            ({}, 1),
            ({"misfire": "skip", "grace": 0}, 0),
            ({"misfire": "skip", "grace": timedelta(days=2000)}, 1),
            ({"misfire": "all"}, 4),
            ({"misfire": "all", "at_most": 2}, 2),
        ],
    )
    def test_what_came_due_meanwhile_is_fired_or_missed_by_the_rule(self, app, start, client, options, fired):
        entry = declare(**options)
        beat = leading(start())
        overdue = came_due(app, entry, 4)
        tick_until(beat, lambda: len(states(app)) == 4)
        beat.tick()

        assert [datetime.fromisoformat(h[HEADER]["moment"]) for h in waiting(client)] == overdue[4 - fired :]
        assert Counter(states(app).values()) == Counter({"fired": fired, "missed": 4 - fired})

    def test_it_is_said_why_a_moment_was_missed(self, app, start):
        entry = declare()
        beat = leading(start())
        came_due(app, entry, 2)
        tick_until(beat, lambda: len(states(app)) == 2)

        assert [record.get("reason") for record in app.store.firings("clean-up")] == [None, "no beat led then"]

    def test_more_moments_than_are_decided_on_at_a_time_are_all_counted(self, app, start):
        entry = declare(when=every(hours=1))
        beat = leading(start())
        number = 2 * LONGEST + 10
        came_due(app, entry, number)
        tick_until(beat, lambda: app.store.count_firings("clean-up").get("fired"))

        assert app.store.count_firings("clean-up") == {"fired": 1, "missed": number - 1}


class TestDeaths:
    """A beat dies between two of its steps, and the next one goes on."""

    @pytest.fixture
    def entry(self, app, start):
        entry = declare()
        leading(start()).close()
        return entry

    @pytest.fixture
    def claimed(self, app, entry):
        """Let a moment, and two that follow it, be overdue; a beat died when it had claimed the first."""
        overdue = came_due(app, entry, 3)
        app.store.lead("dead", 10)
        app.store.claim_firing(entry.name, firing(overdue[0], "sending"), "dead")
        app.store.abdicate("dead")
        return overdue

    def settled(self, app, start):
        tick_until(leading(start()), lambda: len(states(app)) == 3 and "sending" not in states(app).values())
        assert [record["state"] for record in app.store.firings("clean-up")] == ["fired", "missed", "fired"]

    def test_a_moment_that_was_claimed_and_not_sent_is_sent(self, app, start, client, entry, claimed):
        self.settled(app, start)

        assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[0]), entry.job_id(claimed[2])]

    def test_a_moment_whose_sending_had_begun_is_sent_at_once(self, app, start, client, entry, claimed):
        job_id = entry.job_id(claimed[0])
        app.store.reserve(job_id, job_id, 1000)
        self.settled(app, start)

        assert [h["id"] for h in waiting(client)] == [job_id, entry.job_id(claimed[2])]

    def test_a_moment_that_was_sent_and_not_recorded_is_one_job(self, app, start, client, entry, claimed):
        send(app, entry, claimed[0], entry.job_id(claimed[0]))
        self.settled(app, start)

        assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[0]), entry.job_id(claimed[2])]

    def test_a_moment_that_was_recorded_while_the_entry_had_not_gone_on_is_not_sent_again(
        self, app, start, client, entry, claimed
    ):
        app.store.record_firings(entry.name, [firing(claimed[0], "fired", job_id="x")], 100)
        self.settled(app, start)

        assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[2])]


class TestLeading:
    @pytest.mark.checklist(54)
    def test_one_beat_fires_and_another_takes_over_at_once_when_it_ends(self, app, start, client):
        entry = declare()
        first, second = leading(start()), start()
        second.tick()
        wait_for(lambda: len(beats(app.store)) == 2)
        assert [beat.leads for beat in beats(app.store)] == [True, False]
        came_due(app, entry, 1)
        assert second.tick() > 0
        assert states(app) == {}
        first.close()
        tick_until(second, lambda: "fired" in states(app).values())

        assert [beat.leads for beat in beats(app.store)] == [True]
        assert len(waiting(client)) == 1

    def test_a_lock_that_was_lost_is_taken_again(self, app, start):
        beat = leading(start())
        app.store.client.delete(LEADER)
        wait_for(lambda: app.store.client.get(LEADER) == beat._leadership.identity.key)

        assert beat._leadership.held

    def test_a_beat_that_does_not_know_yet_that_another_one_leads_fires_nothing(self, app, start, client):
        entry = declare()
        frozen = leading(start())
        frozen._leadership._ending.set()
        frozen._leadership._thread.join()
        came_due(app, entry, 1)
        app.store.abdicate(frozen._leadership.identity.key)
        app.store.lead("another", 1000)

        assert frozen._leadership.held
        with pytest.raises(NotLeadingError):
            frozen._settle(Row.from_key(Row.generate_key(app, "clean-up"), app=app))
        frozen.tick()
        assert not frozen._leadership.held
        assert (waiting(client), states(app)) == ([], {})

    def test_a_beat_whose_server_does_not_answer_stops_leading_when_its_lease_is_over(self, tmp_path):
        with running_redis(tmp_path) as server:
            store = RedisStore(server.url)
            store.client = connect(server.url, patience=0)
            leadership = Leadership(store, Identity(), 1.0)
            leadership.ask()
            assert leadership.held
        leadership.start()

        wait_for(lambda: not leadership.held, 5)
        leadership.end()


class TestTrouble:
    def test_a_moment_that_the_broker_does_not_take_is_tried_again(self, app, start, client):
        entry = declare()
        beat = leading(start())
        client.set(QUEUE, "no list")
        (moment,) = came_due(app, entry, 1)
        for _ in range(3):
            assert beat.tick() > 0
        assert list(states(app).values()) == ["sending"]
        client.delete(QUEUE)
        tick_until(beat, lambda: "fired" in states(app).values())

        assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]

    def test_an_entry_that_cannot_be_sent_does_not_hold_up_the_others(self, app, start, client):
        stuck, other = declare("a", queue="stuck"), declare("b")
        beat = leading(start())
        client.set("stuck\x06\x163", "no list")
        came_due(app, stuck, 1)
        came_due(app, other, 1)
        tick_until(beat, lambda: "fired" in states(app, "b").values())

        assert list(states(app, "a").values()) == ["sending"]

    def test_a_job_that_is_refused_for_good_is_recorded_and_the_entry_goes_on(self, app, start, client):
        entry = declare()
        beat = leading(start())
        row = Row.of(replace(entry, args=["no number"]), app, datetime.now(UTC)).save()
        came_due(app, entry, 1)
        tick_until(beat, lambda: states(app))

        (record,) = app.store.firings("clean-up")
        assert (record["state"], record["reason"].partition(":")[0]) == ("refused", "PayloadError")
        assert Row.from_key(row.key, app=app).due_at > datetime.now(UTC)
        assert waiting(client) == []

    def test_a_table_that_comes_back_empty_is_written_again_and_goes_on(self, app, start, client):
        entry = declare()
        beat = leading(start())
        came_due(app, entry, 1)
        tick_until(beat, lambda: "fired" in states(app).values())
        client.flushall()
        tick_until(beat, lambda: client.exists(Row.generate_key(app, "clean-up")))

        assert Row.from_key(Row.generate_key(app, "clean-up"), app=app).due_at > datetime.now(UTC)
        beat.tick()
        assert waiting(client) == []

    def test_a_row_that_is_lost_alone_is_written_again(self, app, start, client):
        entry = declare()
        beat = leading(start())
        came_due(app, entry, 1)
        client.delete(Row.generate_key(app, "clean-up"))
        tick_until(beat, lambda: client.exists(Row.generate_key(app, "clean-up")))

        assert Row.from_key(Row.generate_key(app, "clean-up"), app=app).entry == entry

    def test_a_row_of_another_version_is_replaced(self, app, start, client):
        entry = declare()
        leading(start()).close()
        key = Row.generate_key(app, "clean-up")
        client.hset(key, "definition", json.dumps({**json.loads(client.hget(key, "definition")), "schedule": {}}))
        leading(start())

        assert Row.from_key(key, app=app).entry == entry


class TestDeploys:
    @pytest.mark.checklist(52)
    def test_an_entry_that_is_declared_no_more_is_gone_with_the_next_beat(self, app, start, client):
        gone = declare("gone")
        declare("stays")
        leading(start()).close()
        came_due(app, gone, 1)
        del table._declared["gone"]
        leading(start()).tick()

        assert [key.decode().rpartition(":")[2] for key in client.zrange(app.redbeat_conf.schedule_key, 0, -1)] == [
            "stays"
        ]
        assert waiting(client) == []

    def test_an_entry_that_is_switched_off_is_not_fired(self, app, start, client):
        entry = declare()
        declare("other")
        leading(start()).close()
        came_due(app, entry, 1)
        app.settings = app.settings.model_copy(update={"schedules": Schedules(off="clean-up")})
        leading(start()).tick()

        assert waiting(client) == []

    def test_an_entry_that_stays_goes_on_where_it_was(self, app, start, client):
        entry = declare()
        leading(start()).close()
        (moment,) = came_due(app, entry, 1)
        tick_until(leading(start()), lambda: states(app))

        assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]

    def test_new_times_begin_now_and_what_had_come_due_before_is_settled(self, app, start, client):
        entry = declare()
        leading(start()).close()
        (moment,) = came_due(app, entry, 1)
        table._declared.clear()
        declare(when=every(days=999))
        beat = leading(start())
        beat.tick()

        assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]
        assert Row.from_key(Row.generate_key(app, "clean-up"), app=app).due_at > datetime.now(UTC)
