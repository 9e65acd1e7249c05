"""Coroutines of jobs: all of a process run on one event loop, each with a thread that waits for it.

That thread runs everything around the function: Celery's tracer, the policies, what is stored. So a job on the loop is
made of the same steps as any other, none of them in the way of the loop, and a slot of the pool is the same, too.
"""

from tasks_platform.task.on_loop.awaited import Awaited, Limits
from tasks_platform.task.on_loop.current import request_on_loop, task_on_loop
from tasks_platform.task.on_loop.outcome import cancel_on_loop, expect, forget, outcome_of, run_awaited

__all__ = [
    "Awaited",
    "Limits",
    "cancel_on_loop",
    "expect",
    "forget",
    "outcome_of",
    "request_on_loop",
    "run_awaited",
    "task_on_loop",
]
