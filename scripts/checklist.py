"""Print which items of the capability checklist are proved by passing tests."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
#: Where scripts/test leaves what its tests proved.
REPORT = ROOT / ".venv" / "checklist.json"

State = Literal["proved", "failed", "checked", "partly", "open"]
STYLES: dict[State, str] = {
    "proved": "green",
    "failed": "bold red",
    "checked": "cyan",
    "partly": "yellow",
    "open": "dim",
}
SHOWN: set[State] = {"proved", "checked"}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One capability and what shows that it is there."""

    number: int
    section: str
    title: str
    #: proved or failed: by tests; checked or partly: by lint rules and review; open: by nothing.
    state: State
    #: The outcome of every test that names this item.
    tests: dict[str, str]
    #: Every rule of good practice, and whether it is kept watch over.
    rules: dict[str, bool]


def read_items(checklist: str, outcomes: dict[str, dict[str, str]], root: Path = ROOT) -> list[Item]:
    """Combine the *checklist* (TOML) with the *outcomes* of tests by item number."""
    sections = tomllib.loads(checklist)
    checks: dict[str, dict[str, str]] = sections.pop("checks")
    proved = {number for number, tests in outcomes.items() if _state(tests, {}) == "proved"}
    items = []
    for section, titles in sections.items():
        for number, title in titles.items():
            tests = outcomes.get(number, {})
            rules = {rule: _holds(by, proved, root) for rule, by in checks.get(number, {}).items()}
            state = _state(tests, rules)
            item = Item(number=int(number), section=section, title=title, state=state, tests=tests, rules=rules)
            items.append(item)
    return items


def _holds(by: str, proved: set[str], root: Path) -> bool:
    """Tell whether the rule is watched over *by* what it names: ``item 23``, ``lint FILE ...``, ``review FILE``."""
    kind, target, *_ = by.split()
    return target in proved if kind == "item" else (root / target).is_file()


def _state(tests: dict[str, str], rules: dict[str, bool]) -> State:
    if "failed" in tests.values():
        return "failed"
    if "passed" in tests.values():
        return "proved"
    if not any(rules.values()):
        return "open"
    return "checked" if all(rules.values()) else "partly"


def summary(items: list[Item]) -> str:
    """Say in one line how far it is."""
    count = {state: sum(item.state == state for item in items) for state in STYLES}
    return (
        f"{count['proved']} of {len(items)} items proved by tests, {count['checked']} by lint rules and review, "
        f"{count['partly']} in part, {count['failed']} failed, {count['open']} open."
    )


def table(items: list[Item]) -> Table:
    """Lay out *items* for a person."""
    grid = Table("item", "state", "what", "shown by")
    section = None
    for item in items:
        if item.section != section:
            section = item.section
            grid.add_section()
            grid.add_row("", "", f"[bold]{section}[/]")
        shown_by = f"{len(item.tests)} tests" if item.tests else ""
        if item.rules:
            shown_by = f"{sum(item.rules.values())} of {len(item.rules)} rules"
        grid.add_row(str(item.number), f"[{STYLES[item.state]}]{item.state}[/]", item.title, shown_by)
    return grid


def run_marked_tests() -> None:
    """Run every test that names an item; their outcome is in the report."""
    # Joined by "=": an existing file after a space would be taken for the folder of the tests.
    report = f"--checklist={REPORT}"
    command = [sys.executable, "-m", "pytest", "-n", "2", "-m", "checklist", report]
    REPORT.unlink(missing_ok=True)
    subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr)  # noqa: S603 - the command is ours


def main(arguments: list[str]) -> int:
    """Print the state of all items; return 1 if a required one is neither proved nor checked, or too few are proved."""
    parser = argparse.ArgumentParser(prog="scripts/checklist", description=__doc__)
    parser.add_argument("--last", action="store_true", help="what the last scripts/test proved; runs nothing")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--require", nargs="+", type=int, default=[], metavar="N", help="fail unless these are shown")
    parser.add_argument("--at-least", type=int, default=0, metavar="N", help="fail unless so many are proved by tests")
    options = parser.parse_args(arguments)
    if not options.last:
        run_marked_tests()
    if not REPORT.exists():
        parser.error("no tests were run yet: leave out --last, or run scripts/test")

    outcomes = json.loads(REPORT.read_text(encoding="utf-8"))
    items = read_items((ROOT / "scripts" / "checklist.toml").read_text(encoding="utf-8"), outcomes)
    if options.json:
        print(json.dumps([asdict(item) for item in items], indent=1))
    else:
        Console().print(table(items))
        print(summary(items))
    shown = {item.number for item in items if item.state in SHOWN}
    lacking = [number for number in options.require if number not in shown]
    if lacking:
        print(f"Required, and not shown: {', '.join(map(str, lacking))}", file=sys.stderr)
    proved = sum(item.state == "proved" for item in items)
    if proved < options.at_least:
        print(f"{proved} items are proved by tests, and {options.at_least} have to be", file=sys.stderr)
    return 1 if lacking or proved < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
