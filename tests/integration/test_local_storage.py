from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tasks_platform.services.local_storage import LocalStorage
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 3_000_000
WRITER = f"""if True:
    import itertools, sys
    from pathlib import Path
    from tasks_platform.services.local_storage import LocalStorage
    storage = LocalStorage(Path(sys.argv[1]))
    for number in itertools.count(int(sys.argv[2])):
        storage.put(f"new/{{number}}", b"%d" % (number % 10) * {SIZE}, content_type="text/plain")
        storage.put("one", b"%d" % (number % 10) * {SIZE}, content_type="text/plain", overwrite=True)
"""


def test_a_writer_killed_at_any_moment_leaves_no_half_file(tmp_path: Path) -> None:
    for attempt in range(6):
        first = attempt * 1000
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(first)]) as writer:
            try:
                wait_for((tmp_path / "new" / str(first)).exists, description="the first file")
                time.sleep(attempt * 0.007)  # not to wait for anything: to be killed at another moment each time
            finally:
                writer.kill()

    storage = LocalStorage(tmp_path)
    keys = ["one", *(f"new/{path.name}" for path in (tmp_path / "new").iterdir() if path.name[0] != ".")]
    for key in keys:
        data = storage.get(key)
        assert data == data[:1] * SIZE, f"{key} is torn"
    assert len(keys) > 6
