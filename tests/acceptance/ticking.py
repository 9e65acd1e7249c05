"""A task module whose schedule writes a diary: what was due, and how often it was run."""

from __future__ import annotations

import os
from pathlib import Path

from acceptance.diary import note
from tasks_platform import ReliableTask, cron, current_run, schedule, task


@task(base=ReliableTask)
def tick(diary: Path) -> None:
    """Write down which moment it is for."""
    note(diary, current_run().headers["moment"])


#: A divisor of sixty.
SECONDS = os.environ.get("TICK", "1")
when = cron(f"*/{SECONDS} * * * * *", zone="Europe/Berlin")
schedule("tick", when).runs(tick, Path(os.environ.get("DIARY", "diary")))
