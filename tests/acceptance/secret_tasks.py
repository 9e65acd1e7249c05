"""A task module whose tasks are given secrets, and do with them what should not be done."""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Never

from celery.utils.log import get_task_logger
from pydantic import BaseModel

from acceptance.diary import note, read
from tasks_platform import (
    Hold,
    Once,
    PermanentError,
    Progress,
    ReliableTask,
    Retry,
    Sealed,
    TransientError,
    Unique,
    current_run,
    task,
)

log = logging.getLogger(__name__)
QUICK = Retry(base=0.05, jitter=False)


class Account(BaseModel):
    name: str
    password: Sealed[str]


def look_up(token: str) -> Never:
    raise KeyError(token, {"Authorization": token.encode()})


@task(QUICK, Progress(every=0), Once(), base=ReliableTask)
def tells_everybody(
    diary: Path, token: Sealed[str], account: Account, codes: list[Sealed[str]], *, pin: Sealed[int]
) -> Sealed[str]:
    """Say the secrets wherever a function can; be tried again, held, and die, each time with them in the error."""
    secrets = " ".join((token, account.password, *codes, str(pin)))
    note(diary, json.dumps([token, account.password, *codes, pin], separators=(",", ":")))
    log.info("plainly %s", secrets)
    get_task_logger(__name__).warning("by Celery's logger: %s", secrets)
    sys.stdout.write(f"printed {secrets}\n")
    helper = threading.Thread(target=log.info, args=(f"by a thread: {secrets}",))
    helper.start()
    helper.join()
    current_run().progress(50, f"with {token}")
    current_run().once("mint", lambda: {"minted": f"minted-with-{token}", "pin": pin})
    match len(read(diary)):
        case 1:
            raise TransientError(f"the gateway refused {secrets}")
        case 2:
            raise Hold(0.05, f"until {token} is ready")
        case 3:
            try:
                look_up(token)
            except KeyError as cause:
                raise PermanentError(f"{account!r} has no use for {secrets}") from cause
    return f"result-of-{token}"


@task(base=ReliableTask)
def takes(token: Sealed[str]) -> Sealed[str]:
    log.info("took %s", token)
    return f"next-{token}"


@task(base=ReliableTask)
def collects(tokens: list[Sealed[str]], last: Sealed[str]) -> Sealed[list[str]]:
    log.info("collected %s and %s", tokens, last)
    return [*tokens, last]


@task(Unique(by="token"), base=ReliableTask)
def is_done_once(email: str, token: Sealed[str]) -> None:
    raise PermanentError(f"{email} is not allowed to use {token}")


@task(base=ReliableTask)
def gives_away(token: Sealed[str]) -> str:
    return f"in the open: {token}"
