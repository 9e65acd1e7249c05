"""Spread the tests over processes: a file stays together, and so do all acceptance tests.

Acceptance tests start workers, which want the cores for themselves; the other process does the rest meanwhile.
The groups that pytest-xdist knows itself are silently ignored under pytest 9.2 (its issue 1386).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByLevel(LoadScopeScheduling):
    """Hands out whole files, and the acceptance tests as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "acceptance" if "acceptance" in PurePosixPath(file).parts else file


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByLevel:
    """Answer for whatever is asked for with ``--dist``."""
    config.option.loadscopereorder = False  # acceptance comes first and takes longest
    return ByLevel(config, log)
