"""What a caller gets: the handle of one job."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Generic, TypeVar

from celery._state import app_or_default  # type: ignore[attr-defined]
from celery.result import AsyncResult
from vine import promise

from tasks_platform.payload import Payload

R = TypeVar("R")


class JobHandle(AsyncResult, Generic[R]):  # type: ignore[type-arg]
    """A Celery result that reads what the function returned by its annotation.

    Most callers never ask: what it takes to wait for the result is made when somebody does.
    """

    def __init__(  # noqa: PLR0913 - Celery's own
        self,
        job_id: str,
        backend: Any = None,
        task_name: str | None = None,
        app: Any = None,
        parent: Any = None,
        *,
        payload: Payload | None = None,
    ) -> None:
        if job_id is None:
            raise ValueError("a handle is of a job: None is no id of one")
        self.id = job_id
        self.app = app or app_or_default(self.app)
        self.backend = backend or self.app.backend
        self.parent = parent
        self._cache = None
        self._ignored = False
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

    @cached_property
    def on_ready(self) -> Any:  # type: ignore[override]
        """What is called when the job has ended."""
        return promise(self._on_fulfilled, weak=True)  # type: ignore[attr-defined]

    def __copy__(self) -> JobHandle[R]:
        return type(self)(self.id, self.backend, None, self.app, self.parent, payload=self._payload)

    def __del__(self) -> None:
        if "on_ready" in self.__dict__:  # else nobody has ever waited
            super().__del__()
