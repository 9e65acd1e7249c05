"""Send many jobs at once, and say in one word how soon a job matters."""

from tasks_platform.sending.call import Call, call
from tasks_platform.sending.many import aenqueue_many, enqueue_many
from tasks_platform.sending.urgency import background_sync, cleanup, critical, user_action

__all__ = [
    "Call",
    "aenqueue_many",
    "background_sync",
    "call",
    "cleanup",
    "critical",
    "enqueue_many",
    "user_action",
]
