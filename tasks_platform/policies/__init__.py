"""One reliability concern per file, and the order in which they wrap a task."""

from __future__ import annotations

from typing import Final

from tasks_platform.policies.dead_letters import DeadLetters
from tasks_platform.policies.deadline import Deadline
from tasks_platform.policies.once import Once, once_per_job
from tasks_platform.policies.progress import Progress, atrack, step, track
from tasks_platform.policies.retry import Retry
from tasks_platform.policies.unique import Unique
from tasks_platform.policy import Policy

#: Outermost first, each with the reason of its position.
ORDER: Final[tuple[type[Policy], ...]] = (
    Deadline,  # what has expired touches nothing else
    Unique,  # gives its key back only when the verdict below stands
    DeadLetters,  # records the verdict; sees only what nothing inside could save
    Retry,  # says whether there is another attempt
    Once,  # belongs to the function: its steps live inside one attempt
    Progress,  # watches the function and nothing else
)

__all__ = [
    "ORDER",
    "DeadLetters",
    "Deadline",
    "Once",
    "Progress",
    "Retry",
    "Unique",
    "atrack",
    "once_per_job",
    "step",
    "track",
]
