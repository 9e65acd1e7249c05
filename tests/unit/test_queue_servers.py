from __future__ import annotations

import pytest

from tasks_platform.celery.configuration import leased
from tasks_platform.errors import SettingsError
from tasks_platform.servers import BROKER, Servers, name_of
from tasks_platform.settings import Settings, load_settings

ONE, TWO = "leased+redis://:s3same@one:6379/0", "leased+redis://two:6379/0"
SERVERS = Servers(addresses={"bulk": ONE, "images": TWO, "mail": ONE})


@pytest.mark.parametrize(
    "text",
    [
        "bulk=redis://one:6379/0,images=unix:///run/redis.sock?db=1",
        " bulk = redis://one:6379/0 , images = unix:///run/redis.sock?db=1 ,",
        '{"bulk": "redis://one:6379/0", "images": "unix:///run/redis.sock?db=1"}',
    ],
)
def test_addresses_are_given_by_queue(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TASKS_QUEUE_SERVERS", text)

    found = {queue: url.get_secret_value() for queue, url in load_settings().queue_servers.items()}
    assert found == {"bulk": "redis://one:6379/0", "images": "unix:///run/redis.sock?db=1"}


def test_an_address_may_have_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKS_QUEUE_SERVERS", "a=redis://u:p,w@one/0?x=1,b=redis://two/0")

    found = {queue: url.get_secret_value() for queue, url in load_settings().queue_servers.items()}
    assert found == {"a": "redis://u:p,w@one/0?x=1", "b": "redis://two/0"}


def test_an_address_may_be_that_of_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "sentinel://a;sentinel://b/0?master_name=m"
    monkeypatch.setenv("TASKS_QUEUE_SERVERS", f"bulk={address},images=redis://two/0")

    found = load_settings().queue_servers["bulk"].get_secret_value()
    assert found == address
    assert name_of(leased(found)) == "sentinel://a or sentinel://b/0"


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"TASKS_QUEUE_SERVERS": "bulk"}, "of the queue 'bulk': give the address of a Redis server, as in bulk=redis:"),
        ({"TASKS_QUEUE_SERVERS": "bulk=amqp://:s3same@rabbit"}, "of the queue 'bulk': give the address of a Redis"),
        ({"TASKS_QUEUE_SERVERS": '{"bulk": '}, "it looks like JSON and is none"),
        (
            {"TASKS_QUEUE_SERVERS": "bulk=redis://one", "TASKS_BROKER_URL": "amqp://rabbit"},
            "only beside the platform's own broker on Redis; TASKS_BROKER_URL names another one",
        ),
        (
            {"TASKS_QUEUE_SERVERS": "bulk=redis://one", "TASKS_BROKER_URL": "redis://two"},
            "only beside the platform's own broker on Redis; TASKS_BROKER_URL names another one",
        ),
    ],
)
def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"TASKS_QUEUE_SERVERS: Value error, {problem}")
    assert "s3same" not in str(refused.value)


def test_passwords_of_servers_are_not_shown() -> None:
    settings = Settings(queue_servers=f"bulk={ONE}")

    assert "s3same" not in repr(settings) + settings.model_dump_json()
    assert name_of(ONE) == "redis://one:6379/0"
    sentinels = "leased+sentinel://:s3same@one:26379;two;three/0?master_name=jobs&sentinel_password=s3same"
    assert name_of(sentinels) == "sentinel://one:26379 or two or three/0"
    assert name_of(f"{ONE};{TWO}") == "redis://one:6379/0 or redis://two:6379/0"


@pytest.mark.parametrize(
    ("queues", "address"),
    [([], BROKER), (["email"], BROKER), (["bulk", "mail"], ONE), (["images"], TWO), (["email", "default"], BROKER)],
)
def test_a_worker_works_for_the_server_of_its_queues(queues: list[str], address: str) -> None:
    assert SERVERS.of_worker(queues) == address


def test_a_worker_of_queues_that_lie_apart_is_refused_with_the_workers_to_start() -> None:
    with pytest.raises(SettingsError) as refused:
        SERVERS.of_worker(["bulk", "email", "images", "mail"])
    assert str(refused.value).splitlines()[1:] == [
        "  celery -A tasks_platform worker -Q bulk,mail    # redis://one:6379/0",
        "  celery -A tasks_platform worker -Q email    # the broker",
        "  celery -A tasks_platform worker -Q images    # redis://two:6379/0",
    ]
