"""Celery's settings as the platform needs them, by what they are for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from tasks_platform.broker.sentinel import each_of, is_sentinel
from tasks_platform.queues import PRIORITY_STEPS, Priority, broker_priority
from tasks_platform.settings import Settings


def is_rabbitmq(broker_url: str) -> bool:
    """Tell whether the broker speaks AMQP."""
    return broker_url.partition(":")[0].partition("+")[0] in {"amqp", "amqps", "pyamqp"}


def is_leased(broker_url: str) -> bool:
    """Tell whether the broker is Redis, with messages under leases."""
    return broker_url.startswith("leased+")


def leased(records_url: str) -> str:
    """Return the address of the broker on the Redis server that keeps the records."""
    if is_sentinel(records_url):
        return ";".join(f"leased+{one}" for one in each_of(records_url))
    scheme, _, rest = records_url.partition("://")
    if scheme != "unix":
        return f"leased+{records_url}"
    path, _, query = rest.partition("?")
    named = [("virtual_host" if name == "db" else name, value) for name, value in parse_qsl(query)]  # as kombu calls it
    return f"leased+socket://{path}{'?' if named else ''}{urlencode(named)}"


def of_the_broker(broker_url: str, settings: Settings) -> dict[str, Any]:
    """Return what differs between brokers, and what says how long to wait for one."""
    rabbitmq = is_rabbitmq(broker_url)
    return {
        "broker_url": broker_url,
        "broker_transport_options": _rabbitmq_options() if rabbitmq else _redis_options(broker_url, settings),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": rabbitmq,  # a queue that was deleted is declared again
        "broker_heartbeat": 60,
        "task_default_priority": broker_priority(Priority.NORMAL, highest_first=not rabbitmq),
        "task_publish_retry_policy": {
            "max_retries": 20,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 1,
        },
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": not rabbitmq,  # there the consumer asks for no more than can be run
    }


def of_workers(settings: Settings) -> dict[str, Any]:
    """Return what holds on every broker."""
    return {
        "worker_consumer": "tasks_platform.task.consumer:PlatformConsumer",
        "task_default_queue": settings.default_queue,
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_track_started": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": True,
        "worker_enable_remote_control": True,
        "result_expires": settings.result_expires,
        "result_chord_expires": 366 * 86400,  # a parked member may hold its chord open for months
        "accept_content": ["json"],
        "timezone": "UTC",
        "enable_utc": True,
    }


def of_beats(records_url: str) -> dict[str, Any]:
    """Return what beats need; the schedule is kept where the records are."""
    return {
        "beat_scheduler": "tasks_platform.schedules.scheduler:PlatformScheduler",
        "beat_max_loop_interval": 1.0,
        "redbeat_redis_url": records_url,
        "redbeat_redis_options": {},
        "redbeat_key_prefix": "tasks-platform:redbeat:",
    }


def _redis_options(broker_url: str, settings: Settings) -> dict[str, Any]:
    return {
        **(_lease(settings) if is_leased(broker_url) else _visibility(settings)),
        "priority_steps": list(PRIORITY_STEPS),
        "queue_order_strategy": "priority",
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        "health_check_interval": 10,
    }


def _lease(settings: Settings) -> dict[str, Any]:
    replicas = settings.replicas
    return {
        "lease_seconds": settings.lease.total_seconds(),
        "delivery_limit": settings.delivery_limit,
        "replicas": replicas.wait_for,
        "replicas_timeout": replicas.timeout.total_seconds(),
        "replicas_required": replicas.missing == "error",
    }


def _visibility(settings: Settings) -> dict[str, Any]:
    return {
        "visibility_timeout": settings.visibility_timeout,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }


def _rabbitmq_options() -> dict[str, Any]:
    return {"confirm_publish": True}
