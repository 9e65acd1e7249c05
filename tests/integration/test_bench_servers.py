"""The benchmark of servers, small: it measures every step, and what a job that waits needs."""

from __future__ import annotations

import json
import subprocess

from bench_command import ENVIRONMENT, bench_command


def test_every_step_is_measured_on_one_server_and_on_two() -> None:
    command = bench_command("servers", "--json", "--jobs", "600", "--rounds", "1")
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name.partition(",")[0] for name in told["steps"]} >= {"push", "claim", "settle", "result"}
    assert all(step["received"] > 5 and step["server"] > 0 for step in told["steps"].values())
    assert 500 < told["bytes per waiting job"] < 2000
    assert len(told["side by side"]) == 4
    assert all(block["server"] > 0 and 0 < block["busy"] <= 2 for block in told["side by side"].values())
