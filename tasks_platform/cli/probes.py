"""What ``tasks-platform check`` tries, each with the settings that it needs."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from celery.utils.imports import import_from_cwd
from kombu import Connection
from kombu.utils.text import version_string_as_tuple
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks_platform import embedded
from tasks_platform.celery.configuration import is_leased, leased
from tasks_platform.cli.secrets import checked_url, without_secrets
from tasks_platform.errors import PlatformError
from tasks_platform.servers import Servers, name_of
from tasks_platform.services.books import Database
from tasks_platform.settings import Settings
from tasks_platform.store.redis import connect

#: Seconds to wait for a server.
_PATIENCE = 5
#: Since then a quorum queue hands what it gives up to another one, instead of throwing it after it.
_OLDEST_RABBITMQ = (3, 10)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing to try."""

    what: str
    #: Fields of the settings; where one of them is wrong there is nothing to try.
    needs: tuple[str, ...]
    #: Answers with what was found, or raises with what is wrong.
    look: Callable[[Settings], str]


def _folder(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".check"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise PlatformError(f"{folder} cannot be written: {error.strerror}") from error
    return f"{folder} can be written"


def _redis(settings: Settings) -> str:
    if settings.redis_url is None:
        return _embedded(settings)
    url = checked_url(settings.redis_url.get_secret_value())
    try:
        with connect(url, patience=0) as client:
            info = client.info()
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except (RedisError, OSError, ValueError) as error:
        raise PlatformError(f"{without_secrets(url)} does not answer: {error}") from error
    return _keeping(without_secrets(url), info, policy)


def _keeping(where: str, info: Mapping[str, Any], policy: str) -> str:
    """Return whether a server keeps what it is given, by its answer to ``INFO``."""
    if policy != "noeviction":
        raise PlatformError(f"maxmemory-policy is {policy}: jobs would be thrown away; set it to noeviction")
    kept = "keeps its data" if info.get("aof_enabled") else "keeps NO append-only file: a crash loses jobs"
    return f"{info.get('server_name') or 'redis'} {info.get('redis_version')} at {where}, {kept}"


def _embedded(settings: Settings) -> str:
    found = embedded.status(settings.state_dir)
    if found.running:
        return f"embedded, {found.version}, port {found.port}"
    if settings.embedded:
        with embedded.start(settings.state_dir) as server:
            return f"embedded, {server.version}, can be started"
    raise PlatformError("no server: set TASKS_REDIS_URL, or TASKS_EMBEDDED=1 to run one of your own")


def _broker(settings: Settings) -> str:
    if settings.broker_url is None:
        return "the same as redis"
    url = checked_url(settings.broker_url.get_secret_value())
    try:
        with Connection(url, connect_timeout=_PATIENCE) as connection:
            connection.ensure_connection(max_retries=1, timeout=_PATIENCE)
            told = getattr(connection.connection, "server_properties", {})  # AMQP's only
    except Exception as error:
        raise PlatformError(f"{without_secrets(url)} does not answer: {error}") from error
    if told.get("product") != "RabbitMQ":
        return f"{without_secrets(url)} answers"
    version = str(told.get("version"))
    if version_string_as_tuple(version) < _OLDEST_RABBITMQ:
        oldest = ".".join(map(str, _OLDEST_RABBITMQ))
        raise PlatformError(
            f"{without_secrets(url)} is RabbitMQ {version}: its quorum queues lose dead letters before {oldest}"
        )
    return f"RabbitMQ {version} at {without_secrets(url)}"


def _queue_servers(settings: Settings) -> str:
    given = {queue: url.get_secret_value() for queue, url in settings.queue_servers.items()}
    servers = Servers(addresses={queue: url if is_leased(url) else leased(url) for queue, url in given.items()})
    found = [
        f"{', '.join(queues)} on {_queue_server(address)}, served by workers with -Q {','.join(queues)}"
        for address, queues in servers.shared(given).items()
    ]
    return "; ".join(found) or "none set: all queues lie on the broker"


def _queue_server(address: str) -> str:
    try:
        with Connection(address, connect_timeout=_PATIENCE) as connection:
            connection.ensure_connection(max_retries=1, timeout=_PATIENCE)
            channel: Any = connection.default_channel
            policy = channel.server.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
            return _keeping(name_of(address), channel.server.info(), policy)
    except PlatformError as error:
        raise PlatformError(f"{name_of(address)}: {error}") from error
    except Exception as error:
        raise PlatformError(f"{name_of(address)} does not answer: {error}") from error


def _modules(settings: Settings) -> str:
    problems = []
    for name in settings.task_modules:
        try:
            import_from_cwd(name)  # as a worker does
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's module may fail in any way
            problems.append(f"{name} cannot be imported: {type(error).__name__}: {error}")
    if problems:
        raise PlatformError("; ".join(problems))
    return ", ".join(settings.task_modules) or "none besides the business modules"


def _books(settings: Settings) -> str:
    url = checked_url(settings.database)
    database = Database(url, upgrades_itself=settings.database_url is None)
    try:
        with database.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise PlatformError(f"{without_secrets(url)} cannot be used: {str(error).splitlines()[0]}") from error
    finally:
        database.dispose()
    return f"{without_secrets(url)} can be used"


def _mail(settings: Settings) -> str:
    smtp = settings.smtp
    if smtp.host is None:
        return f"none set: mail is filed in {settings.mailbox}"
    patience = min(smtp.timeout, _PATIENCE)
    try:
        context = ssl.create_default_context(cafile=smtp.ca_file)
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=patience, context=context)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=patience)
        with server:
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.username is not None:
                server.login(smtp.username, smtp.password.get_secret_value() if smtp.password else "")
            server.noop()
    except (OSError, UnicodeError, smtplib.SMTPException) as error:
        raise PlatformError(f"{smtp.host}:{smtp.port} does not take mail: {error}") from error
    return f"{smtp.host}:{smtp.port} takes mail ({smtp.security})"


def _sealing(settings: Settings) -> str:
    ring = settings.sealing.ring
    if ring:
        return f"{len(ring.keys)} set; {ring.active} seals"
    if settings.redis_url is None:
        return "none set: the embedded server's users have one in the state folder"
    return "none set: jobs with sealed arguments cannot be sent"


def _signing(settings: Settings) -> str:
    ring, required = settings.signing.ring, settings.signing.required
    if not ring and required:
        raise PlatformError("signatures are required and there is no key: every message will be refused")
    if not ring:
        return "none set: messages are not signed"
    return f"{len(ring.keys)} set; {ring.active} signs; unsigned messages are {'refused' if required else 'taken, too'}"


PROBES: Final = (
    Probe(what="state folder", needs=("state_dir",), look=lambda settings: _folder(settings.state_dir)),
    Probe(what="redis", needs=("redis_url", "embedded", "state_dir"), look=_redis),
    Probe(what="broker", needs=("broker_url",), look=_broker),
    Probe(what="queue servers", needs=("queue_servers",), look=_queue_servers),
    Probe(what="sealing keys", needs=("sealing", "redis_url"), look=_sealing),
    Probe(what="signing keys", needs=("signing",), look=_signing),
    Probe(what="task modules", needs=("modules",), look=_modules),
    Probe(what="books", needs=("database_url", "state_dir"), look=_books),
    Probe(what="storage", needs=("storage_dir", "state_dir"), look=lambda settings: _folder(settings.storage)),
    Probe(what="mail", needs=("smtp",), look=_mail),
)
