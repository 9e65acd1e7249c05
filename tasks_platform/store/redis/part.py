"""What the parts of the store in Redis share: a connection, the scripts, the names of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

from redis import Redis
from redis.commands.core import Script

from tasks_platform.store.redis.connection import connect

PREFIX: Final = "tasks-platform:"
_PART: Final = re.compile(r"^-- PART (\w+)$", re.MULTILINE)
#: How long the record of a job that is being retried is kept, in seconds.
JOB_TTL: Final = 30 * 86400
#: How long a replay of many is kept after its last change, in seconds.
REPLAY_TTL: Final = 30 * 86400
#: How long it is kept which copies of a forgotten job's messages were run, in seconds.
CLAIMS_TTL: Final = 86400


#: The store whose operations are done together, in this thread or task, and what collects them.
_together: ContextVar[tuple[Any, Any]] = ContextVar("tasks_platform_together", default=(None, None))


class RedisPart:
    """A subject of the store: every operation is one command, one transaction or one Lua script."""

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._url = url
        self._prefix = prefix

    @cached_property
    def client(self) -> Redis:
        """The connection pool of this process; redis-py opens new connections after a fork."""
        return connect(self._url)

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._pipeline() as pipe:
            token = _together.set((self, pipe))
            try:
                yield
            finally:
                _together.reset(token)
            pipe.execute()

    @cached_property
    def _scripts(self) -> dict[str, Script]:
        folder = files("tasks_platform.store.redis") / "lua"
        return {
            source.name.removesuffix(".lua"): self.client.register_script(with_parts(source.read_text()))
            for source in folder.iterdir()
            if source.name.endswith(".lua")
        }

    def _transaction(self) -> Any:
        return self.client.pipeline(transaction=True)

    def _pipeline(self) -> Any:
        return self.client.pipeline(transaction=False)

    def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        return self._scripts[script](keys=keys, args=arguments)

    def _tell(self, script: str, keys: list[str], arguments: list[Any]) -> None:
        """Run a script that answers nothing, now or together with others."""
        store, pipe = _together.get()
        self._scripts[script](keys=keys, args=arguments, client=pipe if store is self else None)

    def _id(self, job_id: str) -> str:
        return f"{self._prefix}id:{job_id}"

    def _unique(self, key: str) -> str:
        return f"{self._prefix}unique:{key}"

    def _followers(self, key: str) -> str:
        return f"{self._prefix}followers:{key}"

    def _outcome(self, key: str) -> str:
        return f"{self._prefix}outcome:{key}"

    def _job(self, job_id: str) -> str:
        return f"{self._prefix}job:{job_id}"

    def _letter(self, job_id: str) -> str:
        return f"{self._prefix}letter:{job_id}"

    def _steps(self, job_id: str) -> str:
        return f"{self._prefix}steps:{job_id}"

    def _flow(self, flow_id: str) -> str:
        return f"{self._prefix}flow:{flow_id}"

    @property
    def _letters(self) -> str:
        return f"{self._prefix}letters"

    def _replay(self, replay_id: str) -> str:
        return f"{self._prefix}replay:{replay_id}"

    @property
    def _flows(self) -> str:
        return f"{self._prefix}flows"


@cache
def part_of_scripts(name: str) -> str:
    """Return functions that scripts share, by the name of their part."""
    return with_parts((files("tasks_platform.store.redis") / "lua" / "parts" / f"{name}.lua").read_text())


def with_parts(source: str) -> str:
    """Put the functions that several scripts share where a script names them, as ``-- PART name``."""
    return _PART.sub(lambda found: part_of_scripts(found[1]), source)


def moment(at: float | None) -> str:
    """Return a timestamp as it lies in Redis; empty for none."""
    return "" if at is None else repr(at)


def ms(seconds: float) -> int:
    """Return *seconds* as Redis counts them."""
    return max(1, round(seconds * 1000))
