"""A task module with a schedule, for beats and workers of the tests."""

from __future__ import annotations

from tasks_platform import ReliableTask, cron, every, schedule, task


@task(base=ReliableTask)
def clean_up(*, dry_run: bool = False) -> None:
    """Do nothing."""


@task(base=ReliableTask)
def report(organization: str) -> str:
    return organization


schedule("clean-up", cron("0 2 * * *", zone="Europe/Berlin")).runs(clean_up, dry_run=True)
schedule("report", cron("0 0 8 * * *", zone="America/New_York"), misfire="skip").runs(report, "acme")
schedule("sync", every(minutes=15), priority="low").runs(clean_up)
NAMES = ("clean-up", "report", "sync")
