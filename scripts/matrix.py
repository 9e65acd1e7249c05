"""Run the acceptance tests on every broker, and print what each can give from what really passed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from acceptance.brokers import BROKERS
from acceptance.left_out import reason_for

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".venv" / "matrix"
NAMES: Final = {"valkey": "Valkey 9 (embedded)", "redis": "Redis 7.0", "rabbitmq": "RabbitMQ 3.10, quorum queues"}
#: What passed, but not alike.
NOTES: Final = {
    ("a killed worker: its job runs on another", "valkey"): "after the visibility timeout",
    ("a killed worker: its job runs on another", "redis"): "after the visibility timeout",
    ("a killed worker: its job runs on another", "rabbitmq"): "at once",
    ("run later, never early", "valkey"): "waits in a worker",
    ("run later, never early", "redis"): "waits in a worker",
    ("run later, never early", "rabbitmq"): "waits in the server",
}
ALL: Final = "the whole acceptance suite"


@dataclass(frozen=True, kw_only=True)
class Column:
    """How the tests ended on one broker."""

    broker: str
    passed: int
    failed: tuple[str, ...]
    #: Why a test is not run on this broker, by its name.
    left_out: dict[str, str] = field(default_factory=dict)
    #: Whether a promise is kept.
    promises: dict[str, bool] = field(default_factory=dict)

    def cell(self, promise: str) -> str:
        """Say in a few words what the broker gives."""
        if promise == ALL:
            failed = f", {len(self.failed)} failed" if self.failed else ""
            return f"{self.passed} passed{failed}, {len(self.left_out)} left out"
        kept = self.promises.get(promise)
        if kept is None:
            return "not run"
        note = NOTES.get((promise, self.broker))
        return ("yes" + (f", {note}" if note else "")) if kept else "NO"


def main() -> int:
    """Run what was asked for; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="scripts/matrix", description=__doc__)
    parser.add_argument(
        "brokers", nargs="*", metavar="BROKER", help=f"one or more of {', '.join(BROKERS)}; all of them"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as it stands in the README")
    parser.add_argument("--last", action="store_true", help="run nothing; show what the last run saw")
    asked = parser.parse_args()
    if unknown := set(asked.brokers) - set(BROKERS):
        parser.error(f"no broker: {', '.join(sorted(unknown))}; there are {', '.join(BROKERS)}")
    brokers = [broker for broker in BROKERS if not asked.brokers or broker in asked.brokers]
    if not asked.last:
        for broker in brokers:
            run(broker)
    columns = [read(broker) for broker in brokers if report_of(broker).exists()]
    if asked.markdown:
        print(markdown(columns))
    else:
        show(columns)
    return 1 if any(column.failed for column in columns) or len(columns) < len(brokers) else 0


def report_of(broker: str) -> Path:
    """Return where the report of a run on *broker* lies."""
    return FOLDER / f"{broker}.json"


def run(broker: str) -> None:
    """Run the acceptance tests on *broker*."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    report_of(broker).unlink(missing_ok=True)
    print(f"\n== {NAMES[broker]}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "tests/acceptance", f"--matrix={report_of(broker)}"]
    # a broker that is not installed is an error here, not a reason to skip
    subprocess.run(command, cwd=ROOT, env={**os.environ, "TESTS_BROKER": broker, "CI": "1"}, check=False)  # noqa: S603


def read(broker: str) -> Column:
    """Return how the last run on *broker* ended."""
    report = json.loads(report_of(broker).read_text(encoding="utf-8"))
    return Column(
        broker=broker,
        passed=len(report["passed"]),
        failed=(*report["failed"], *report["skipped"]),
        left_out={test: reason_for(broker, test) or "deselected by hand" for test in report["left_out"]},
        promises={promise: outcome == "passed" for promise, outcome in report["promises"].items()},
    )


def rows(columns: list[Column]) -> list[list[str]]:
    """Return the lines of the table."""
    promises = dict.fromkeys(promise for column in columns for promise in column.promises)
    return [[promise, *(column.cell(promise) for column in columns)] for promise in (*promises, ALL)]


def markdown(columns: list[Column]) -> str:
    """Return the table for the README."""
    lines = [["", *(NAMES[column.broker] for column in columns)], ["---"] * (len(columns) + 1), *rows(columns)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def show(columns: list[Column]) -> None:
    """Print the table, what failed, and what is left out."""
    console = Console()
    table = Table("", *(NAMES[column.broker] for column in columns))
    for line in rows(columns):
        table.add_row(*line)
    console.print(table)
    for column in columns:
        for test in column.failed:
            console.print(f"failed on {column.broker}: {test}", markup=False)
        for test, reason in column.left_out.items():
            console.print(f"left out on {column.broker}: {test}: {reason}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
