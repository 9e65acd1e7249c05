"""Whatever is done to a leased broker, in whatever order: every message is in one place, and in the right one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from kombu import Connection

from property_tests import settings
from redis_server import running_redis, server_binary
from tasks_platform.broker.leased import in_place_of, payload
from tasks_platform.broker.leased.asking import CLAIM, Asked
from tasks_platform.broker.leased.control import Finder, Found
from tasks_platform.broker.leased.control.sweeping import Sweeper
from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.held import Claim
from tasks_platform.broker.leased.lease import Lease
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.reaper import recover

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longer than the test: a lease ends when a rule says so.
LEASE = 1000.0
LIMIT = 2
#: How often a message comes back uncounted from workers that had not begun with it.
UNBEGUN_LIMIT = 5
STEPS = (0, 3, 9)
QUEUES = ("a", "b")
#: Stands for a message that its job has put elsewhere by itself, until the worker acknowledges it.
MARK = "(moved)"

queues = st.sampled_from(QUEUES)
steps = st.sampled_from(STEPS)
names = Names()


class Where(NamedTuple):
    """Where one message is."""

    state: str
    queue: str
    step: int


class Model:
    """Where every message is: by its number."""

    def __init__(self) -> None:
        self.ready: dict[tuple[str, int], list[str]] = {(queue, step): [] for queue in QUEUES for step in STEPS}
        #: Not due: message and step, in the order in which they were put there; and which of them are due by now.
        self.delayed: dict[str, list[tuple[str, int]]] = {queue: [] for queue in QUEUES}
        self.fallen: set[str] = set()
        #: What workers have: number of the claim -> message, queue, step.
        self.claimed: dict[str, dict[int, tuple[str, str, int]]] = {}
        #: Those of them that nobody has begun with: worker, number of the claim.
        self.ahead: set[tuple[str, int]] = set()
        self.graveyard: list[str] = []
        #: Jobs that were cancelled while a worker had them.
        self.cancelled: set[str] = set()
        self.deaths: dict[str, int] = {}
        #: How often a message came back from a dead worker that had not begun with it.
        self.unbegun: dict[str, int] = {}

    def places(self) -> dict[str, Where]:
        """Return where every message is that has one place."""
        found = {
            message: Where("ready", queue, step)
            for (queue, step), messages in self.ready.items()
            for message in messages
        }
        found |= {
            message: Where("delayed", queue, step)
            for queue, messages in self.delayed.items()
            for message, step in messages
        }
        return found | {
            message: Where("claimed", queue, step)
            for claims in self.claimed.values()
            for message, queue, step in claims.values()
            if message != MARK
        }

    def remove(self, name: str) -> None:
        for messages in self.ready.values():
            if name in messages:
                messages.remove(name)
        for queue, later in self.delayed.items():
            self.delayed[queue] = [it for it in later if it[0] != name]

    def promote(self, asked: tuple[str, ...]) -> None:
        for queue in asked:
            for message, step in self.delayed[queue]:
                if message in self.fallen:
                    self.ready[queue, step].append(message)
            self.delayed[queue] = [(it, step) for it, step in self.delayed[queue] if it not in self.fallen]

    def claim(
        self, worker: str, asked: tuple[str, ...], taken: tuple[int, ...], numbers: range, free: int
    ) -> list[str]:
        self.promote(asked)
        got: list[str] = []
        for step in taken:
            for queue in asked:
                while len(got) < len(numbers) and self.ready[queue, step]:
                    message = self.ready[queue, step].pop(0)
                    number = numbers[len(got)]
                    self.claimed[worker][number] = (message, queue, step)
                    if len(got) >= free:
                        self.ahead.add((worker, number))
                    got.append(message)
        return got

    def recover(self, worker: str) -> None:
        for number in sorted(self.claimed[worker], reverse=True):
            message, queue, step = self.claimed[worker].pop(number)
            begun = (worker, number) not in self.ahead
            if message == MARK:
                continue
            if not begun and self.unbegun.get(message, 0) < UNBEGUN_LIMIT:
                self.unbegun[message] = self.unbegun.get(message, 0) + 1
            else:
                self.deaths[message] = self.deaths.get(message, 0) + 1
            if self.deaths.get(message, 0) >= LIMIT:
                self.graveyard.append(message)
                self.cancelled.discard(message)
            else:
                self.ready[queue, step].insert(0, message)


class LeasedBroker(RuleBasedStateMachine):
    """A broker and its model: do everything to both."""

    server: redis.Redis
    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.server.flushall()
        self.model = Model()
        self.channel: Any = self.connection.default_channel
        self.leases: dict[str, Lease] = {}
        self.messages = map(str, count())
        for _ in range(2):
            self.start_worker()

    def teardown(self) -> None:
        for lease in self.leases.values():
            lease.end()

    # -- rules

    @rule(queue=queues, step=steps)
    def publish(self, queue: str, step: int) -> None:
        message = next(self.messages)
        self.channel._put(queue, _message(message, queue, step))
        self.model.ready[queue, step].append(message)

    @rule(queue=queues, step=steps)
    def publish_for_later(self, queue: str, step: int) -> None:
        message = next(self.messages)
        self.channel._put(queue, _message(message, queue, step, later=True))
        self.model.delayed[queue].append((message, step))

    @rule(queue=queues, many=st.integers(1, 3))
    def fall_due(self, queue: str, many: int) -> None:
        members: Any = self.server.zrange(names.delayed(queue), 0, -1)
        for member in sorted(members)[:many]:
            name = _name(member.split(b"|", 2)[2])
            self.server.zadd(names.delayed(queue), {member: 1})
            self.server.hset(names.index(queue), name, f"due|1|{member[:20].decode()}")
            self.model.fallen.add(name)

    @rule(
        which=st.integers(0, 5),
        free=st.integers(0, 3),
        ahead=st.integers(0, 3),
        asked=st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]),
        taken=st.sampled_from([STEPS, (3, 9), (0,)]),
    )
    def claim(self, which: int, free: int, ahead: int, asked: tuple[str, ...], taken: tuple[int, ...]) -> None:
        worker = self.worker(which)
        lease = self.leases[worker]
        numbers = lease.held.number(free + ahead)
        sent = Asked(
            lease=lease,
            numbers=numbers,
            ahead_from=numbers.start + free,
            queues=list(asked),
            no_ack=(),
            all_steps=STEPS,
            steps=taken,
            nap_ms=5000,
        )
        found: Any = lease.scripts.client.register_script(CLAIM)(keys=sent.keys, args=sent.arguments)
        got = []
        for place, step, number, told in zip(found[2::4], found[3::4], found[4::4], found[5::4], strict=True):
            queue = asked[place - 1]
            mark, raw = payload.unmarked(told)
            assert (mark is not None) == (_name(raw) in self.model.cancelled)
            lease.held.add(str(number), Claim(number, queue, names.ready(queue, int(step)).encode(), raw, _name(raw)))
            got.append(_name(raw))
        lease.held.came(numbers)
        assert got == self.model.claim(worker, asked, taken, numbers, free)

    @rule(which=st.integers(0, 5), one=st.integers(0, 9))
    def begin(self, which: int, one: int) -> None:
        worker, tag = self.some_claim(which, one)
        if tag is not None:
            self.leases[worker].scripts.begin([int(tag)])
            self.model.ahead.discard((worker, int(tag)))

    @rule(which=st.integers(0, 5), one=st.integers(0, 9))
    def acknowledge(self, which: int, one: int) -> None:
        worker, tag = self.some_claim(which, one)
        if tag is not None:
            self.leases[worker].settle(tag, later=False)
            message, _, _ = self.model.claimed[worker].pop(int(tag), (MARK, "", 0))
            self.model.cancelled.discard(message)

    @rule(which=st.integers(0, 5), one=st.integers(0, 9), where=st.sampled_from(["head", "tail"]))
    def give_back(self, which: int, one: int, where: Any) -> None:
        worker, tag = self.some_claim(which, one)
        if tag is None:
            return
        self.leases[worker].give_back([tag], where)
        message, queue, step = self.model.claimed[worker].pop(int(tag), (MARK, "", 0))
        if message != MARK:
            self.model.ready[queue, step].insert(0 if where == "head" else len(self.model.ready[queue, step]), message)

    @rule(which=st.integers(0, 5), one=st.integers(0, 9))
    def refuse(self, which: int, one: int) -> None:
        worker, tag = self.some_claim(which, one)
        if tag is None:
            return
        self.leases[worker].bury(tag, "rejected", "refused")
        message, _, _ = self.model.claimed[worker].pop(int(tag), (MARK, "", 0))
        if message != MARK:
            self.model.graveyard.append(message)
            self.model.cancelled.discard(message)

    @rule(which=st.integers(0, 5), one=st.integers(0, 9), step=steps, later=st.booleans(), twice=st.booleans())
    def put_back_changed(self, which: int, one: int, step: int, later: bool, twice: bool) -> None:  # noqa: FBT001
        """Do what a retry does; *twice* if its answer was lost."""
        worker, tag = self.some_claim(which, one)
        if tag is None:
            return
        claim = self.model.claimed[worker].get(int(tag))
        name, queue = (claim[0], claim[1]) if claim is not None else ("lost", "a")
        with in_place_of(f"{tag}@{worker}", name):
            for _ in range(1 + twice):
                self.channel._put(queue, _message(name, queue, step, later=later))
        if claim is None or claim[0] == MARK:
            return
        self.model.claimed[worker][int(tag)] = (MARK, claim[1], 0)
        self.model.deaths.pop(claim[0], None)
        self.model.unbegun.pop(claim[0], None)
        self.model.fallen.discard(claim[0])
        if later:
            self.model.delayed[claim[1]].append((claim[0], step))
        else:
            self.model.ready[claim[1], step].append(claim[0])

    @rule(which=st.integers(0, 5), dies=st.booleans())
    def lose_the_lease(self, which: int, dies: bool) -> None:  # noqa: FBT001
        """Let a worker die, or stand still for too long: another one recovers what it had, a second one tries to."""
        worker = self.worker(which)
        if self.server.zscore(names.workers, worker) is not None:
            self.server.zadd(names.workers, {worker: 1})
        rescuers = [lease for name, lease in self.leases.items() if name != worker]
        for lease in rescuers[:2]:
            recover(lease.scripts, worker, LIMIT)
        self.model.recover(worker)
        if dies:
            del self.leases[worker]
            self.start_worker()

    @rule(which=st.integers(0, 5))
    def is_taken_for_dead_and_is_not(self, which: int) -> None:
        worker = self.worker(which)
        rescuer = next(lease for name, lease in self.leases.items() if name != worker)
        if self.server.exists(names.claimed(worker)):
            assert recover(rescuer.scripts, worker, LIMIT) == 0

    @rule(which=st.integers(0, 5))
    def end(self, which: int) -> None:
        """Let a worker end as it should: everything goes back, the oldest first."""
        worker = self.worker(which)
        self.leases.pop(worker).end()
        for number in sorted(self.model.claimed[worker], reverse=True):
            message, queue, step = self.model.claimed[worker].pop(number)
            if message != MARK:
                self.model.ready[queue, step].insert(0, message)
        self.start_worker()

    @precondition(lambda self: self.server.llen(names.graveyard) > 3)
    @rule(queue=queues)
    def purge(self, queue: str) -> None:
        waiting = sum(len(it) for (one, _), it in self.model.ready.items() if one == queue)
        assert self.channel._purge(queue) == waiting + len(self.model.delayed[queue])
        self.model.delayed[queue] = []
        for step in STEPS:
            self.model.ready[queue, step] = []

    @rule(one=st.integers(0, 99), known=st.booleans())
    def take_out(self, one: int, known: bool) -> None:  # noqa: FBT001
        """Take a message out by its id; *known* ones are in no worker's hands."""
        places = self.model.places()
        if not (messages := [name for name in places if not known or places[name].state != "claimed"]):
            return
        name = messages[one % len(messages)]
        found = Finder(self.channel, QUEUES).take(name)
        assert found is not None
        assert _place(found) == places[name]
        if found.state != "claimed":
            self.model.remove(name)
            self.model.cancelled.discard(name)

    @rule(one=st.integers(0, 99), killed=st.booleans())
    def cancel(self, one: int, killed: bool) -> None:  # noqa: FBT001
        """Cancel a job by its id; who does so may be *killed* before it has given back what the job held."""
        places = self.model.places()
        if not places:
            return
        name = list(places)[one % len(places)]
        finder = Finder(self.channel, QUEUES)
        found = finder.cancel(name, "by me")
        assert found is not None
        assert _place(found) == places[name]
        if found.state == "claimed":
            self.model.cancelled.add(name)
            return
        self.model.remove(name)
        self.model.cancelled.discard(name)
        if killed:
            self.model.graveyard.append(name)
        else:
            finder.settled(found, "by me")

    @rule(queue=queues, every=st.integers(1, 3), killed=st.booleans())
    def sweep(self, queue: str, every: int, killed: bool) -> None:  # noqa: FBT001
        """Cancel all that wait in a queue, or some of them; who does so may be *killed* before it has ended."""
        meant = {name for name, at in self.model.places().items() if at.queue == queue and at.state != "claimed"}
        meant = {name for name in meant if int(name) % every == 0}
        sweeper, finder = Sweeper(self.channel, queue), Finder(self.channel, QUEUES)
        for part in sweeper.parts():
            some = [found for found in part.found if _name(found.raw) in meant]
            for found in sweeper.cancel(part, some, "by me"):
                self.model.remove(_name(found.raw))
                self.model.cancelled.discard(_name(found.raw))
                meant.remove(_name(found.raw))
                if killed:
                    self.model.graveyard.append(_name(found.raw))
                else:
                    finder.settled(found, "by me")
        assert meant == set()

    @rule(one=st.integers(0, 99), queue=queues, step=steps, now=st.booleans())
    def put_elsewhere(self, one: int, queue: str, step: int, now: bool) -> None:  # noqa: FBT001
        """Change queue and priority of a message by its id, and let it run *now* or when it is due."""
        places = self.model.places()
        if not places:
            return
        name = list(places)[one % len(places)]
        # one that has fallen due says another moment itself
        later = places[name].state == "delayed" and not now and name not in self.model.fallen

        def how(message: dict[str, Any], _: Found) -> tuple[str, int]:
            message["properties"]["priority"] = step
            if not later:
                message["headers"]["eta"] = None
            return queue, step

        found = Finder(self.channel, QUEUES).change(name, how)
        assert found is not None
        assert _place(found) == places[name]
        if found.state == "claimed":
            return
        self.model.remove(name)
        self.model.fallen.discard(name)
        if later:
            self.model.delayed[queue].append((name, step))
        else:
            self.model.ready[queue, step].append(name)

    # -- what must hold

    @invariant()
    def every_message_is_found_by_its_id_and_nothing_else_is_remembered(self) -> None:
        places = self.model.places()
        finder = Finder(self.channel, QUEUES)
        found = {name: finder.find(name) for name in places}
        assert {name: it and _place(it) for name, it in found.items()} == places
        remembered = {name.decode() for queue in QUEUES for name in self.server.hkeys(names.index(queue))}  # type: ignore[union-attr]
        assert remembered <= {*places}
        marked = {name.decode() for name in self.server.hkeys(names.cancelled)}  # type: ignore[union-attr]
        assert marked & {*places} == self.model.cancelled & {*places}

    @invariant()
    def every_message_is_where_it_should_be(self) -> None:
        for (queue, step), expected in self.model.ready.items():
            stored: Any = self.server.lrange(names.ready(queue, step), 0, -1)
            there = [raw for raw in reversed(stored) if raw != b"\0"]
            assert [_name(raw) for raw in there] == expected, (queue, step)
            assert int(self.server.hget(names.gone, names.ready(queue, step)) or 0) == len(stored) - len(there)  # type: ignore[arg-type]
        for queue, later in self.model.delayed.items():
            members: Any = self.server.zrange(names.delayed(queue), 0, -1)
            assert [_name(it.split(b"|", 2)[2]) for it in sorted(members)] == [message for message, _ in later]
        for worker, claims in self.model.claimed.items():
            recorded: Any = self.server.hgetall(names.claimed(worker))
            found = {int(number): _recorded(value) for number, value in recorded.items()}
            assert found == {number: message for number, (message, _, _) in claims.items()}, worker
            unbegun = {number for one, number in self.model.ahead if one == worker and number in claims}
            ahead: Any = self.server.smembers(names.ahead(worker))
            assert {int(number) for number in ahead} == unbegun, worker
            assert (self.server.zscore(names.workers, worker) is not None) == bool(claims), worker
        buried: Any = self.server.lrange(names.graveyard, 0, -1)
        assert [_name(Buried.read(it).raw) for it in reversed(buried)] == self.model.graveyard

    # -- help

    def start_worker(self) -> None:
        kwargs = self.server.connection_pool.connection_kwargs
        lease = Lease(lambda: redis.Redis(port=kwargs["port"]), names, LEASE, LIMIT)
        self.leases[lease.worker] = lease
        self.model.claimed[lease.worker] = {}

    def worker(self, which: int) -> str:
        return list(self.leases)[which % len(self.leases)]

    def some_claim(self, which: int, one: int) -> tuple[str, str | None]:
        """Return a worker and one of its messages, which another worker may have by now."""
        worker = self.worker(which)
        tags = self.leases[worker].held.tags()
        return worker, tags[one % len(tags)] if tags else None


