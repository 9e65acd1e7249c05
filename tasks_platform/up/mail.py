"""Start the local mail server, and tell the others where it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tasks_platform.errors import PlatformError
from tasks_platform.settings import Settings
from tasks_platform.up.child import Child
from tasks_platform.up.parts import mailbox

_START = 30.0
_POLL = 0.02


def start_mailbox(  # noqa: PLR0913 - keyword-only; how a child is added differs from caller to caller
    settings: Settings,
    environment: Mapping[str, str],
    logs: Path,
    *,
    add: Callable[[Child], None],
    check: Callable[[], None],
    refuse: Sequence[str] = (),
) -> dict[str, str]:
    """Start a mailbox with *add* and wait until it answers; return the variables that lead to it.

    Raises:
        PlatformError: if it does not start; *check* raises if it was given up.

    """
    ready = settings.state_dir / "mailbox.ready"
    ready.unlink(missing_ok=True)
    words = [word for item in refuse for word in ("--refuse", item)]
    child = mailbox(settings.mailbox, ready, *words, "--port", "0").child(environment, logs)
    add(child)
    deadline = time.monotonic() + _START
    while not ready.exists():
        check()
        if time.monotonic() > deadline:
            raise PlatformError(f"the mailbox did not start within {_START:.0f} s; its log is {child.log}")
        time.sleep(_POLL)
    port = str(json.loads(ready.read_text())["port"])
    child.command = [*child.command[:-1], port]  # started again, it is found where it was
    return {"TASKS_SMTP__HOST": "127.0.0.1", "TASKS_SMTP__PORT": port, "TASKS_SMTP__SECURITY": "none"}
