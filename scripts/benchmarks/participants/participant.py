"""What all participants written in Python share; it runs in their environments, which have nothing but their packages.

``python -m participant MODULE worker`` becomes the peer's own worker. ``python -m participant MODULE producer`` reads
lines ``HOW JOB COUNT``, sends so many jobs, and answers with the moments at which it began and ended. A module has

* the jobs ``nothing``, ``answer`` (whose result is stored) and ``nap``, each of which calls `wrote` once;
* ``one(job, count)``: send one by one; ``many(job, count)``: as the peer sends many; ``later(job, count)``: due in an
  hour. Where they are coroutines, ``opened()``, if there is one, is a context in which they are awaited;
* ``worker()``: the arguments of its worker.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from types import ModuleType
from typing import Final

#: The address of the server; worker processes to run, and how many jobs each of them runs at a time.
URL: Final = os.environ["BENCH_URL"]
PROCESSES: Final = int(os.environ["BENCH_PROCESSES"])
SLOTS: Final = int(os.environ["BENCH_SLOTS"])
#: Seconds that a ``nap`` takes, that a stored result is kept, and after which what is sent ``later`` is due.
NAP: Final = 0.05
HOUR: Final = 3600
#: What `wrote` writes: a moment in ns of the clock that all processes share, and the process.
_RECORD: Final = struct.Struct("=qq")
#: Records that a process takes room for at most.
_MOST: Final = 512


class _Room(threading.local):
    """Room of a thread in the file that all write to, as memory.

    A job that does nothing takes no lock, and does not call the system: a thread that does lets go of the interpreter,
    and what is measured then is how threads hand that to each other.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._size = 0
        self._free: Iterator[tuple[mmap.mmap, int]] = iter(())

    def write(self, moment: int, pid: int) -> None:
        if pid != self._pid:  # that of the process this one was forked from
            self.__init__()  # type: ignore[misc]
            self._pid = pid
        _RECORD.pack_into(*(next(self._free, None) or self._more()), moment, pid)

    def _more(self) -> tuple[mmap.mmap, int]:
        """Take room for one record, then twice as much each time: who runs one job leaves nothing empty."""
        self._size = min(2 * self._size or 1, _MOST)
        file = os.open(os.environ["BENCH_DIARY"], os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, bytes(self._size * _RECORD.size))
        end = os.lseek(file, 0, os.SEEK_CUR)  # of what was appended here, whatever others have appended since
        begin = end - self._size * _RECORD.size
        page = begin - begin % mmap.ALLOCATIONGRANULARITY
        room = mmap.mmap(file, end - page, offset=page)
        os.close(file)
        self._free = ((room, at) for at in range(begin - page, end - page, _RECORD.size))
        return next(self._free)


_room: Final = _Room()


def wrote() -> None:
    """Write down the moment."""
    _room.write(time.monotonic_ns(), os.getpid())


def program(name: str) -> str:
    """Return the path of a program of this environment."""
    return os.path.join(os.path.dirname(sys.executable), name)  # noqa: PTH118, PTH120


def _produce(module: ModuleType) -> None:
    while line := sys.stdin.readline():
        how, job, count = line.split()
        begun = time.monotonic_ns()
        getattr(module, how)(job, int(count))
        print(begun, time.monotonic_ns(), flush=True)


async def _produce_async(module: ModuleType) -> None:
    async with getattr(module, "opened", nullcontext)():
        while line := await asyncio.to_thread(sys.stdin.readline):
            how, job, count = line.split()
            begun = time.monotonic_ns()
            await getattr(module, how)(job, int(count))
            print(begun, time.monotonic_ns(), flush=True)


def main(name: str, role: str) -> None:
    """Be the worker or the producer of a participant."""
    module = importlib.import_module(name)
    if role == "worker":
        arguments = module.worker()
        os.execv(arguments[0], arguments)  # noqa: S606
    if inspect.iscoroutinefunction(module.one):
        asyncio.run(_produce_async(module))
    else:
        _produce(module)


if __name__ == "__main__":
    main(*sys.argv[1:])
