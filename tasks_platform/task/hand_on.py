"""Send what follows a finished run: callbacks and the rest of its chain.

The tracer would do it after ``run`` returned, and would mark the run as failed where it cannot. Here the run
is still ours, so that a step that succeeded is not failed by the next one.
"""

from __future__ import annotations

from typing import Any

from celery.canvas import maybe_signature

from tasks_platform.task.job_ids import handing_on


def hand_on(app: Any, request: Any, value: Any) -> None:
    """Send the next steps of *request* with *value*, and leave none for the tracer."""
    callbacks, chain = request.callbacks, request.chain
    origin: dict[str, Any] = {"parent_id": request.id, "root_id": request.root_id or request.id}
    with handing_on(request.id):
        signatures = [maybe_signature(callback, app=app) for callback in callbacks or ()]
        for signature in signatures:
            _publish(app, signature, value, origin)
        if chain:
            _publish(app, maybe_signature(chain[-1], app=app), value, {**origin, "chain": chain[:-1]})
    request.callbacks = request.chain = None


def _publish(app: Any, signature: Any, value: Any, options: dict[str, Any]) -> None:
    app.amqp._retry_publish(signature.apply_async, (value,), **options)  # noqa: SLF001 - the tracer's own way to send
