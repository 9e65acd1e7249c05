"""Jobs are cancelled in the middle of a storm of claims: none of them runs, and no other is lost or repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claim_storm import storm

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's own call
def test_no_cancelled_job_runs_and_no_other_is_lost(server: RedisServer, tmp_path: Path) -> None:
    result = storm(server, tmp_path, jobs=500, pools=("threads", "prefork"), cancellers=3, seed=7)
    assert result.faults == []
    assert result.told("cancelled") > 10
