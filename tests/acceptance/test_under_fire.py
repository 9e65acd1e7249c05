"""``scripts/chaos`` in small: nothing is lost, and nothing is repeated that no kill explains."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from under_fire.scene import Scene, perform
from waiting import wait_for

ROOT = Path(__file__).parents[2]
SERVER_AND_WORKERS = 4


@pytest.mark.timeout(300)
@pytest.mark.checklist(12, 24, 85)
def test_nothing_is_lost_while_workers_and_the_server_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAOS_LEDGER", str(tmp_path / "ledger"))
    result = perform(Scene(folder=tmp_path, broker="leased", lease=2.0), seed=3, jobs=400, faults=6, every=1.5)
    assert (result.lost, result.unexplained, result.never_sent, result.troubles) == ([], [], [], [])
    assert result.once > 300


def test_who_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/chaos.py"), "--keep", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as run:
        wait_for(lambda: len(_started_for(tmp_path)) >= SERVER_AND_WORKERS, 60.0, "the workers")
        run.terminate()
        assert run.wait(timeout=60.0) != 0
    wait_for(lambda: not _started_for(tmp_path), 10.0, "the end of all")


def _started_for(folder: Path) -> list[str]:
    """Return the processes of a run with its ledger in *folder*."""
    ledger = f"CHAOS_LEDGER={folder / 'ledger'}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            if ledger in (process / "environ").read_bytes():
                found.append(process.name)
    return found
