"""What works before there is a server, and what is said when one is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.closing import close_connections
from tasks_platform import ReliableTask, Settings, create_app, embedded, task
from tasks_platform.errors import NoServerError, PayloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks_platform.celery import PlatformApp


@task(base=ReliableTask, name="without_server.double")
def double(number: int) -> int:
    return 2 * number


@pytest.fixture
def app(tmp_path: Path) -> Iterator[PlatformApp]:
    with create_app(Settings(state_dir=tmp_path / "state", business=False)) as app:
        yield app


def test_a_task_can_be_called_and_checked_without_a_server(app: PlatformApp) -> None:
    assert double(4) == 8
    assert double.payload.write((4,), {}) == ([4], {})
    assert double.name in app.tasks


def test_sending_without_a_server_says_every_time_how_to_get_one(app: PlatformApp) -> None:
    for _ in range(2):
        with pytest.raises(NoServerError, match="set TASKS_REDIS_URL, or TASKS_EMBEDDED=1"):
            double.delay(4)
    with pytest.raises(PayloadError):
        double.delay("four")  # type: ignore[arg-type]
    with pytest.raises(NoServerError):
        double.AsyncResult("an-id")


def test_a_server_that_is_started_later_is_found(app: PlatformApp) -> None:
    with pytest.raises(NoServerError):
        double.delay(4)

    with embedded.start(app.settings.state_dir):
        assert double.delay(4).state == "PENDING"
        assert app.store.client.llen("default\x06\x163") == 1
        app.store.client.close()
        close_connections(app)
        app.backend.client.close()
