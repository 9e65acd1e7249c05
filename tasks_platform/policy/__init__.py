"""Policy, Message, Run, current_run(), classify(), wrap(): what a reliability concern is made of."""

from tasks_platform.policy.apart import apart, aside, enter_thread
from tasks_platform.policy.backoff import Backoff, backoff_delay
from tasks_platform.policy.classify import Kind, classify
from tasks_platform.policy.failures import Failures
from tasks_platform.policy.interface import Policy, Proceed, overriding, wrap
from tasks_platform.policy.outcome import Outcome
from tasks_platform.policy.retry_after import retry_after
from tasks_platform.policy.run import (
    Message,
    Run,
    Verdict,
    current_run,
    current_run_or_none,
    enter_run,
    leave_run,
)
from tasks_platform.policy.taking import HeldError, Taking

__all__ = [
    "Backoff",
    "Failures",
    "HeldError",
    "Kind",
    "Message",
    "Outcome",
    "Policy",
    "Proceed",
    "Run",
    "Taking",
    "Verdict",
    "apart",
    "aside",
    "backoff_delay",
    "classify",
    "current_run",
    "current_run_or_none",
    "enter_run",
    "enter_thread",
    "leave_run",
    "overriding",
    "retry_after",
    "wrap",
]
