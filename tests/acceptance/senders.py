"""Send one job from many processes at once, as the web processes of a shop would.

``python -m acceptance.senders TASK ARGUMENTS OPTIONS TIMES`` waits until the key ``go`` is there, and prints the
ids that the callers got.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waiting import wait_for

if TYPE_CHECKING:
    import redis

PROCESSES = 8
TESTS = Path(__file__).parents[1]
READY, GO = "senders-ready", "go"


def send_at_once(  # noqa: PLR0913 - what is sent, and where to
    url: str, client: redis.Redis, task: str, arguments: list[Any], options: dict[str, Any], *, times: int
) -> list[str]:
    """Send *task* as often as *times*, from several processes that begin together; return the callers' ids."""
    client.delete(READY, GO)
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TASKS_REDIS_URL": url,
        "TASKS_BUSINESS": "false",
    }
    each = str(times // PROCESSES)
    command = [sys.executable, "-m", __name__, task, json.dumps(arguments), json.dumps(options), each]
    processes = [
        subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for _ in range(PROCESSES)
    ]
    try:
        wait_for(lambda: int(client.get(READY) or 0) == PROCESSES, 60, "all senders")
        client.set(GO, 1)
        return [job_id for process in processes for job_id in json.loads(process.communicate(timeout=60)[0])]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def main() -> None:
    """Be one of the senders."""
    from acceptance import shop  # noqa: PLC0415 - as a program only
    from tasks_platform import app  # noqa: PLC0415

    name, arguments, options, times = sys.argv[1], *map(json.loads, sys.argv[2:])
    task = getattr(shop, name)
    app.store.client.incr(READY)
    wait_for(lambda: app.store.client.exists(GO), 60, "the word")
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(task.apply_async, arguments, **options) for _ in range(times)]
    sys.stdout.write(json.dumps([job.result().id for job in sent]))


if __name__ == "__main__":
    main()
