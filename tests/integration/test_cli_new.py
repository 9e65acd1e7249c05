"""``tasks-platform new``: a project that works as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from command_line import call, refusal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_project_passes_its_own_tests_with_a_real_worker(tmp_path: Path) -> None:
    result = call("new", "bakery", "--into", str(tmp_path / "bakery"))

    assert result.exit_code == 0, result.output
    assert os.access(tmp_path / "bakery" / "worker", os.X_OK)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    tests = subprocess.run(command, cwd=tmp_path / "bakery", capture_output=True, text=True, timeout=100, check=False)
    assert re.search(r"^3 passed", tests.stdout, re.MULTILINE), tests.stdout + tests.stderr


def test_its_files_name_the_project_and_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    result = call("new", "hat_shop", "--into", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output

    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(tmp_path / "new")) for path in files} >= {
        "hat_shop/tasks.py",
        "hat_shop.env",
        "tests/test_tasks.py",
    }
    for path in files:
        assert "$name" not in path.read_text()
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")
    assert "# Hat shop" in (tmp_path / "new" / "README.md").read_text()


def test_what_lies_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    assert "is not empty: nothing was written" in refusal(call("new", "bakery", "--into", str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("my-shop", "small letters, digits and underscores"),
        ("Shop", "small letters"),
        ("class", "a word of Python's own"),
        ("email", "Python has a module of that name"),
        ("celery", "is installed"),
        ("../shop", "small letters"),
    ],
)
def test_a_name_that_python_would_not_import_is_refused(name: str, problem: str, tmp_path: Path) -> None:
    assert problem in refusal(call("new", name, "--into", str(tmp_path / "new")))
    assert not (tmp_path / "new").exists()
