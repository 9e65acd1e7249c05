"""Tasks whose lives are watched: a listener in the worker writes down every event it hears."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from acceptance.faults import REFUSES_TO_REVOKE, arm
from acceptance.shop import TWICE
from tasks_platform import (
    Cancel,
    Deadline,
    Event,
    Hold,
    ProgressTask,
    ReliableTask,
    ServiceRefusedError,
    Skip,
    current_run,
    on_event,
    task,
    track,
)


def write_down(event: Event) -> None:
    line = {"kind": event.kind, "job": event.job_id, "attempt": event.attempt, "level": event.kind.level}
    line |= {"pid": os.getpid(), "error": repr(event.error), "details": dict(event.details)}
    with Path(os.environ["EVENTS"]).open("a") as file:
        file.write(json.dumps(line) + "\n")


if "EVENTS" in os.environ:  # in the worker
    on_event()(write_down)


@task(base=ReliableTask)
def succeeds() -> list[int]:
    return [1, 2, 3]


@task(TWICE, base=ReliableTask)
def fails_once() -> None:
    if current_run().attempt == 1:
        raise ConnectionError("down")


@task(TWICE, base=ReliableTask)
def never_works() -> None:
    raise ConnectionError("down for good")


@task(base=ReliableTask)
def is_refused() -> None:
    raise ServiceRefusedError("no such user")


@task(TWICE, base=ReliableTask)
def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(TWICE, Deadline(hard=1.0), base=ReliableTask)
def hangs() -> None:
    time.sleep(60)


@task(base=ReliableTask)
def waits_once(flag: Path) -> None:
    if not flag.exists():
        flag.touch()
        raise Hold(0.05, "the mail server rests")


@task(base=ReliableTask)
def cancels_itself() -> None:
    raise Cancel("nobody wants it")


@task(base=ReliableTask)
def cancels_itself_in_trouble() -> None:
    arm(REFUSES_TO_REVOKE)
    raise Cancel("nobody wants it")


@task(base=ReliableTask)
def skips_itself() -> None:
    raise Skip("nothing to do")


@task(base=ProgressTask)
def counts() -> None:
    for _ in track(range(3)):
        pass
