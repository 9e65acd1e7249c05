"""Start a supervisor that outlives this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.records import private
from tasks_platform.errors import NoServerError

MAIN = Path(__file__).with_name("__main__.py")
#: Seconds the interpreter may take to start; a machine that is slower than this has other troubles.
PATIENCE = 30.0


def launch(folder: Folder, binary: Path) -> None:
    """Start a supervisor in a terminal session of its own; without effect where there is one already.

    Returns once it holds its lock, long before its server answers.

    Raises:
        NoServerError: it did not start.

    """
    # -I and -S: neither the environment, nor the current folder, nor anything installed takes part.
    command = [sys.executable, "-I", "-S", os.fspath(MAIN), os.fspath(folder.root), os.fspath(binary)]
    with open(folder.log, "ab", opener=private) as log:
        try:
            subprocess.run(  # noqa: S603 - this very interpreter and our own file
                command,
                cwd=folder.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                timeout=PATIENCE,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoServerError(
                f"The supervisor of the embedded server did not start: {error}. Its log is {folder.log}."
            ) from error
