"""Keep the tests away from what is set up for the person who runs them: their servers, their books, their files."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Forget the platform's settings, and keep state in a folder that ends with the run."""
    for name in list(os.environ):
        if name.startswith(("TASKS_", "CELERY_")):
            del os.environ[name]
    # Short, because the path of a unix socket has to fit into about a hundred characters.
    state = TemporaryDirectory(prefix="tasks-", ignore_cleanup_errors=True)
    config.add_cleanup(state.cleanup)
    os.environ["XDG_STATE_HOME"] = state.name
