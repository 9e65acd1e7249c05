"""Sentinels that are asked for the master: by TLS, with passwords, some of them gone; servers that are no master."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
import redis
from flower.utils.broker import Broker
from kombu import Connection
from kombu.exceptions import OperationalError

from certificates import make_certificates
from readme_rights import rights_at_sentinels
from redis_server import RedisServer, free_port, running_redis, server_binary
from sentinel_servers import NAME, running_sentinel
from simple_queues import STEPS, put, take
from tasks_platform.broker.sentinel.master import Master
from tasks_platform.celery.configuration import leased
from tasks_platform.console.queues import knows_leases
from tasks_platform.servers import Servers
from tasks_platform.store.redis import connect as connect_to_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONCE: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
#: Seconds after which this sentinel takes a server for dead: none of these tests wants that.
NEVER = 600.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def sentinel(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Start a sentinel; return its port."""
    folder = tmp_path_factory.mktemp("sentinel")
    with running_sentinel(folder, server_binary(), server.port, down_after=NEVER) as port:
        yield port


def works(url: str) -> bool:
    """Put a message, take it and acknowledge it; read a record."""
    with Connection(leased(url), transport_options={"priority_steps": STEPS}) as connection:
        connection.ensure_connection(**ONCE)
        put(connection, "q", "x")
        message = take(connection, "q")
        message.ack()
    with connect_to_records(url, patience=0) as client:
        return bool(message.payload == "x" and client.ping())


@pytest.mark.needs("redis-server", "openssl")
def test_tls_and_passwords_are_told_in_the_address(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    files = {"ca-cert-file": made.ca, "cert-file": made.certificate, "key-file": made.key}
    port, own, program = free_port(), free_port(), "redis-server"
    options = ["--tls-port", str(port), "--tls-auth-clients", "no"]
    options += [part for name, file in files.items() for part in (f"--tls-{name}", str(file))]
    lines = [
        "tls-replication yes",
        f"tls-port {own}",
        "tls-auth-clients no",
        f"user watcher on >theirs {rights_at_sentinels()}",
    ]
    lines += [f"tls-{name} {file}" for name, file in files.items()]
    lines += ["user default off", f"sentinel auth-pass {NAME} masters"]
    with (
        running_redis(tmp_path, *options, program=program) as server,
        running_sentinel(tmp_path, program, port, *lines, down_after=NEVER),
    ):
        with redis.Redis(port=server.port) as client:
            client.config_set("requirepass", "masters")
        trusted = f"master_name={NAME}&ssl_ca_certs={made.ca}&ssl_check_hostname=false"
        url = f"sentinel://:masters@localhost:{own}/1?{trusted}&sentinel_username=watcher&sentinel_password=theirs"
        assert works(url)
        for wrong, said in (
            (url.replace("=theirs", "=wrong"), "no sentinel knows a master .*invalid username-password pair"),
            (url.replace(":masters", ":wrong"), "invalid username-password pair"),
            (url.replace("&ssl_check_hostname=false", ""), "certificate verify failed"),
        ):
            with pytest.raises(OperationalError, match=said):
                works(wrong)


def test_flower_counts_the_messages_at_the_master(sentinel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broker, "__new__", Broker.__new__)
    url = leased(f"sentinel://127.0.0.1:{sentinel}/0;sentinel://127.0.0.1:{free_port()}?master_name={NAME}")
    knows_leases(Servers(), url)
    with Connection(url, transport_options={"priority_steps": STEPS}) as connection:
        put(connection, "counted", "x")
        counted = Broker(connection.as_uri(include_password=True), broker_options={"priority_steps": STEPS})

        async def shown() -> Any:
            try:
                return await counted.queues(["counted"])
            finally:
                for it in counted.redis.connection_pool.sentinel_manager.sentinels:
                    await it.aclose()  # Flower leaves them

        assert asyncio.run(shown()) == [{"name": "counted", "messages": 1}]


def test_sentinels_that_are_gone_or_silent_are_passed_over(sentinel: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = (free_port(), silent.getsockname()[1], sentinel)
        url = ";".join(f"sentinel://127.0.0.1:{port}" for port in hosts)
        assert works(f"{url}/0?master_name={NAME}")


def test_the_sentinel_that_knows_of_the_latest_switch_is_believed(
    sentinel: int, server: RedisServer, tmp_path: Path
) -> None:
    epoch = f"sentinel config-epoch {NAME} 7"
    with (
        running_redis(tmp_path) as newer,
        running_sentinel(tmp_path, server_binary(), newer.port, epoch, down_after=NEVER) as informed,
    ):
        for ports in ((sentinel, informed), (informed, sentinel)):
            hosts = ";".join(f"sentinel://127.0.0.1:{port}" for port in ports)
            with connect_to_records(f"{hosts}/0?master_name={NAME}", patience=0) as client:
                told: Any = client.info("server")
                assert told["tcp_port"] == newer.port


def test_a_name_that_no_sentinel_knows_is_told(sentinel: int) -> None:
    with pytest.raises(OperationalError, match=f"no sentinel knows a master 'other' .*127.0.0.1:{sentinel}"):
        works(f"sentinel://127.0.0.1:{sentinel}?master_name=other")


def test_a_plain_application_names_the_master_in_its_options(sentinel: int) -> None:
    options = {"priority_steps": STEPS, "master_name": NAME}
    urls = f"leased+sentinel://127.0.0.1:{free_port()};sentinel://127.0.0.1:{sentinel}"
    with Connection(urls, transport_options=options) as connection:
        put(connection, "q", "plain")
        message = take(connection, "q")
        message.ack()
        assert message.payload == "plain"
        assert connection.as_uri().startswith("leased+sentinel://127.0.0.1")


@pytest.mark.parametrize("trouble", ["it is a replica", "its replicas are missing"])
def test_a_server_that_takes_no_writes_is_no_master(sentinel: int, server: RedisServer, trouble: str) -> None:
    url = f"sentinel://127.0.0.1:{sentinel}?master_name={NAME}"
    with redis.Redis(port=server.port) as direct, connect_to_records(url, patience=0) as before:
        before.set("x", 1)
        try:
            if trouble == "it is a replica":
                direct.replicaof("127.0.0.1", str(free_port()))
            else:
                direct.config_set("min-replicas-to-write", 1)
            with pytest.raises(redis.ConnectionError, match=r"is not the master just now: .*(read only|NOREPLICAS)"):
                before.set("x", 2)
            with pytest.raises(OperationalError, match="is not the master just now"):
                works(url)
        finally:
            direct.replicaof("NO", "ONE")
            direct.config_set("min-replicas-to-write", 0)
        assert before.get("x") == "1"
        assert works(url)


def test_connections_of_all_threads_are_cut_when_the_master_is_another_one(sentinel: int, server: RedisServer) -> None:
    url = f"sentinel://127.0.0.1:{sentinel}?master_name={NAME}"
    with connect_to_records(url, patience=0) as client, client.pubsub() as waiting:
        waiting.subscribe("news")
        assert waiting.get_message(timeout=5)["type"] == "subscribe"
        connection = waiting.connection
        master = Master.of_process(connection._sentinels)
        known = master.find()
        master._learn(known._replace(epoch=known.epoch + 1, port=free_port()))  # as a sentinel would tell
        with pytest.raises(redis.ConnectionError):
            connection.read_response()
        master.doubt()
        assert client.ping()
        assert {it.port for it in master._connections if it.is_connected} == {server.port}
