"""Pages of very many dead letters, small: of 100 000 they are measured by ``scripts/bench letters``."""

from __future__ import annotations

import json
import subprocess

import pytest

from bench_command import ENVIRONMENT, bench_command


@pytest.mark.checklist(36)
def test_every_way_to_look_at_letters_is_measured_and_quick_enough() -> None:
    command = bench_command("letters", "--count", "1500", "--rounds", "3", "--json")
    measured = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert measured.returncode == 0, measured.stderr
    figures = json.loads(measured.stdout)
    assert figures.pop("letters") == 1500
    assert {"first page", "last page", "one task", "text, 5 000 searched", "groups", "audit"} <= set(figures)
    assert all(0 < figure["median"] <= figure["slowest"] for figure in figures.values())
