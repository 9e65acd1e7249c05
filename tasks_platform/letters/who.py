"""Who operates dead letters, for the audit."""

from __future__ import annotations

import getpass
import os
import socket


def this_user() -> str:
    """Return the user of the operating system and the machine: ``ana@box``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that nobody has named
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
