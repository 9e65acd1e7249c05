"""``scripts/chaos`` in small: nothing is lost, and nothing is repeated that no kill explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from under_fire.scene import Scene, perform

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(300)
@pytest.mark.checklist(12, 24, 85)
def test_nothing_is_lost_while_workers_and_the_server_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAOS_LEDGER", str(tmp_path / "ledger"))
    result = perform(Scene(folder=tmp_path, broker="leased", lease=2.0), seed=3, jobs=400, faults=6, every=1.5)
    assert (result.lost, result.unexplained, result.never_sent, result.troubles) == ([], [], [], [])
    assert result.once > 300
