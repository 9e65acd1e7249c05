"""``TASKS_BUSINESS=false``: none of the example modules is there, nor what they schedule."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from tasks_platform import app
from tasks_platform.schedules import declared_entries
app.loader.import_default_modules()
modules = [name for name in sys.modules if name.startswith("tasks_platform.tasks.")]
tasks = [name for name in app.tasks if name.startswith("tasks_platform.")]
print(json.dumps([modules, tasks, list(declared_entries()[0])]))
"""


@pytest.mark.parametrize("business", [True, False])
def test_business_modules_are_there_with_tasks_and_schedules_or_not_at_all(business: bool) -> None:  # noqa: FBT001
    variables = {**os.environ, "TASKS_BUSINESS": str(business), "TASKS_REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True, timeout=60
    )
    assert [bool(found) for found in json.loads(done.stdout)] == [business] * 3
