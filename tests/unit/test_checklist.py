from __future__ import annotations

from pathlib import Path

import pytest

from checklist import ROOT, main, read_items, summary

CHECKLIST = """
["Retries"]
25 = "A bound"
26 = "Exponential"
["Good practice"]
86 = "Design"
[checks.86]
"retries" = "item 26"
"small payloads" = "lint rules.py T004"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "rules.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("outcomes", "states"),
    [
        ({}, ["open", "open", "partly"]),
        ({"26": {"test_a": "passed"}}, ["open", "proved", "checked"]),
        ({"26": {"test_a": "passed", "test_b": "failed"}}, ["open", "failed", "partly"]),
        ({"25": {"test_a": "skipped"}}, ["open", "open", "partly"]),
        ({"25": {"test_a": "skipped", "test_b": "passed"}}, ["proved", "open", "partly"]),
        ({"86": {"test_a": "passed"}}, ["open", "open", "proved"]),
    ],
)
def test_an_item_is_proved_by_a_passing_test_or_by_all_its_rules(
    outcomes: dict[str, dict[str, str]], states: list[str], root: Path
) -> None:
    assert states == [item.state for item in read_items(CHECKLIST, outcomes, root)]


def test_a_rule_whose_file_is_missing_does_not_hold(tmp_path: Path) -> None:
    design = read_items(CHECKLIST, {"26": {"test_a": "passed"}}, tmp_path)[-1]

    assert design.rules == {"retries": True, "small payloads": False}


def test_the_checklist_has_90_items_and_every_rule_names_something_that_exists() -> None:
    everything_passes = {str(number): {"test": "passed"} for number in range(1, 86)}
    items = read_items((ROOT / "scripts" / "checklist.toml").read_text(), everything_passes)

    assert list(range(1, 91)) == [item.number for item in items]
    assert [item.state for item in items[85:89]] == ["checked"] * 4


def test_the_summary_counts_each_state(root: Path) -> None:
    items = read_items(CHECKLIST, {"26": {"test_a": "passed"}}, root)

    expected = "1 of 3 items proved by tests, 1 by lint rules and review, 0 in part, 0 failed, 1 open."
    assert expected == summary(items)


@pytest.mark.parametrize(
    ("asked", "code"), [(("--at-least", "2"), 0), (("--at-least", "3"), 1), (("--require", "3"), 1)]
)
def test_too_few_items_are_a_failure(
    asked: tuple[str, str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"1": {"test_a": "passed"}, "2": {"test_b": "passed"}, "3": {"test_c": "skipped"}}')
    monkeypatch.setattr("checklist.REPORT", report)
    assert main(["--last", *asked]) == code
