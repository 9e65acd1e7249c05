"""A task of the platform in an application that is plain Celery."""

from __future__ import annotations

import pytest
from celery import Celery

from tasks_platform import ReliableTask
from tasks_platform.errors import TaskDefinitionError


def test_sending_says_that_the_application_has_to_be_the_platforms() -> None:
    def count(items: list[int]) -> int:
        return len(items)

    with Celery("stock", broker="memory://", set_as_current=False) as app:
        task = app.task(base=ReliableTask, name="stock.count")(count)

        with pytest.raises(TaskDefinitionError, match=r"'stock' is plain Celery: make it with .*create_app"):
            task.delay([1])
