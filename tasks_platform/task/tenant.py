"""For whom the calling code works: what jobs inherit that are sent from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_platform.policy import current_run_or_none

_acting: ContextVar[str | None] = ContextVar("tasks_platform_tenant", default=None)


@contextmanager
def acting_for(tenant: str | None) -> Iterator[None]:
    """Let every job that is sent inside the block, and its children, work for *tenant*."""
    token = _acting.set(tenant)
    try:
        yield
    finally:
        _acting.reset(token)


def current_tenant() -> str | None:
    """Return the tenant that a job sent here works for."""
    if (tenant := _acting.get()) is not None:
        return tenant
    run = current_run_or_none()
    return run.tenant if run is not None else None
