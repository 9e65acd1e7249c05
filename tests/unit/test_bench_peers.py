"""Who takes part in the benchmark of job systems, and how its figures are made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts" / "benchmarks"))

from peers.catalog import BASE, FOLDER, participants, read
from peers.figures import figures, ratios, written


def test_everybody_says_what_they_need_and_what_a_kill_costs() -> None:
    everybody = participants()
    assert [one.name for one in everybody][:3] == [BASE, "celery-threads", "threads"]
    names = {one.name for one in everybody}
    assert names >= {"dramatiq", "taskiq", "saq", "streaq", "huey", "rq", "arq", "bullmq"}
    assert len(names) == len(everybody)
    for one in everybody:
        assert "once" in one.delivery
        assert all(("@" if one.file.suffix == ".cjs" else "==") in package for package in one.packages), one.name


def test_a_new_file_takes_part_without_any_other_change(tmp_path: Path) -> None:
    lines = ["{0} /// script", '{0} dependencies = ["x==1"]', "{0} [[participant]]", '{0} name = "x"', "{0} ///", ""]
    block = "\n".join([*lines[:4], '{0} delivery = "once"', *lines[4:]])
    for name, mark in (("x_jobs.py", "#"), ("y_jobs.cjs", "//")):
        (tmp_path / name).write_text("first\n" + block.format(mark))
        (found,) = read(tmp_path / name)
        assert (found.name, found.title, found.packages, found.slots) == ("x", "x", ("x==1",), 1)
    (tmp_path / "z_jobs.py").write_text(block.format("#").replace("delivery", "delivers"))
    with pytest.raises(ValueError, match="delivers"):
        read(tmp_path / "z_jobs.py")
    assert read(FOLDER / "participant.py") == []


def test_figures_are_medians_and_ratios_are_those_of_the_rounds() -> None:
    plain = {"consume 1": [100.0, 200.0, 300.0], "latency": [float(ms) for ms in range(1, 201)]}
    quick = {"consume 1": [400.0, 600.0, 600.0], "stored 1": [5.0]}
    assert figures(plain) == {"consume 1": 200, "p50": 100.5, "p99": 199}
    assert ratios({BASE: plain, "quick": quick}) == {BASE: {"consume 1": 1}, "quick": {"consume 1": 3}}
    assert ratios({"quick": quick}) == {"quick": {}}
    assert [written(value) for value in (None, 0.046, 9.96, 1234.5)] == ["-", "0.05", "10.0", "1 234"]
