"""``tasks-platform check``: every problem of a configuration at once, and whether its servers answer."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import click
from kombu import Connection
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from tasks_platform import embedded
from tasks_platform.errors import PlatformError, SettingsError
from tasks_platform.services.books import Database
from tasks_platform.settings import Settings, load_settings
from tasks_platform.store.redis import connect


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    #: What was found, or what is wrong and what to do; never a secret.
    words: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Read the configuration, try its connections, and report every problem at once."""
    findings = list(look())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("", "what", "finding")
        for finding in findings:
            table.add_row("[green]ok[/]" if finding.ok else "[red]no[/]", finding.what, finding.words)
        Console().print(table)
    if not all(finding.ok for finding in findings):
        ctx.exit(1)


def look() -> Iterator[Finding]:
    """Yield what was found, in the order in which a person would mend it."""
    try:
        settings = load_settings()
    except SettingsError as error:
        for problem in str(error).splitlines():
            yield Finding(what="settings", ok=False, words=problem)
        return
    yield Finding(what="settings", ok=True, words="all can be read")
    for what, probe in (
        ("state folder", lambda: _folder(settings.state_dir)),
        ("redis", lambda: _redis(settings)),
        ("broker", lambda: _broker(settings)),
        ("task modules", lambda: _modules(settings)),
        ("books", lambda: _books(settings)),
        ("storage", lambda: _folder(settings.storage)),
        ("mail", lambda: _mail(settings)),
    ):
        yield _tried(what, probe)


def _tried(what: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, ok=True, words=probe())
    except Exception as error:  # noqa: BLE001 - a check reports whatever it meets
        return Finding(what=what, ok=False, words=str(error) or type(error).__name__)


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
        found = embedded.status(settings.state_dir)
        if found.running:
            return f"embedded, {found.version}, port {found.port}"
        if settings.embedded:
            with embedded.start(settings.state_dir) as server:
                return f"embedded, {server.version}, can be started"
        raise PlatformError("no server: set TASKS_REDIS_URL, or TASKS_EMBEDDED=1 to run one of your own")
    url = settings.redis_url.get_secret_value()
    try:
        client = connect(url, patience=0)
        info = client.info()
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except (RedisError, OSError, ValueError) as error:
        raise PlatformError(f"{_without_secrets(url)} does not answer: {error}") from error
    name = info.get("server_name") or "redis"
    if policy != "noeviction":
        raise PlatformError(f"maxmemory-policy is {policy}: jobs would be thrown away; set it to noeviction")
    kept = "keeps its data" if info.get("aof_enabled") else "keeps NO append-only file: a crash loses jobs"
    return f"{name} {info.get('redis_version')} at {_without_secrets(url)}, {kept}"


def _broker(settings: Settings) -> str:
    if settings.broker_url is None:
        return "the same as redis"
    url = settings.broker_url.get_secret_value()
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        raise PlatformError(f"{_without_secrets(url)} does not answer: {error}") from error
    return f"{_without_secrets(url)} answers"


def _modules(settings: Settings) -> str:
    problems = []
    for name in settings.task_modules:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - a user's module may fail in any way
            problems.append(f"{name}: {type(error).__name__}: {error}")
    if problems:
        raise PlatformError("; ".join(problems))
    return ", ".join(settings.task_modules) or "none besides the business modules"


def _books(settings: Settings) -> str:
    database = Database(settings.database)
    with database.reading() as session:
        session.execute(text("SELECT 1"))
    return _without_secrets(settings.database)


def _mail(settings: Settings) -> str:
    smtp = settings.smtp
    if smtp.host is None:
        return f"none set: mail is filed in {settings.mailbox}"
    context = ssl.create_default_context(cafile=smtp.ca_file)
    try:
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=smtp.timeout, context=context)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout)
        with server:
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.username is not None:
                server.login(smtp.username, smtp.password.get_secret_value() if smtp.password else "")
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        raise PlatformError(f"{smtp.host}:{smtp.port} does not take mail: {error}") from error
    return f"{smtp.host}:{smtp.port} takes mail ({smtp.security})"


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{'***@' if parts.password else ''}{host}{port}{parts.path}"
