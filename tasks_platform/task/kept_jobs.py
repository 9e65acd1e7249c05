"""Which jobs a pool works on when the connection is lost; Celery's prefork pool forgets some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any

from celery.concurrency.asynpool import AsynPool


@contextmanager
def keeps_what_it_works_on(pool: Any) -> Iterator[None]:
    """Let *pool* remember, past its ``flush``, the jobs that its processes have.

    It forgets every job whose process has not said yet that it began: those that no process has, which is right, and
    those that a process is about to begin, of which nobody would ever hear that they ended.
    """
    if (inner := _forgetful(pool)) is None:
        yield
        return
    # now, while it remembers their jobs: else the next process reads what one has left unread that has just died
    inner.maintain_pool()
    jobs = dict(inner._cache)  # noqa: SLF001 - Celery has no other way to ask
    unwritten = {id(job) for job in inner.outbound_buffer} | {
        id(job) for job in jobs.values() if _is_about_to_be_written(job)
    }
    yield
    for number, job in jobs.items():
        if id(job) not in unwritten and _has_a_process(job):
            inner._cache.setdefault(number, job)  # noqa: SLF001 - it listens for its end again


def is_kept(pool: Any, request: Any) -> bool:
    """Tell whether *pool* works on the job of *request*; threads and others do so with all they were handed."""
    if request._apply_result is None:  # noqa: SLF001 - Celery has no other way to ask
        return False
    if (inner := _forgetful(pool)) is None:
        return True
    job = request._apply_result()  # noqa: SLF001 - a weak reference
    return job is not None and job._job in inner._cache  # noqa: SLF001


def _forgetful(pool: Any) -> Any:
    """Return the pool of processes inside *pool*; None if it is one of threads, or of another kind."""
    inner = getattr(pool, "_pool", None)
    return inner if isinstance(inner, AsynPool) else None


def _is_about_to_be_written(job: Any) -> bool:
    reference = getattr(job, "_writer", None)
    writer = reference() if reference is not None else None
    return writer is not None and getgeneratorstate(writer) == GEN_CREATED


def _has_a_process(job: Any) -> bool:
    process = job._write_to  # noqa: SLF001
    return process is None or process._is_alive()  # noqa: SLF001
