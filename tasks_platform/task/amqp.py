"""PlatformAMQP: how Celery writes a task's message; what is sealed is shown as that and nothing more."""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from celery.utils.saferepr import saferepr

from tasks_platform.payload import Payload
from tasks_platform.sealing import masked


class PlatformAMQP(AMQP):
    """Celery's message writer."""

    # Celery's own, which its type stubs leave out
    app: Any
    argsrepr_maxsize: int
    kwargsrepr_maxsize: int

    def as_task_v2(
        self, task_id: str, name: str, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any
    ) -> Any:
        """Write a message; logs, events and Flower show its arguments by ``argsrepr`` and ``kwargsrepr``."""
        payload = getattr(self.app.tasks.get(name), "payload", None)
        if isinstance(payload, Payload) and payload.sealing.of_arguments:
            levels = self.app.conf.task_repr_maxlevels
            if options.get("argsrepr") is None:
                options["argsrepr"] = saferepr(masked(args or ()), self.argsrepr_maxsize, maxlevels=levels)
            if options.get("kwargsrepr") is None:
                options["kwargsrepr"] = saferepr(masked(kwargs or {}), self.kwargsrepr_maxsize, maxlevels=levels)
        return super().as_task_v2(task_id, name, args, kwargs, *rest, **options)
