"""A small application on plain Celery, as it was before: the guide in deploy/ moves it."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task, shared_task

from acceptance.diary import note, read

app = Celery("stock", broker=os.environ["PLAIN_URL"], backend=os.environ["PLAIN_URL"])
app.conf.broker_connection_retry_on_startup = True
# the first step of the guide: read every list that the platform writes to, so that rolling back loses nothing
app.conf.broker_transport_options = {"priority_steps": [0, 1, 3, 6, 9], "queue_order_strategy": "priority"}


@app.task(name="stock.reserve", bind=True, autoretry_for=(ConnectionError,), max_retries=3, default_retry_delay=0)
def reserve(self: Task[..., Any], diary: str, order: int, items: list[str]) -> int:
    note(diary, f"reserve:{order}")
    if "elusive" in items and len([line for line in read(diary) if line == f"reserve:{order}"]) == 1:
        raise ConnectionError("the warehouse does not answer")
    return len(items)


@shared_task(name="stock.confirm")
def confirm(count: int, diary: str, order: int) -> str:
    note(diary, f"confirm:{order}:{count}")
    return f"{count} items of order {order}"


@shared_task(name="stock.total")
def total(counts: list[int], diary: str) -> int:
    note(diary, f"total:{sum(counts)}")
    return sum(counts)
