"""Do something in many processes at once.

They are forked from one that has imported everything: starting each afresh would take longer than what is tested. The
test's own process does not fork; it may have threads.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

_TESTS = str(Path(__file__).parent)
_FRAME = """
import os, sys
sys.path.insert(0, {tests!r})
{work}
ready, go = os.pipe()
children = []
for number in range({count}):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)  # all start when the parent closes its end
        try:
            work(number)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
os.close(go)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def run_at_once(count: int, work: str, *arguments: str, deadline: float = 90.0) -> None:
    """Run the function ``work(number)`` of the program *work* in *count* processes; all must succeed."""
    program = _FRAME.format(tests=_TESTS, work=textwrap.dedent(work), count=count)
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
