"""Run a mailbox: ``python -m tasks_platform.services.mailbox --folder DIR``.

1. It listens on 127.0.0.1, writes its ready file, and prints one line that ends with its port.
2. It answers and files until SIGTERM or SIGINT, or until the process that started it is gone, however that ended:
   no mailbox outlives what it was started for.
3. A mail that is on the way at that moment was not taken; its sender sees the connection break, and tries again.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tasks_platform.services.atomic_file import replace
from tasks_platform.services.mailbox.arguments import options_from, parse

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.services.mailbox.options import Options

#: Seconds between two looks at whether the parent is still there.
_LOOK = 0.2


def main() -> None:
    """Run until told to end."""
    parent = os.getppid()
    arguments = parse()
    if arguments.parent not in {None, parent}:
        sys.exit(f"The process {arguments.parent} that this mailbox was to be run for is not its parent, or is gone.")
    try:
        asyncio.run(_serve(options_from(arguments), parent, arguments.ready_file))
    except ImportError as error:
        sys.exit(f"The mailbox needs aiosmtpd ({error}): pip install 'tasks-platform[smtpd]'")
    except (OSError, ValueError) as error:
        sys.exit(f"The mailbox cannot run: {error}")


async def _serve(options: Options, parent: int, ready_file: Path | None) -> None:
    from tasks_platform.services.mailbox.server import start  # noqa: PLC0415 - needs an optional extra

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await start(options)
    port = server.sockets[0].getsockname()[1]
    _announce(port, ready_file)
    try:
        while os.getppid() == parent and not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK)
    finally:
        server.close()
        _withdraw(ready_file)


def _announce(port: int, ready_file: Path | None) -> None:
    if ready_file is not None:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(ready_file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            content = {"host": "127.0.0.1", "port": port, "pid": os.getpid()}
            replace(folder, ready_file.name, json.dumps(content).encode())
        finally:
            os.close(folder)
    with suppress(BrokenPipeError):  # nobody wants to know
        sys.stdout.write(f"mailbox ready on 127.0.0.1 port {port}\n")
        sys.stdout.flush()


def _withdraw(ready_file: Path | None) -> None:
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
