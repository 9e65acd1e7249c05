"""Who answers on a port: our server, or somebody else.

The few questions are asked over a plain socket: importing a client library takes longer than starting the server.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tasks_platform.embedded.records import Access

#: Seconds to wait for every answer.
PATIENCE = 1.0
#: Longer answers than this are not those of a server that was asked these questions.
LONGEST_ANSWER = 100_000

Answer = bytes | list["Answer"]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a server that accepted the password says of itself."""

    pid: int
    data: Path
    #: Name and version: ``Valkey 9.1.2``.
    version: str
    #: Whether it still reads its data and refuses other commands until then.
    loading: bool


def identify(access: Access, data: Path) -> Identity | None:
    """Ask who answers; None when nobody does, or it is not the server of the folder *data*."""
    try:
        identity = _ask(access)
        return identity if identity.data.samefile(data) else None
    except (OSError, ValueError, KeyError, EOFError, RecursionError):
        return None


def _ask(access: Access) -> Identity:
    with socket.create_connection(("127.0.0.1", access.port), timeout=PATIENCE) as connection:
        stream = connection.makefile("rb")
        connection.sendall(command("AUTH", access.password) + command("CONFIG", "GET", "dir") + command("INFO"))
        match read_answer(stream), read_answer(stream), read_answer(stream):
            case bytes(), [bytes(), bytes(folder)], bytes(info):
                facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
            case answers:
                raise ValueError(answers)
    name = "Valkey" if "valkey_version" in facts else "Redis"
    return Identity(
        pid=int(facts["process_id"]),
        data=Path(os.fsdecode(folder)),
        version=f"{name} {facts[f'{name.lower()}_version']}",
        loading=facts.get("loading") == "1",
    )


def command(*words: str) -> bytes:
    """Write a command as the Redis protocol wants it (RESP2: an array of counted strings)."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def read_answer(stream: BinaryIO) -> Answer:
    """Read one answer of the Redis protocol (RESP2).

    Raises:
        EOFError: the connection ended.
        ValueError: it is an error, or no answer of this protocol.

    """
    line = stream.readline(LONGEST_ANSWER)
    if not line:
        raise EOFError
    kind, rest = line[:1], line[1:].strip()
    if kind == b"+":
        return rest
    if kind == b"$" and 0 <= int(rest) <= LONGEST_ANSWER:
        return stream.read(int(rest) + 2)[:-2]
    if kind == b"*" and 0 <= int(rest) <= LONGEST_ANSWER:
        return [read_answer(stream) for _ in range(int(rest))]
    raise ValueError(line)
