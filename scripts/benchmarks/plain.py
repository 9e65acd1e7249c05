"""A Celery application that knows nothing of the platform but the name of its broker."""

import os

from celery import Celery

app = Celery("plain", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "1")),
    broker_connection_retry_on_startup=True,
)


@app.task
def nothing(number: int) -> None:
    """Do nothing."""
