"""Which parts are to run, and where people find them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from tasks_platform.cli.worker import arguments
from tasks_platform.console import CONFIG
from tasks_platform.errors import PlatformError
from tasks_platform.settings import Settings
from tasks_platform.up import parts
from tasks_platform.up.parts import Part


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to run."""

    #: So many workers that serve everything; without it, one of each class that the settings name.
    workers: int | None = None
    #: Jobs that each worker runs at a time; without it, what its class says, or one per core.
    concurrency: int | None = None
    #: The port of Flower.
    port: int
    #: Parts that are left out: ``beat``, ``flower``, ``mailbox``.
    without: frozenset[str] = frozenset()

    def has_mailbox(self, settings: Settings) -> bool:
        """Tell whether there is a local mail server: not where another one is set."""
        return "mailbox" not in self.without and settings.smtp.host is None

    @property
    def has_flower(self) -> bool:
        """Whether Flower runs."""
        return "flower" not in self.without

    def names(self, settings: Settings) -> list[str]:
        """Return how the parts are called."""
        return ["mailbox", *(part.name for part in self.parts(settings, ""))]

    def parts(self, settings: Settings, password: str) -> Iterator[Part]:
        """Yield all parts but the mailbox; *password* opens Flower."""
        yield from self._serving_everything() if self.workers else self._serving_classes(settings)
        if "beat" not in self.without:
            yield parts.beat()
        if self.has_flower:
            yield parts.flower(CONFIG, self.port, password)

    def _serving_everything(self) -> Iterator[Part]:
        for number in range(1, (self.workers or 1) + 1):
            name = "worker" if self.workers == 1 else f"worker-{number}"
            options = ("--hostname", f"{name}@%h", "--concurrency", str(os.cpu_count() or 1))
            yield parts.worker(name, *options, *self._options())

    def _serving_classes(self, settings: Settings) -> Iterator[Part]:
        for name, chosen in settings.workers.items():
            yield parts.worker(f"worker-{name}", *arguments(name, chosen), *self._options())

    def _options(self) -> tuple[str, ...]:
        """Return what goes for all workers: they tell of their jobs before Flower asks for it."""
        concurrency = () if self.concurrency is None else ("--concurrency", str(self.concurrency))
        return (*concurrency, *(("--task-events",) if self.has_flower else ()))


def flower_url(settings: Settings, port: int) -> str:
    """Return where a browser on this machine finds Flower."""
    host = settings.flower.address
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        return f"http://127.0.0.1:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"  # noqa: PLR2004 - IPv6


def check_port(settings: Settings, port: int) -> None:
    """Find out whether Flower can listen.

    Raises:
        PlatformError: if not; the message says what to do.

    """
    host = settings.flower.address
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise PlatformError(
            f"Flower cannot listen on {host}, port {port}: {error.strerror}; --port chooses another one, "
            "--without flower leaves Flower out"
        ) from error
