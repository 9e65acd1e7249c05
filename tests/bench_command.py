"""``scripts/bench`` as tests call it: without its set-up, for where they run everything is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TESTS = Path(__file__).parent
BENCHMARKS = TESTS.parent / "scripts" / "benchmarks"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS)}


def bench_command(*words: str) -> list[str]:
    """Return the command that measures what *words* say; it is run in `ENVIRONMENT`."""
    return [sys.executable, str(BENCHMARKS / "main.py"), *words]
