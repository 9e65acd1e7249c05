"""Tasks whose deaths are reported, and what must not be reported with them."""

from __future__ import annotations

import logging
import os
import signal
import time

import sentry_sdk
from celery import shared_task

from acceptance.shop import TWICE
from tasks_platform import Deadline, ReliableTask, Retry, Sealed, cron, current_run, every, schedule, task

log = logging.getLogger(__name__)
THRICE = Retry(max_attempts=3, base=0.05, jitter=False)


@task(TWICE, base=ReliableTask)
def recovers() -> str:
    log.info("about to try")
    if current_run().attempt == 1:
        raise ConnectionError("down for a moment")
    return "recovered"


@task(THRICE, base=ReliableTask)
def has_a_bug(number: int) -> None:
    sentry_sdk.set_tag("seen", f"by {number}")
    log.info("working on %d", number)
    raise ZeroDivisionError(f"{number} / 0")


@task(TWICE, base=ReliableTask)
def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(TWICE, Deadline(hard=1.0), base=ReliableTask)
def hangs() -> None:
    time.sleep(60)


@task(TWICE, base=ReliableTask)
def logs_in(name: str, token: Sealed[str], password: str) -> None:
    sentry_sdk.set_context("login", {"new_password": password, "name": name})
    sentry_sdk.set_extra("token", token)
    log.error("%s was refused with %s", name, token)
    raise ConnectionRefusedError(f"{name} was refused with {token}")


@task(base=ReliableTask)
def asks_for_a_login() -> str:
    return logs_in.delay("ana", os.environ["PLANTED_TOKEN"], os.environ["PLANTED_PASSWORD"]).id


@shared_task(name="acceptance.reported.plain")
def plain(number: int) -> None:
    raise ZeroDivisionError(f"{number} / 0")


schedule("Nightly.count", cron("0 2 * * *", zone="Europe/Berlin")).runs(recovers)
schedule("hourly", every(hours=1)).runs(has_a_bug, 1)
schedule("too-often", every(seconds=5)).runs(recovers)
