"""The server's configuration, as text."""

from __future__ import annotations

from tasks_platform.embedded.records import Access

TEMPLATE = """\
# Written at every start: changes are lost.
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}

# Both names are relative, so that no name of a folder can confuse this file: the supervisor starts the server in
# its data folder, and the log is the server's own output.
dir .
logfile ""
daemonize no

# What was acknowledged is in the operating system's hands, and on the disk about a second later: the supervisor
# sees to that (see `flush`). After a power cut the torn end of the file is cut off.
appendonly yes
appendfsync no
aof-load-truncated yes
save ""

# A full memory refuses new work; it never forgets accepted work.
maxmemory-policy noeviction
databases 16
"""


def config_text(access: Access) -> str:
    """Write the configuration of a server that only *access* reaches, over loopback."""
    return TEMPLATE.format(port=access.port, password=access.password)
