"""The same jobs through RabbitMQ and through the leased broker, one sender and one worker each."""

from __future__ import annotations

import os
from pathlib import Path

from one_worker import one_worker
from redis import Redis
from server_costs import Used

from rabbitmq_server import running_rabbitmq
from waiting import wait_for


def rabbit_costs(folder: Path, records: str, jobs: int) -> dict[str, dict[str, float]]:
    """Return the rates on both brokers, and what the brokers' processors were needed for."""
    with Redis.from_url(records) as client:
        leased = one_worker(records, None, jobs, lambda: Used.by(client).seconds)
        client.flushdb()
    (folder / "rabbitmq").mkdir()
    with running_rabbitmq(folder / "rabbitmq") as server, server.virtual_host() as host:
        number = wait_for(lambda: server.ask("GET", "nodes")[0].get("os_pid"), 30, "the number of the process")
        stat = Path(f"/proc/{number}/stat")
        rabbit = one_worker(records, host.url, jobs, lambda: _seconds(stat))
    return {"leased Redis": leased, "RabbitMQ": rabbit}


def _seconds(stat: Path) -> float:
    """Return how many seconds of a processor a process has had, see proc(5)."""
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
