"""Pages of very many dead letters, small: of 100 000 they are measured by ``scripts/bench letters``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "benchmarks" / "main.py"


@pytest.mark.checklist(36)
def test_every_way_to_look_at_letters_is_measured_and_quick_enough() -> None:
    command = [sys.executable, str(BENCH), "letters", "--count", "1500", "--rounds", "3", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}  # as scripts/bench sets it
    measured = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert measured.returncode == 0, measured.stderr
    figures = json.loads(measured.stdout)
    assert figures.pop("letters") == 1500
    assert {"first page", "last page", "one task", "text, 5 000 searched", "groups", "audit"} <= set(figures)
    assert all(0 < figure["median"] <= figure["slowest"] for figure in figures.values())
