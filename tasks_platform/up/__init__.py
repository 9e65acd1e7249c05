"""Everything a laptop needs, for as long as a block lasts: server, mailbox, workers."""

from tasks_platform.up.local import LocalPlatform

__all__ = ["LocalPlatform"]
