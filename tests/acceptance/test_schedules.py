"""Real beats, killed, and a server that is restarted."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from acceptance.beats import running_beat
from beat_trial import BeatTrial
from tasks_platform.schedules import beats
from tasks_platform.store import RedisStore
from waiting import wait_for


@pytest.fixture
def logs(tmp_path):
    """Show the logs of a trial when it fails."""
    return tmp_path


@pytest.mark.checklist(49, 54)
def test_every_moment_is_fired_once_or_recorded_as_missed_whatever_is_killed(logs):
    lease = 2
    with BeatTrial(logs, seconds=1, lease=lease) as trial:
        trial.wait_for_firing()
        for kill in (trial.kill_leader, trial.kill_leader, trial.restart_server, trial.kill_leader):
            kill()
            trial.wait_for_firing()
        account = trial.account()

    assert account.wrong == {}
    assert account.fired >= 5
    assert len(trial.failovers) == 3
    assert max(trial.left) <= lease


@pytest.mark.checklist(54)
def test_a_beat_that_is_told_to_end_lets_another_lead_at_once(server, logs):
    environment = {"TASKS_MODULES": "acceptance.scheduled", "TASKS_SCHEDULES__LEASE": "600"}
    store = RedisStore(server.url)
    with ExitStack() as stack:
        started = [stack.enter_context(running_beat(server.url, logs / "beat.log", environment)) for _ in range(3)]
        living = {beat.pid: beat for beat in started}
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            wait_for(lambda: {beat.pid for beat in beats(store)} == living.keys(), 60)
            leader = wait_for(lambda: next((beat.pid for beat in beats(store) if beat.leads), None), 30)
            living[leader].send_signal(number)

            assert living.pop(leader).wait(30) == 0
    assert beats(store) == []
    store.client.close()
