"""Which acceptance tests a broker cannot hold, or is not meant to, and why: the one place that says it."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = "shows what plain Celery on Redis does; it says nothing of RabbitMQ"

#: Reasons by a part of the test's name.
LEFT_OUT: Final[dict[str, dict[str, str]]] = {
    "valkey": {},
    "redis": {},
    "rabbitmq": {
        "_plain_celery_": _PLAIN,
        "test_a_task_has_a_level_of_its_own_and_a_plain_producer_may_name_one": (
            "the number of a plain producer's message names no level: what it sends to the queue is NORMAL"
        ),
        "test_a_retry_waits_for_a_queue_that_holds_something_else": "a queue of RabbitMQ cannot hold something else",
        "test_a_server_that_refuses_in_the_middle_is_told_of_exactly": "fills Redis up as the broker",
        "test_a_word_says_how_soon_a_job_matters": "reads what waits, due or not, in the lists of Redis",
        "test_moving.py": "moves the tasks of an application that stays on Redis, its broker",
        "test_a_rest_in_doubt_takes_no_keys_for_jobs_that_have_ended": "loses a group; RabbitMQ takes none",
        "test_what_a_lost_worker_held_comes_back_to_its_own_level_whoever_gives_it_back": (
            "on Redis another worker gives back what a lost one held; RabbitMQ does so itself, each to its own queue"
        ),
        "test_local_platform.py": "runs a machine of its own with the embedded server, which is its broker, too",
        "test_own_month.py": "runs a machine of its own with the embedded server; test_invoicing_month.py runs here",
        "test_broker_migration.py": "is about the platform's own broker on Redis",
        "test_deaths": "is about the deaths that the platform's own broker on Redis counts",
        "test_leased_broker.py": "is about the platform's own broker on Redis",
        "test_leased_plain.py": "is about the platform's own broker on Redis",
        "test_looking_ahead.py": "is about the platform's own broker on Redis",
        "test_remote_control.py": "steers a worker of the platform's own broker on Redis",
        "test_rights.py": "asks for rights in Redis as the broker",
        "test_sentinel.py": "replaces the master of Redis as the broker",
        "test_under_fire.py": "kills Redis as the broker, and what runs on it",
        "test_lost_connections.py": "cuts and kills Redis as the broker; test_rabbitmq.py cuts RabbitMQ",
    },
}


def reason_for(broker: str, test: str) -> str | None:
    """Tell why *test* is not run on *broker*; None if it is."""
    return next((reason for part, reason in LEFT_OUT[broker].items() if part in test), None)
