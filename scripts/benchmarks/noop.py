"""The same nothing twice: as a bare Celery task and as a reliable one."""

from celery import shared_task

from tasks_platform import ReliableTask, task


@shared_task(name="bench.bare", ignore_result=True, acks_late=True)
def bare(number: int, word: str) -> None:
    """Do nothing."""


@task(base=ReliableTask, name="bench.reliable")
def reliable(number: int, word: str) -> None:
    """Do nothing, reliably."""
