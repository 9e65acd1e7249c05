"""The benchmark beside other job systems, small: it measures what it says, and leaves nothing running."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from bench_command import BENCHMARKS, ENVIRONMENT, bench_command
from redis_server import RedisServer
from waiting import wait_for

SMALL = "--rounds 1 --processes 1 --jobs 100 --latencies 3 --sleeps 0 --delayed 0 --counted 0"
sys.path.append(str(BENCHMARKS))
OURS = ["--only", "celery-prefork", "--only", "threads"]


def bench(*arguments: str) -> subprocess.Popen[str]:
    command = bench_command("peers", *SMALL.split(), *arguments)
    return subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def running_in(session: int) -> list[str]:
    """Return the states and names of what was started in a session, whatever group it has."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                found.append(f"{fields[0]} {(folder / 'cmdline').read_text()}")
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_all_that_is_asked_for_is_measured_and_nothing_is_left_running(tmp_path: Path) -> None:
    file, picture = tmp_path / "figures.json", tmp_path / "plot.svg"
    measuring = bench(*OURS, "--json", str(file), "--plot", str(picture), "--markdown")
    output, errors = measuring.communicate(timeout=110)
    assert measuring.returncode == 0, errors
    told = json.loads(file.read_text())
    assert told["left out"] == {}
    assert list(told["participants"]) == ["celery-prefork", "threads"]
    for row in told["participants"].values():
        assert set(row["figures"]) == {"enqueue", "consume 1", "stored 1", "cpu", "p50", "p99"}
        assert all(figure > 0 for figure in row["figures"].values())
        assert set(row["ratios"]) == {"enqueue", "consume 1", "stored 1"}
        assert len(row["values"]["latency"]) == 3
    assert told["participants"]["celery-prefork"]["ratios"]["consume 1"] == 1
    assert "| Celery, prefork | at least once" in output
    assert "the platform, threads</text>" in picture.read_text()
    assert running_in(measuring.pid) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_who_ends_it_ends_everything_that_it_started() -> None:
    measuring = bench("--only", "celery-prefork")
    wait_for(lambda: any("celery_jobs" in line for line in running_in(measuring.pid)), 30, "a worker")
    measuring.send_signal(signal.SIGTERM)
    output, _ = measuring.communicate(timeout=30)
    assert measuring.returncode == 1, output
    assert running_in(measuring.pid) == []


def test_who_is_unknown_or_cannot_be_installed_is_named(tmp_path: Path) -> None:
    unknown = bench("--only", "nobody")
    assert "celery-prefork, celery-threads, threads" in unknown.communicate(timeout=30)[1]
    assert unknown.returncode == 2
    environment = {**ENVIRONMENT, "XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path)}
    command = bench_command("peers", *SMALL.split(), "--only", "bullmq")
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "bullmq is left out: npm is not installed" in refused.stderr
    assert refused.returncode == 1


def test_what_is_asked_at_once_is_one_round_trip(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    from peers.line import counting_line  # noqa: PLC0415 - the folder of the benchmark is not that of a package

    with counting_line(redis_server.port) as line, redis.Redis(port=line.port) as client:
        client.ping()
        before = line.trips
        for _ in range(3):
            client.ping()
        assert line.trips - before == 3
        with client.pipeline(transaction=False) as pipe:
            for _ in range(5):
                pipe.ping()
            pipe.execute()
        assert line.trips - before == 4
    assert caplog.text == ""
