"""What a caller gets: the handle of one job."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from celery.result import AsyncResult

from tasks_platform.payload import Payload

R = TypeVar("R")


class JobHandle(AsyncResult, Generic[R]):  # type: ignore[type-arg]
    """A Celery result that reads what the function returned by its annotation."""

    def __init__(self, job_id: str, *, payload: Payload | None = None, **options: Any) -> None:
        super().__init__(job_id, **options)
        self._payload = payload

    def get(self, *args: Any, **kwargs: Any) -> R:
        """Wait for the job and return its result as the function returned it; None if its result is ignored.

        With ``propagate=False`` the error of a job that failed is returned instead of raised. The results of a
        whole group or chord are read by Celery, as the plain JSON they are stored as.
        """
        value = super().get(*args, **kwargs)
        if self._payload is None or value is None or isinstance(value, BaseException):
            return value  # type: ignore[no-any-return]
        return self._payload.read_result(value)  # type: ignore[no-any-return]
