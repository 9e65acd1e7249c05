"""ScriptLines: connections that are kept open for scripts, and asked without the layers of a client."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import hiredis
from redis.exceptions import DataError, NoScriptError, ResponseError

#: Connections that are kept while nobody asks anything: as many as threads that ask at a time, mostly.
_MOST_IDLE: Final = 16


class ScriptLines:
    """Connections to one server; each is used by one thread at a time, and by the process that has made it.

    A command costs what its bytes cost: there is no pool to lock, no look whether the connection still lives, and no
    second try. Who asks again after an error must know that the first may have been heard.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        #: Taken from and put to its end, each in one step that needs no lock.
        self._idle: list[Any] = []
        self._pid = os.getpid()

    @classmethod
    def to(cls, pool: Any, **others: Any) -> ScriptLines:
        """Return lines like the connections of a *pool*, which does not count them, with *others* of its parameters."""
        options = {**pool.connection_kwargs, "command_packer": _Packer(), **others}
        return cls(lambda: pool.connection_class(**options))

    def run(self, script: str, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Run a Lua *script* at the server and return its answer.

        Raises:
            redis.RedisError: if the server refuses, or cannot be asked.

        """
        try:
            return self._ask("EVALSHA", _digest(script), len(keys), *keys, *arguments)
        except NoScriptError:  # it was not run
            self._ask("SCRIPT", "LOAD", script)
            return self._ask("EVALSHA", _digest(script), len(keys), *keys, *arguments)

    def close(self) -> None:
        """Close those that nobody uses."""
        while (line := self._next()) is not None:
            line.disconnect()

    def _ask(self, *command: Any) -> Any:
        line = self._next() or self._make()
        try:
            line.send_command(*command)
            answer = line.read_response()
        except ResponseError:  # it has answered
            self._keep(line)
            raise
        except BaseException:
            line.disconnect()  # its answer may still come
            raise
        self._keep(line)
        return answer

    def _next(self) -> Any:
        if self._pid != os.getpid():  # they are the parent's
            self._idle, self._pid = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _keep(self, line: Any) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(line)
        else:
            line.disconnect()


class _Packer:
    """Writes commands as redis-py's does, which looks at each argument first: there are many, and all are known."""

    def pack(self, *command: Any) -> tuple[bytes]:
        """Return *command* as it is sent."""
        try:
            return (hiredis.pack_command(command),)
        except TypeError as error:
            raise DataError(str(error)) from None


@cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
