"""Tasks in which something goes wrong: they fail, die, or break what the platform stands on."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from celery import current_app, shared_task
from celery.exceptions import Ignore, Reject
from redis import Redis

from acceptance.diary import note, read
from acceptance.faults import LARGEST_RESULT, REFUSES_MESSAGES, arm
from acceptance.shop import TWICE, wait_for_file
from tasks_platform import (
    Deadline,
    Event,
    EventKind,
    Failures,
    Hold,
    Once,
    PermanentError,
    PlatformTask,
    ReliableTask,
    Retry,
    ServiceRefusedError,
    Skip,
    Unique,
    UniqueTask,
    current_run,
    on_event,
    task,
)


@task(TWICE, base=ReliableTask)
def is_killed(diary: Path) -> None:
    note(diary, current_run().attempt)
    os.kill(os.getpid(), signal.SIGKILL)


@task(Unique(by="how"), base=UniqueTask)
def bows_out_once_mended(diary: Path, how: str) -> int | None:
    if not diary.with_suffix(".mended").exists():
        raise PermanentError("a bug")
    note(diary, current_run().job_id)
    wait_for_file(diary.with_suffix(".end"))
    raise Ignore("nothing to do") if how == "ignored" else Skip("nothing to do")


@shared_task(name="acceptance.naps_unowed", acks_late=False, ignore_result=True)
def naps_unowed(diary: str) -> None:
    time.sleep(0.05)
    note(diary, "napped")


@task(base=ReliableTask)
def notes_its_attempt(diary: Path, number: int) -> None:
    note(diary, f"{number}/{current_run().attempt}")


@task(Retry(max_attempts=1), base=ReliableTask)
def has_one_attempt(diary: Path, number: int) -> None:
    note(diary, number)


@task(TWICE, base=ReliableTask)
def misses_a_file() -> None:
    raise FileNotFoundError(2, "there is no", b"caf\xe9".decode(errors="surrogateescape"))


@task(TWICE, base=ReliableTask)
def exits_once(diary: Path) -> int:
    note(diary, current_run().attempt)
    if current_run().attempt == 1:
        os._exit(3)
    return current_run().attempt


@task(TWICE, Deadline(hard=1.0), base=ReliableTask)
def hangs(diary: Path) -> None:
    note(diary, current_run().attempt)
    time.sleep(60)


@task(TWICE, Deadline(soft=1.0), base=ReliableTask)
def dawdles_once(diary: Path) -> int:
    note(diary, current_run().attempt)
    if current_run().attempt == 1:
        time.sleep(60)
    return current_run().attempt


@task(TWICE, base=ReliableTask)
def eats_memory(diary: Path) -> None:
    note(diary, current_run().attempt)
    raise MemoryError("no room")


@task(base=ReliableTask)
def rejects(diary: Path) -> None:
    note(diary, current_run().attempt)
    raise Reject("not mine", requeue=False)


@task(TWICE, base=ReliableTask)
def fails_once(diary: Path, fault: str | None = None) -> int:
    """Fail with a transient error, and let *fault* strike meanwhile."""
    note(diary, current_run().attempt)
    if current_run().attempt == 1:
        if fault is not None:
            arm(fault)
        raise ConnectionError("down")
    return current_run().attempt


@task(TWICE, base=ReliableTask)
def fills_the_server_and_fails(diary: Path, url: str) -> int:
    note(diary, current_run().attempt)
    if current_run().attempt == 1:
        fill(url)
        raise ConnectionError("down")
    return current_run().attempt


@task(base=ReliableTask)
def fills_the_server(diary: Path, url: str) -> int:
    note(diary, current_run().attempt)
    if len(read(diary)) == 1:
        fill(url)
    return current_run().attempt


def fill(url: str) -> None:
    """Let the server refuse whatever needs memory."""
    with Redis.from_url(url) as client:
        client.config_set("maxmemory", 1)


@task(TWICE, base=ReliableTask)
def spoils_its_queue_and_fails(diary: Path, url: str, key: str) -> int:
    note(diary, current_run().attempt)
    if read(diary) == ["1"]:
        with Redis.from_url(url) as client:
            client.set(key, "no list")
        raise ConnectionError("down")
    return current_run().attempt


@task(base=ReliableTask)
def succeeds_while_the_broker_refuses(diary: Path) -> int:
    note(diary, current_run().attempt)
    arm(REFUSES_MESSAGES)
    return 1


@task(base=ReliableTask)
def returns_too_much(diary: Path) -> str:
    note(diary, current_run().attempt)
    return "x" * (LARGEST_RESULT + 1)


@task(base=ReliableTask)
def returns_no_json(diary: Path) -> Decimal:
    note(diary, current_run().attempt)
    return cast("Decimal", object())


@task(Retry(max_attempts=3, base=0.05, jitter=False), base=ReliableTask, bind=True)
def asks_for_one_retry_or_fails(self: PlatformTask[..., None], diary: Path, *, asks: bool) -> None:
    note(diary, current_run().attempt)
    if not asks:
        raise ConnectionError("down")
    if current_run().attempt == 1:
        raise self.retry(max_retries=1, countdown=0)


@task(base=ReliableTask)
def is_refused(name: str, age: int) -> None:
    raise ServiceRefusedError(f"{name} is {age}")


@task(Retry(base=0.05, jitter=False), base=ReliableTask)
def has_a_bug(name: str, age: int) -> None:
    raise ZeroDivisionError(f"attempt {current_run().attempt}")


def no_backoff(attempt: int) -> float:
    return {1: 0.05}[attempt]


@task(Retry(backoff=no_backoff), base=ReliableTask)
def has_a_buggy_backoff() -> None:
    raise ConnectionError("down")


@task(base=UniqueTask)
def charges_in_vain(diary: Path) -> int:
    note(diary, current_run().job_id)
    wait_for_file(diary.with_suffix(".end"))
    raise ServiceRefusedError("no such card")


@task(base=ReliableTask)
def is_refused_quietly(diary: Path) -> None:
    raise ServiceRefusedError(diary.name)


@task(TWICE, base=ReliableTask)
def exits(diary: Path) -> None:
    note(diary, current_run().attempt)
    sys.exit(3)


@task(Unique(by=lambda number: 1 // (number - 3)), base=UniqueTask)
def has_no_key(number: int) -> int:
    return number


@task(Once(), Retry(max_attempts=2, base=0.05, jitter=False), base=ReliableTask)
def mails_everybody(diary: Path) -> None:
    """Fail with two of five at the first attempt, and with one of them at the second, too."""
    run = current_run()
    with Failures() as failures:
        for name in ("ana", "bob", "cem", "dan", "eva"):
            with failures.of(name):
                run.once(name, lambda name=name: _mail(diary, name, run.attempt))


def _mail(diary: Path, name: str, attempt: int) -> None:
    note(diary, f"{name}:{attempt}")
    if name == "bob" and attempt == 1:
        raise ConnectionError("no answer")
    if name == "dan":
        raise ServiceRefusedError("no such user")


@task(base=ReliableTask)
def keeps_the_interpreter(diary: Path, seconds: int) -> None:
    """Let no other thread of this process run meanwhile."""
    note(diary, "started")
    if len(read(diary)) == 1:
        ctypes.PyDLL(None).sleep(seconds)
    note(diary, "ended")


@shared_task(name="acceptance.kills_its_worker", acks_late=True)
def kills_its_worker() -> None:
    """Kill all processes of the worker; no policy hears of it."""
    os.killpg(0, signal.SIGKILL)


@task(base=PlatformTask)
def sleeps_once_and_knows_no_attempts(diary: Path) -> None:
    """Sleep for a minute, but for the second time; no policy says how often it may be run."""
    note(diary, "begun")
    if len(read(diary)) == 1:
        time.sleep(60)


@task(Retry(max_attempts=2, base=60), base=ReliableTask)
def kills_its_worker_and_counts(diary: Path) -> None:
    """Note the attempt, and kill all processes of the worker."""
    note(diary, current_run().attempt)
    os.killpg(0, signal.SIGKILL)


@task(Retry(max_attempts=1), base=ReliableTask)
def kills_its_worker_when_it_has_succeeded(diary: Path) -> int:
    """Note the attempt; when the result is stored, and before it is acknowledged, all processes of the worker die."""
    note(diary, current_run().attempt)
    if len(read(diary)) == 1:
        backend = current_app.backend
        store = backend.store_result

        def storing(*args: Any, **options: Any) -> Any:
            store(*args, **options)
            os.killpg(0, signal.SIGKILL)

        backend.store_result = storing
    return 7


@task(Retry(max_attempts=1), base=ReliableTask)
def is_killed_when_it_was_held(diary: Path) -> int:
    note(diary, current_run().attempt)
    if len(read(diary)) == 1:
        raise Hold(0.5, "not yet")
    return len(read(diary))


@on_event(EventKind.HELD)
def kill(event: Event) -> None:
    if event.task == is_killed_when_it_was_held.name:
        os.kill(os.getpid(), signal.SIGKILL)
