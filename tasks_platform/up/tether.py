"""Become a program that ends with the process that started it: ``python tether.py PARENT PROGRAM ARGUMENT...``.

On Linux the kernel sends SIGTERM when the parent is gone, however it ended (prctl(2), PR_SET_PDEATHSIG); the
setting outlives exec. Elsewhere the program is started all the same, and ends when it is told to.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit("the process that started this one is gone already")
    os.execv(program, [program, *arguments])  # noqa: S606 - this is what it is for


if __name__ == "__main__":
    main()
