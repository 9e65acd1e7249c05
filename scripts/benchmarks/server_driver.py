"""A client that keeps a server busy: it repeats what ``delay()`` says, or claims and acknowledges like workers."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from contextlib import closing
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

from redis.connection import AbstractConnection
from server_taking import Taker

from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

#: Pushes that are sent before their answers are read, and jobs that are claimed at once.
PIPELINED: Final = 100
CLAIMED: Final = 50
#: The name of a push, by which the server knows a repeated one.
_TOKEN: Final = re.compile(rb"(?<=\$32\r\n)[0-9a-f]{32}(?=\r\n)")
#: What the script of a push answers when the message is there.
_DONE: Final = b"*0\r\n"


def main(url: str, kind: str, jobs: int) -> None:
    """Say that everything is prepared, wait for a line, and tell how many seconds it took."""
    app = create_app(Settings(redis_url=url, business=False, modules="noop", lease=timedelta(hours=1)))
    app.loader.import_default_modules()
    do = _pushing(url, _said(app.tasks["bench.reliable"]), jobs) if kind == "push" else Taker(app, "default")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begun = time.perf_counter()
    done = do.all(jobs) if isinstance(do, _Pusher) else do.take(jobs, CLAIMED)
    sys.stdout.write(json.dumps({"jobs": done, "seconds": time.perf_counter() - begun}) + "\n")


def _said(task: Any) -> tuple[bytes, bytes]:
    """Return what one ``delay()`` says to the server, as bytes, and the id of its job."""
    said: list[bytes] = []
    send: Any = AbstractConnection.send_packed_command

    def listening(connection: Any, command: Any, *args: Any, **options: Any) -> Any:
        said.append(command if isinstance(command, bytes) else b"".join(command))
        return send(connection, command, *args, **options)

    task.delay(0, "word")  # the server knows the script from here on
    with patch.object(AbstractConnection, "send_packed_command", listening):
        job_id = task.delay(0, "word").id.encode()
    (command,) = [it for it in said if b"EVALSHA" in it and job_id in it]
    return command, job_id


class _Pusher:
    """Pushes jobs that differ in id and name, a hundred before it reads the answers."""

    def __init__(self, url: str, batches: list[bytes]) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._batches = batches

    def all(self, jobs: int) -> int:
        """Push all of them."""
        with socket.create_connection(self._address) as line, closing(line.makefile("rb")) as answers:
            for batch in self._batches:
                line.sendall(batch)
                answer = answers.read(len(_DONE) * PIPELINED)
                if answer != _DONE * PIPELINED:
                    sys.exit(f"the server has refused a push: {answer!r}")
        return jobs


def _pushing(url: str, said: tuple[bytes, bytes], jobs: int) -> _Pusher:
    command, job_id = said
    mark = time.time_ns() % 10**9

    def one(number: int) -> bytes:
        own = b"%09d-%010d-again-and-again-0000" % (mark, number)
        return _TOKEN.sub(b"%032x" % (mark * 10**9 + number), command.replace(job_id, own.ljust(36, b"0")[:36]))

    numbers = [range(first, first + PIPELINED) for first in range(0, jobs, PIPELINED)]
    return _Pusher(url, [b"".join(map(one, group)) for group in numbers])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
