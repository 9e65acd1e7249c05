"""Go on past what fails, and fail with all of it together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from tasks_platform.errors import ControlFlow, PartialFailureError

#: How many failed items a message names.
_NAMED: Final = 5
#: What Celery raises anywhere in a run that takes too long: it is about the run, not about an item.
_TIME_IS_UP: Final = "SoftTimeLimitExceeded"


class Failures:
    """Collect what fails in a block, item by item, and raise it together at the end of the block.

    ::

        with Failures() as failures:
            for user in track(users):
                with failures.of(user.email):
                    current_run().once(user.email, lambda: mailer.send(mail_to(user)))

    The error is transient if one of its parts is, so that the job is tried again; ``once`` keeps what succeeded
    from happening again.

    Raises:
        PartialFailureError: naming the first failed items; every error is in its traceback.

    """

    def __init__(self) -> None:
        #: What failed, by the name of the item.
        self.errors: dict[str, Exception] = {}
        #: How many items were tried.
        self.tried = 0

    @contextmanager
    def of(self, item: object) -> Iterator[None]:
        """Let what is raised in the block be the failure of *item* alone; instructions to the platform pass."""
        self.tried += 1
        try:
            yield
        except ControlFlow:
            raise
        except Exception as error:
            if type(error).__name__ == _TIME_IS_UP:
                raise
            self.errors[str(item)] = error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None or not self.errors:
            return
        named = [f"{item}: {error}" for item, error in list(self.errors.items())[:_NAMED]]
        more = len(self.errors) - len(named)
        summary = f"{len(self.errors)} of {self.tried} failed"
        words = "; ".join([*named, *([f"and {more} more"] if more else [])])
        raise PartialFailureError(f"{summary}: {words}") from ExceptionGroup(summary, list(self.errors.values()))
