"""The base classes: named bundles of policies. They hold no code."""

from typing import ClassVar, ParamSpec, TypeVar

from tasks_platform.policies import DeadLetters, Progress, Retry, Unique
from tasks_platform.policy import Policy
from tasks_platform.task import PlatformTask

P = ParamSpec("P")
R = TypeVar("R")


class ReliableTask(PlatformTask[P, R]):
    """Retried with exponential backoff; kept as a dead letter in the end."""

    abstract = True
    policies: ClassVar[tuple[Policy, ...]] = (DeadLetters(), Retry())


class UniqueTask(ReliableTask[P, R]):
    """Reliable, and one unfinished job at a time for the same arguments."""

    abstract = True
    policies = (*ReliableTask.policies, Unique())


class ProgressTask(ReliableTask[P, R]):
    """Reliable, and tells how far it is."""

    abstract = True
    policies = (*ReliableTask.policies, Progress())
