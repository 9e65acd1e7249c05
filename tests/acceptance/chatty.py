"""Tasks that write: with plain logging, with structlog, by printing, and through a library."""

from __future__ import annotations

import logging
import sys
import time
import warnings

import structlog
import urllib3
from celery import shared_task
from celery.utils.log import get_task_logger

from acceptance.shop import TWICE
from tasks_platform import ReliableTask, current_run, task

log = logging.getLogger(__name__)
structured = structlog.get_logger(__name__)
celerys = get_task_logger(__name__)


@task(base=ReliableTask)
def talks(number: int) -> list[int]:
    log.info("plain %d", number, extra={"order": number})
    structlog.contextvars.bind_contextvars(bound=number)
    structured.info("structured", parcels=number)
    celerys.info("by Celery's logger")
    print(f"printed {number}")  # noqa: T201 - what is shown
    time.sleep(0.05)
    retries = urllib3.Retry(connect=1, backoff_factor=0)
    try:
        urllib3.PoolManager(retries=retries).request("GET", "http://127.0.0.1:9/")
    except urllib3.exceptions.MaxRetryError:
        log.warning("no answer", exc_info=True)
    warnings.warn("old", stacklevel=2)
    return [number]


@task(base=ReliableTask)
def says_what_is_bound() -> str:
    structured.info("unbound")
    return ""


@task(TWICE, base=ReliableTask)
def fails_for_good() -> None:
    raise ConnectionError(f"attempt {current_run().attempt} is in vain")


@task(base=ReliableTask)
def exits() -> None:
    sys.exit(3)


@shared_task(name="acceptance.chatty.plain")
def plain(number: int) -> int:
    log.info("plain Celery %d", number)
    return number
