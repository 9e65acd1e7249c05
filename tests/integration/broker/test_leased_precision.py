"""What is due begins at once, also when nobody else talks to the server, which then wakes ten times a second only."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from simple_queues import put, take

if TYPE_CHECKING:
    from kombu import Connection


def test_a_delayed_message_comes_within_50_ms_on_a_server_that_has_nothing_else_to_do(connection: Connection) -> None:
    late = []
    for number in range(12):
        due = datetime.now(UTC) + timedelta(seconds=0.15 + number * 0.007)
        put(connection, "q", number, headers={"eta": due.isoformat()})
        take(connection, "q").ack()
        late.append(time.time() - due.timestamp())
    assert min(late) >= 0
    assert sum(seconds < 0.05 for seconds in late) >= 10  # a server that sleeps on is late by up to 0.1
