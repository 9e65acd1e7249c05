"""Run the supervisor: ``python tasks_platform/embedded/__main__.py FOLDER BINARY``, as `launch` does.

It lives long and a person waits for it to start, so it uses the standard library alone and does not import the
platform's own packages (``import tasks_platform`` may load Celery); empty ones stand in for them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def main(root: str, binary: str) -> None:
    """Detach and supervise, unless another process already does."""
    for name, path in (("tasks_platform", HERE.parent), ("tasks_platform.embedded", HERE)):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules.setdefault(name, package)
    from tasks_platform.embedded.folder import Folder  # noqa: PLC0415 - only with the stand-ins in place
    from tasks_platform.embedded.locks import FileLock  # noqa: PLC0415 - only with the stand-ins in place
    from tasks_platform.embedded.supervisor import supervise  # noqa: PLC0415 - only with the stand-ins in place

    folder = Folder(root=Path(root))
    lock = FileLock(folder.supervisor_lock)
    # The parent of the fork ends at once: the supervisor is nobody's child, so it is nobody's zombie either.
    # The lock stays taken meanwhile, because both sides of a fork hold it.
    if lock.try_alone() and os.fork() == 0:
        supervise(folder, Path(binary))


if __name__ == "__main__":
    main(*sys.argv[1:])
