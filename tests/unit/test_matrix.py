"""The matrix of brokers says what passed, and every test that is left out has a reason and exists."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import matrix
from acceptance.brokers import BROKERS
from acceptance.left_out import LEFT_OUT, reason_for
from matrix import NAMES, NOTES, Column, markdown

ACCEPTANCE = Path(__file__).parents[1] / "acceptance"


def names() -> list[str]:
    """Return the acceptance tests by file and name."""
    return [
        f"{file.name}::{node.name}"
        for file in ACCEPTANCE.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def promises() -> set[str]:
    """Return what the tests of every broker promise."""
    tree = ast.parse((ACCEPTANCE / "test_every_broker.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.args[0].value for call in calls if isinstance(call.func, ast.Name) and call.func.id == "promise"}


def test_every_broker_has_a_name_and_a_table_of_what_is_left_out() -> None:
    assert set(NAMES) == set(LEFT_OUT) == set(BROKERS)


@pytest.mark.parametrize(("broker", "part"), [(broker, part) for broker in BROKERS for part in LEFT_OUT[broker]])
def test_what_is_left_out_exists_and_is_not_everything(broker: str, part: str) -> None:
    out = [name for name in names() if part in name]
    assert out
    assert len(out) < len(names()) / 4
    assert all(reason_for(broker, name) for name in out)


def test_a_note_belongs_to_a_promise() -> None:
    assert {promise for promise, _ in NOTES} <= promises()


def test_a_cell_says_what_really_passed() -> None:
    note, broker = next(iter(NOTES))
    column = Column(broker=broker, passed=7, failed=(), left_out={"t": "r"}, promises={note: True, "b": False})
    cells = [column.cell(promise) for promise in (note, "b", "c", "the whole acceptance suite")]
    assert cells == [f"yes, {NOTES[note, broker]}", "NO", "not run", "7 passed, 1 left out"]
    assert markdown([column]).splitlines()[-2] == "| b | NO |"


def test_the_reports_of_files_add_up_and_a_file_without_one_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "FOLDER", tmp_path)
    reports = {"test_a": (["a::1", "a::2"], [], "passed"), "test_b": (["b::1"], ["b::2"], "failed")}
    for name, (passed, failed, promise) in reports.items():
        report = matrix.report_of("redis", Path(name))
        report.parent.mkdir(exist_ok=True)
        found = {"passed": passed, "failed": failed, "skipped": [], "left_out": [], "promises": {name: promise}}
        report.write_text(json.dumps(found))

    column = matrix.read("redis", map(Path, ("test_a", "test_b", "test_c")))

    assert column.cell(matrix.ALL) == "3 passed, 2 failed, 0 left out"
    assert column.failed == ("b::2", "test_c: it did not come to its end")
    assert column.promises == {"test_a": True, "test_b": False}
