"""A Valkey or Redis server for one user on a laptop: private, shared by their processes, gone when nobody uses it.

The pieces, and who runs them:

* a **user** is a process that called `start` or `join`; it holds a shared lock on ``users.lock``.
* the **supervisor** is one small process per state folder; it holds ``supervisor.lock`` alone, keeps the server
  running, and ends it when it can take ``users.lock`` alone.
* the **server** listens on loopback, on a port and under a password that are kept; it holds ``server.lock`` until it
  is gone, so that no second one ever writes to the same data.

The locks belong to the kernel (flock): they end with the processes that hold them, however those end.
"""

from __future__ import annotations

from tasks_platform.embedded.opening import join, start
from tasks_platform.embedded.server import EmbeddedServer
from tasks_platform.embedded.status import ServerStatus, status

__all__ = ["EmbeddedServer", "ServerStatus", "join", "start", "status"]
