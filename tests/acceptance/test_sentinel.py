"""The master is replaced under load: by its death, and by order. Everybody goes on, and what was copied is run."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

from command_line import call
from sentinel_servers import running_sentinels
from switching.ledger import KINDS, WORKERS, read
from switching.trial import Scene, tally

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds in which everybody is to be at work again after the sentinels have named another master.
SOON = 10.0
#: Jobs a second that the producer sends, about: more cannot be lost, or be run twice, in a second or two.
A_FEW = 300
COMMANDS = (
    ("broker", "show"),
    ("queues", "list"),
    ("health", "--only", "waiting"),
    ("letters", "list"),
    ("check",),
)


def test_a_switch_of_the_master_is_survived_by_everybody_and_loses_only_what_was_not_copied(logs: Path) -> None:
    with ExitStack() as stack:
        servers = stack.enter_context(running_sentinels(logs))
        scene = Scene(folder=logs, servers=servers, environment={"TASKS_LEASE": "5"})
        variables = {"TASKS_REDIS_URL": servers.url, "TASKS_MODULES": "switching.tasks", "TASKS_BUSINESS": "false"}
        with scene.on():
            switches = [scene.strike(how) for how in ("failover", "kill")]
            shown = [call(*words, **variables) for words in COMMANDS]
            served = call("health", "--only", "workers", **variables)  # it asks them
            assert not scene.dead
        lines = read(scene.ledger)
    assert [it.output for it in shown if it.exit_code] == []
    assert not set(WORKERS).intersection(re.findall(r"\w+", served.output)), "queues without a worker"
    after = {(it.how, kind): seconds - it.named for it in switches for kind, seconds in it.seconds.items()}
    assert {switch: seconds for switch, seconds in after.items() if seconds > SOON} == {}
    assert all(switch.seconds.keys() == set(KINDS) for switch in switches)
    counted = tally(lines, switches, servers.switched())
    assert counted.told > A_FEW
    assert sum(counted.lost.values()) < A_FEW
    assert not counted.unexplained
