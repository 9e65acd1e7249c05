from __future__ import annotations

from datetime import timedelta

import pytest

from tasks_platform.broker.taken_steps import TakenSteps
from tasks_platform.cli.worker import arguments
from tasks_platform.errors import SettingsError
from tasks_platform.queues import PRIORITY_STEPS, Priority, Share, lists_taken
from tasks_platform.settings import Settings, WorkerClass, load_settings


def classes(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(f"TASKS_WORKERS{name}", value)
    return load_settings().workers


@pytest.mark.checklist(40)
def test_there_are_three_classes_unless_somebody_says_otherwise():
    workers = Settings().workers

    assert {name: chosen.concurrency for name, chosen in workers.items()} == {"critical": 10, "normal": 5, "low": 2}
    assert [level for chosen in workers.values() for level in chosen.priorities] == list(Priority)


@pytest.mark.checklist(40, 60)
def test_one_variable_changes_one_class(monkeypatch):
    workers = classes(monkeypatch, __CRITICAL__CONCURRENCY="20", __EMAIL__QUEUES="email, sms", __EMAIL__CONCURRENCY="4")

    assert workers["critical"] == WorkerClass(priorities=("critical", "high"), concurrency=20)
    assert workers["email"] == WorkerClass(queues=("email", "sms"), concurrency=4)
    assert workers["low"].concurrency == 2


def test_json_says_all_of_it_at_once(monkeypatch):
    workers = classes(monkeypatch, **{"": '{"low": null, "rest": {"priorities": ["low", "bulk"], "concurrency": 1}}'})

    assert list(workers) == ["critical", "normal", "rest"]
    assert workers["rest"].priorities == (Priority.LOW, Priority.BULK)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"__EMAIL__QUEUES": "email"}, "TASKS_WORKERS__EMAIL__CONCURRENCY: Field required"),
        ({"__LOW__CONCURRENCY": "0"}, "TASKS_WORKERS__LOW__CONCURRENCY"),
        ({"__LOW__PRIORITIES": "lowest"}, "TASKS_WORKERS__LOW__PRIORITIES"),
        ({"__LOW__POOL": "solo"}, "TASKS_WORKERS__LOW__POOL"),
        ({"": '{"No such name": {"concurrency": 1}}'}, "TASKS_WORKERS"),
    ],
)
def test_a_class_that_cannot_work_is_refused_by_the_name_of_its_variable(monkeypatch, variables, problem):
    with pytest.raises(SettingsError, match=problem):
        classes(monkeypatch, **variables)


def test_a_class_is_told_to_celery_by_its_own_options():
    limit = timedelta(minutes=5)
    chosen = WorkerClass(priorities=("high", "low"), queues=("email",), concurrency=3, time_limit=limit)

    said = "--hostname mail@%h --concurrency 3 --time-limit 300.0 --queues email --levels high,low"
    assert arguments("mail", chosen) == said.split()
    assert arguments("all", WorkerClass(concurrency=1)) == ["--hostname", "all@%h", "--concurrency", "1"]


def test_a_channel_takes_some_steps_and_finds_the_list_of_every_message():
    steps = TakenSteps(PRIORITY_STEPS, [6, 9])

    assert list(steps) == [6, 9]
    assert [steps[place] for place in range(len(steps))] == list(PRIORITY_STEPS)


@pytest.mark.checklist(40)
def test_lists_that_nobody_takes_are_told():
    shares = {
        "critical@a": Share(levels=frozenset({Priority.CRITICAL, Priority.HIGH})),
        "mail@b": Share(queues=frozenset({"email"})),
    }

    taken = lists_taken(["default", "email"], shares)

    assert taken["email", Priority.CRITICAL] == ("critical@a", "mail@b")
    assert taken["email", Priority.BULK] == ("mail@b",)
    assert taken["default", Priority.HIGH] == ("critical@a",)
    unserved = [place for place, names in taken.items() if not names]
    assert unserved == [("default", level) for level in (Priority.NORMAL, Priority.LOW, Priority.BULK)]