def _message(name: str, queue: str, step: int, *, later: bool = False) -> dict[str, Any]:
    eta = (datetime.now(UTC) + timedelta(days=1)).isoformat() if later else None
    info = {"exchange": "", "routing_key": queue}
    return {
        "body": "",
        "headers": {"id": name, "eta": eta},
        "properties": {"priority": step, "delivery_tag": name, "delivery_info": info},
    }


def _place(found: Found) -> Where:
    return Where(found.state, found.queue, found.step)


def _name(raw: bytes) -> str:
    return str(payload.read(raw)["headers"]["id"])


def _recorded(value: bytes) -> str:
    where, _, raw = value.partition(b"\0")
    return _name(raw) if where else MARK


@pytest.fixture(
    scope="module", params=["valkey", pytest.param("redis-server", marks=pytest.mark.needs("redis-server"))]
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    program = server_binary() if request.param == "valkey" else shutil.which(request.param)
    with running_redis(tmp_path_factory.mktemp("model"), program=program) as started:
        yield redis.Redis(port=started.port)


def test_every_message_is_in_one_place_whatever_is_done(server: redis.Redis) -> None:
    port = server.connection_pool.connection_kwargs["port"]
    with Connection(
        f"leased+redis://127.0.0.1:{port}/0", transport_options={"priority_steps": list(STEPS)}
    ) as connection:
        machine = type("OnServer", (LeasedBroker,), {"server": server, "connection": connection})
        run_state_machine_as_test(
            machine,
            settings=settings(max_examples=100, stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow]),
        )
