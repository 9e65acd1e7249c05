"""``bench peers``: the same work for plain Celery, this platform and other job systems, side by side."""

from peers.command import peers

__all__ = ["peers"]
