"""Keep the tests away from what is set up for the person who runs them: their servers, their books, their files."""

from __future__ import annotations

import os
import signal
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Forget the platform's settings, keep state in a folder that ends with the run, and hear Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background: children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in list(os.environ):
        if name.startswith(("TASKS_", "CELERY_")):
            del os.environ[name]
    # Short, because the path of a unix socket has to fit into about a hundred characters.
    state = TemporaryDirectory(prefix="tasks-", ignore_cleanup_errors=True)
    config.add_cleanup(state.cleanup)
    os.environ["XDG_STATE_HOME"] = state.name
