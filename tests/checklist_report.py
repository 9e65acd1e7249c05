"""Record which items of the capability checklist the tests of this run prove, for ``scripts/checklist``.

A test names the items it helps to prove: ``@pytest.mark.checklist(33)``. ``--checklist=FILE`` writes
``{"33": {"tests/...::test_name": "passed"}}`` when the run ends; a test has failed when any part of it did.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

#: The items are numbered 1 to 90.
ITEMS = range(1, 91)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the report."""
    parser.addoption("--checklist", metavar="FILE", type=Path, help="write which checklist items passed")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that sees all reports, if anybody wants to know."""
    if config.getoption("--checklist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.getoption("--checklist")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attach the marked items to each test, in the form that travels with its reports."""
    for item in items:
        for mark in item.iter_markers("checklist"):
            wrong = [number for number in mark.args if number not in ITEMS]
            if wrong or not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: checklist({mark.args}) must name items of 1 to 90")
            item.user_properties.append(("checklist", (item.nodeid, mark.args)))


class Recorder:
    """Collects outcomes until the run ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[int, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of *report*, unless a part of the same test went wrong before."""
        for name, value in report.user_properties:
            if name == "checklist":
                test, numbers = value
                for number in numbers:
                    if self.outcomes[number].get(test, "passed") == "passed":
                        self.outcomes[number][test] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        by_number = {str(number): self.outcomes[number] for number in sorted(self.outcomes)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(by_number, indent=1), encoding="utf-8")
