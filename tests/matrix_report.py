"""Record how the acceptance tests ended on one broker, for ``scripts/matrix``.

``--matrix=FILE`` writes ``{"passed": [...], "failed": [...], "left_out": [...], "promises": {"a retry": "passed"}}``
when the run ends. A promise is what a test marked ``every_broker`` names; a test fails when any part of it did.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the report."""
    parser.addoption("--matrix", metavar="FILE", type=Path, help="write how the tests ended on this broker")


def pytest_configure(config: pytest.Config) -> None:
    """Record, if anybody wants to know."""
    if config.getoption("--matrix"):
        config.pluginmanager.register(Recorder(config.getoption("--matrix")))


class Recorder:
    """Collects outcomes until the run ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[str, str] = {}
        self.promises: dict[str, str] = {}
        self.left_out: list[str] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note what is not run on this broker."""
        self.left_out += [item.nodeid for item in items]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which test shows which promise."""
        for item in session.items:
            if (mark := item.get_closest_marker("every_broker")) and mark.args:
                self.promises[item.nodeid] = mark.args[0]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of *report*, unless a part of the same test went wrong before."""
        if self.outcomes.get(report.nodeid, "passed") == "passed":
            self.outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        promises = {promise: self.outcomes.get(test, "not run") for test, promise in self.promises.items()}
        by_outcome = {
            outcome: sorted(test for test, found in self.outcomes.items() if found == outcome)
            for outcome in ("passed", "failed", "skipped")
        }
        report = {**by_outcome, "left_out": self.left_out, "promises": promises}
        self.path.write_text(json.dumps(report, indent=1), encoding="utf-8")
