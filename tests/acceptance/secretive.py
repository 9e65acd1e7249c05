"""Tasks whose arguments, results and errors hold what nobody may read on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acceptance.shop import wait_for_file
from tasks_platform import PermanentError, ReliableTask, Retry, current_run, task


@task(base=ReliableTask)
def logs_in(user: str, password: str, options: dict[str, Any] | None = None) -> dict[str, str]:
    return {"user": user, "access_token": password}


@task(base=ReliableTask)
def refuses(user: str, password: str) -> None:
    raise PermanentError(f"{user} may not log in: password={password!r}")


@task(base=ReliableTask)
def waits(diary: Path, password: str) -> None:
    wait_for_file(diary)


@task(Retry(max_attempts=2, base=600), base=ReliableTask)
def is_retried(number: int) -> int:
    if current_run().attempt == 1:
        raise ConnectionError("the bank does not answer")
    return number
