"""Run the acceptance tests on every broker, and print what each can give from what really passed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from acceptance.brokers import BROKERS
from acceptance.left_out import reason_for

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".venv" / "matrix"
NAMES: Final = {"valkey": "Valkey 9 (embedded)", "redis": "Redis 7.0", "rabbitmq": "RabbitMQ 3.10, quorum queues"}
#: What passed, but not alike.
NOTES: Final = {
    ("a killed worker: its job runs on another", "valkey"): "when its lease ends",
    ("a killed worker: its job runs on another", "redis"): "when its lease ends",
    ("a killed worker: its job runs on another", "rabbitmq"): "at once",
    ("run later, never early", "valkey"): "waits in the server",
    ("run later, never early", "redis"): "waits in the server",
    ("run later, never early", "rabbitmq"): "waits in the server",
}
#: What a report tells of tests.
KINDS: Final = ("passed", "failed", "skipped", "left_out")
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
    parser.add_argument("--again", action="store_true", help="run only the files in which something failed last time")
    asked = parser.parse_args()
    if unknown := set(asked.brokers) - set(BROKERS):
        parser.error(f"no broker: {', '.join(sorted(unknown))}; there are {', '.join(BROKERS)}")
    brokers = [broker for broker in BROKERS if not asked.brokers or broker in asked.brokers]
    for broker in () if asked.last else brokers:
        run(broker, [file for file in files() if not asked.again or read(broker, [file]).failed])
    columns = [read(broker, files()) for broker in brokers if any(report_of(broker, file).exists() for file in files())]
    if asked.markdown:
        print(markdown(columns))
    else:
        show(columns)
    return 1 if any(column.failed for column in columns) or len(columns) < len(brokers) else 0


def files() -> list[Path]:
    """Return the files of the acceptance tests."""
    return sorted((ROOT / "tests" / "acceptance").glob("test_*.py"))


def report_of(broker: str, file: Path) -> Path:
    """Return where the report of the last run of *file* on *broker* lies."""
    return FOLDER / broker / f"{file.stem}.json"


def run(broker: str, chosen: Iterable[Path]) -> None:
    """Run some of the acceptance tests on *broker*, each file by itself: one that hangs or dies costs no other."""
    for file in chosen:
        report = report_of(broker, file)
        report.parent.mkdir(parents=True, exist_ok=True)
        report.unlink(missing_ok=True)
        print(f"\n== {NAMES[broker]}: {file.name}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", str(file), f"--matrix={report}"]
        # a broker that is not installed is an error here, not a reason to skip
        environment = {**os.environ, "TESTS_BROKER": broker, "CI": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603


def read(broker: str, chosen: Iterable[Path]) -> Column:
    """Return how the last runs of these files on *broker* ended; one without a report did not come to its end."""
    reports: list[dict[str, Any]] = []
    lost: list[str] = []
    for file in chosen:
        report = report_of(broker, file)
        if report.exists():
            reports.append(json.loads(report.read_text(encoding="utf-8")))
        else:
            lost.append(f"{file.name}: it did not come to its end")
    found = {kind: [test for report in reports for test in report[kind]] for kind in KINDS}
    promises = {promise: outcome for report in reports for promise, outcome in report["promises"].items()}
    return Column(
        broker=broker,
        passed=len(found["passed"]),
        failed=(*found["failed"], *found["skipped"], *lost),
        left_out={test: reason_for(broker, test) or "deselected by hand" for test in found["left_out"]},
        promises={promise: outcome == "passed" for promise, outcome in promises.items()},
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
