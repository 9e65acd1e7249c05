"""PlatformAMQP: how Celery writes a task's message: what is sealed is shown as that, and all of it is signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from celery.app.amqp import AMQP
from celery.utils.saferepr import saferepr
from kombu.serialization import dumps

from tasks_platform.broker.rabbitmq import RabbitAMQP
from tasks_platform.payload import Payload
from tasks_platform.sealing import SIGNATURE, TRUE_ETA, KeyRing, masked, signature
from tasks_platform.task.lines import by_queue

#: What is so short is shown as it is.
_SHORT: Final = 200


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
        shown_args, shown_kwargs = options.get("argsrepr"), options.get("kwargsrepr")
        if shown_args is None or shown_kwargs is None:
            options["argsrepr"], options["kwargsrepr"] = self.shown(name, args or (), kwargs or {}, options)
        return super().as_task_v2(task_id, name, args, kwargs, *rest, **options)

    def shown(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[str, str]:
        """Return how logs show the arguments of a job, unless its sender has said that in its *options*."""
        payload = getattr(options.get("task_type") or self.app.tasks.get(name), "payload", None)
        if isinstance(payload, Payload) and payload.sealing.of_arguments:
            args, kwargs = masked(args), masked(kwargs)
        said_args, said_kwargs = options.get("argsrepr"), options.get("kwargsrepr")
        return (
            self._shown(args, self.argsrepr_maxsize) if said_args is None else said_args,
            self._shown(kwargs, self.kwargsrepr_maxsize) if said_kwargs is None else said_kwargs,
        )

    def _shown(self, arguments: Any, longest: int) -> str:
        """Return *arguments* as text; Celery's own way, which cuts what is long, takes twenty times as long."""
        shown = repr(arguments)
        if len(shown) <= min(longest, _SHORT):
            return shown
        return str(saferepr(arguments, longest, maxlevels=self.app.conf.task_repr_maxlevels))

    def _create_task_sender(self) -> Callable[..., Any]:
        send = super()._create_task_sender()  # type: ignore[misc]
        ring: KeyRing = self.app.settings.signing.ring

        def send_signed(producer: Any, *message: Any, **options: Any) -> Any:
            return send(_Signer(producer, ring), *message, **options)

        sender = send_signed if ring else send
        return by_queue(sender, self.app.servers, self.app.lines) if self.app.servers else sender


class PlatformRabbitAMQP(PlatformAMQP, RabbitAMQP):
    """The same on RabbitMQ."""


class _Signer:
    """A producer that signs the messages of jobs: last of all, when nobody changes their headers any more."""

    def __init__(self, producer: Any, ring: KeyRing) -> None:
        self._producer = producer
        self._ring = ring

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def publish(self, body: Any, *, headers: dict[str, Any] | None = None, **options: Any) -> Any:
        """Publish as the producer does."""
        if headers is None or "task" not in headers:  # an event that it was sent
            return self._producer.publish(body, headers=headers, **options)
        content_type, encoding, written = dumps(body, serializer=options.pop("serializer", None))
        return self._producer.publish(
            written,
            headers=signed(self._ring, headers, written),
            content_type=content_type,
            content_encoding=encoding,
            **options,
        )


def signed(ring: KeyRing, headers: Mapping[str, Any], body: str | bytes) -> dict[str, Any]:
    """Return *headers* with a signature of them and of *body* as it is sent; without one where there is no key.

    What a broker has said of an earlier delay is left out: it would stand for the moment of this message.
    """
    unsigned = {name: _arriving(value) for name, value in headers.items() if name not in {SIGNATURE, TRUE_ETA}}
    written = body.encode() if isinstance(body, str) else body
    return {**unsigned, SIGNATURE: signature(ring, unsigned, written)} if ring else unsigned


def _arriving(value: Any) -> Any:
    """Return *value* as it arrives: brokers round moments and forget what bytes are, and so they travel as text."""
    if isinstance(value, Mapping):
        return {str(name): _arriving(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_arriving(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
