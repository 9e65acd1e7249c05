"""The servers that the leased broker reaches: by TLS, by a socket, with a password, one of several."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import redis
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.credentials import CredentialProvider

from certificates import Certificates, make_certificates
from redis_server import RedisServer, free_port, running_redis
from simple_queues import STEPS, claims, put, take
from tasks_platform.celery.configuration import leased
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

#: It has signs that a URL has to spell out.
PASSWORD = "s3cret/with:signs@"
ONCE: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class Vault(CredentialProvider):
    """Knows the user and the password, which stand in no URL."""

    def get_credentials(self) -> tuple[str, str]:
        return ("tasks", PASSWORD)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def safe(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server, and return where it speaks TLS."""
    port = free_port()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(certificates.ca)]
    options += ["--tls-cert-file", str(certificates.certificate), "--tls-key-file", str(certificates.key)]
    with running_redis(tmp_path_factory.mktemp("tls"), *options, program="redis-server"):
        yield f"leased+rediss://localhost:{port}/0"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a server that lets one user in, also by a socket in its folder."""
    folder = tmp_path_factory.mktemp("guarded")
    with running_redis(folder, "--unixsocket", str(folder / "socket")) as server:
        with redis.Redis.from_url(server.url) as client:
            client.acl_setuser(
                "tasks", enabled=True, passwords=[f"+{PASSWORD}"], keys="*", channels="*", categories=["+@all"]
            )
            client.acl_setuser("default", enabled=False)
        yield server


def broker(url: str, **options: Any) -> Connection:
    return Connection(url, transport_options={"priority_steps": STEPS, **options})


def works(connection: Connection) -> bool:
    """Put a message, take it and acknowledge it: by the channel, by its lease, and by the thread of the lease."""
    put(connection, "q", "x")
    message = take(connection, "q")
    lease = connection.default_channel.lease
    wait_for(
        lambda: not lease.held.is_empty and connection.default_channel.server.zcard("leased:workers"), 5, "a lease"
    )
    message.ack()
    put(connection, "q", "y")
    take(connection, "q").reject(requeue=True)
    return message.payload == "x" and bool(connection.default_channel.queue_purge("q") == 1)


@pytest.mark.needs("redis-server", "openssl")
def test_tls_is_spoken_to_a_server_with_a_valid_certificate(safe: str, certificates: Certificates) -> None:
    with broker(f"{safe}?ssl_ca_certs={certificates.ca}") as connection:
        assert works(connection)
    with Connection(safe, ssl={"ssl_ca_certs": str(certificates.ca), "ssl_cert_reqs": "required"}) as connection:
        assert works(connection)


@pytest.mark.needs("redis-server", "openssl")
def test_a_server_without_a_valid_certificate_is_refused_unless_the_url_says_otherwise(
    safe: str, certificates: Certificates
) -> None:
    nameless = safe.replace("localhost", "127.0.0.1")
    for url in (safe, f"{safe}?ssl_cert_reqs=required", f"{nameless}?ssl_ca_certs={certificates.ca}"):
        with Connection(url) as connection, pytest.raises(OperationalError, match="certificate verify failed"):
            connection.ensure_connection(**ONCE)
    for url in (
        f"{safe}?ssl_cert_reqs=none&ssl_check_hostname=false",
        f"{nameless}?ssl_ca_certs={certificates.ca}&ssl_check_hostname=false",
    ):
        with Connection(url) as connection:
            assert works(connection)


@pytest.mark.needs("redis-server", "openssl")
def test_tls_is_kept_when_the_first_server_of_a_list_is_down(safe: str, certificates: Certificates) -> None:
    trusted = f"{safe}?ssl_ca_certs={certificates.ca}"
    dead = f"leased+rediss://localhost:{free_port()}/0?ssl_ca_certs={certificates.ca}"
    with Connection(f"{dead};{trusted}") as connection:
        connection.ensure_connection(**ONCE)
        assert works(connection)
    with Connection(f"{trusted};{dead}") as connection:
        assert works(connection)
        for _ in range(2):  # there and back again
            connection.maybe_switch_next()
        assert works(connection)


@pytest.mark.needs("redis-server", "openssl")
def test_tls_is_kept_where_only_the_scheme_asks_for_it(
    safe: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))  # as if the system trusted it
    with Connection(f"leased+rediss://localhost:{free_port()}/0;{safe}") as connection:
        connection.ensure_connection(**ONCE)
        assert works(connection)


def test_a_user_has_a_password(guarded: RedisServer) -> None:
    address = f"127.0.0.1:{guarded.port}/0"
    with broker(f"leased+redis://tasks:{quote(PASSWORD, safe='')}@{address}") as connection:
        assert works(connection)
    with (
        broker(f"leased+redis://tasks:wrong@{address}") as connection,
        pytest.raises(OperationalError, match="invalid username"),
    ):
        connection.ensure_connection(**ONCE)


@pytest.mark.parametrize("database", [0, 3])
def test_a_server_is_reached_by_its_socket(guarded: RedisServer, database: int) -> None:
    with redis.Redis(port=guarded.port, db=database, username="tasks", password=PASSWORD) as client:
        folder = Path(str(client.config_get("unixsocket")["unixsocket"]))
        user = f"tasks:{quote(PASSWORD, safe='')}"
        records = f"unix://{user}@{folder}?db={database}"
        for url in (f"leased+socket://{user}@{folder}?virtual_host={database}", leased(records)):
            with broker(url) as connection, redis.Redis.from_url(records) as same:
                assert works(connection)
                put(connection, "here", 1)
                assert client.delete("here") == 1
                assert same.client_info()["db"] == database


def test_credentials_may_come_from_elsewhere(guarded: RedisServer) -> None:
    named = f"leased+redis://127.0.0.1:{guarded.port}/0?credential_provider={__name__}.Vault"
    given = Connection(f"leased+redis://127.0.0.1:{guarded.port}/0", credential_provider=Vault())
    for connection in (broker(named), given):
        with connection:
            assert works(connection)


def test_the_options_of_a_connection_are_those_of_its_lease_too(redis_url: str, redis_db: redis.Redis) -> None:
    options = {"socket_keepalive": True, "socket_keepalive_options": {socket.TCP_KEEPIDLE: 77}, "client_name": "mine"}
    with broker(f"leased+{redis_url}", **options) as connection:
        assert works(connection)
        channel = connection.default_channel
        for client in (channel.client, channel.lease.scripts.client):
            opened = client.connection_pool.get_connection()
            opened.connect()
            assert opened._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
            client.connection_pool.release(opened)
        assert {client["name"] for client in redis_db.client_list()} == {"", "mine"}


def test_the_second_server_of_a_list_serves_while_the_first_is_down_and_when_it_goes_down(tmp_path: Path) -> None:
    port = free_port()
    with running_redis(tmp_path) as second:
        with Connection(f"leased+redis://127.0.0.1:{port}/0;leased+{second.url}") as connection:
            connection.ensure_connection(**ONCE)
            assert works(connection)
        with Connection(f"leased+redis://127.0.0.1:{port}/0;leased+{second.url}") as connection:
            with running_redis(tmp_path, port=port):
                assert works(connection)
            publish = connection.ensure(connection, lambda: put(connection, "q", "moved"), **ONCE)
            publish()
            with redis.Redis.from_url(second.url) as client:
                assert (client.llen("q"), claims(client)) == (1, 0)
            assert take(connection, "q").payload == "moved"
