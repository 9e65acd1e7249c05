"""Kill -9 of pool processes, the embedded server and the mail server while the month runs; account for everything.

Each round has a state folder of its own and ends only processes that it started, by their process id. The kill of a
whole worker is not among the faults: plain Redis leaves its messages to the visibility timeout.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from independent_sum import sums_per_currency
from month import MonthRun, kill
from read_invoice import read_total
from tasks_platform.services import sample
from tasks_platform.services.books import Database, Month, Summary, summarize
from tasks_platform.services.mailbox.folder import read_mailbox

CLIENTS = 25
VICTIMS = ("pool process", "server", "mail server")
LABELS = ("Render invoices", "File invoices", "Mail invoices")


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one month under fire came to."""

    kills: Counter[str]
    booked: int
    filed: int
    #: Mails with a Message-ID that another one has: cut between the server's answer and our record.
    repeated: int
    #: Invoices without a mail, and mails without an invoice.
    missing: int
    stray: int
    #: Whether the PDFs add up to the time entries, to the cent.
    exact: bool
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost and nothing booked or filed twice."""
        return self.booked == self.filed == CLIENTS and not self.missing and not self.stray and self.exact


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--kills", default=4, show_default=True, help="Kills in each round.")
def main(rounds: int, seed: int, kills: int) -> None:
    """Run so many months, each under so many kills."""
    console = Console()
    table = Table("", "kills", "booked", "filed", "repeated", "missing", "stray", "sums", "s")
    outcomes = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="month-", ignore_cleanup_errors=True) as folder:
            outcome = one_round(Path(folder) / "state", random.Random(seed * 1000 + number), kills)  # noqa: S311 - replayable
        outcomes.append(outcome)
        killed = ", ".join(f"{count} x {victim}" for victim, count in sorted(outcome.kills.items()))
        figures = (outcome.booked, outcome.filed, outcome.repeated, outcome.missing, outcome.stray)
        sums = "exact" if outcome.exact else "WRONG"
        table.add_row(str(number + 1), killed, *map(str, figures), sums, f"{outcome.seconds:.0f}")
        console.print(f"round {number + 1}: {killed}: {'good' if outcome.good else 'BAD'}")
    console.print(table)
    sys.exit(0 if all(outcome.good for outcome in outcomes) else 1)


def one_round(state: Path, chance: random.Random, kills: int) -> Round:
    """Run a month, kill parts of it, correct its parked step, and count."""
    run = MonthRun(state)
    begun = time.monotonic()
    killed: Counter[str] = Counter()
    with run.in_the_background() as process:
        steps = sorted((chance.randrange(3 * CLIENTS - 3), chance.choice(VICTIMS)) for _ in range(kills))
        for threshold, victim in steps:
            if not wait_for_progress(run, process, threshold):
                break
            pid = {
                "pool process": lambda: run.worker_child(process),
                "server": run.server,
                "mail server": run.mailbox_server,
            }[victim]()
            kill(pid)
            killed[victim] += 1
        run.outcome(process, deadline=600.0)
    for letter in json.loads(run.command("letters", "list", "--json"))["letters"]:
        if letter["task"].endswith("mail_invoice") and letter["cause"]["type"].endswith("ServiceRefusedError"):
            run.command("letters", "edit", letter["id"], "--set", "to=accounts@tidewater.example")
        run.command("letters", "replay", letter["id"], "--work")
    return counted(run, killed, time.monotonic() - begun)


def wait_for_progress(run: MonthRun, process: subprocess.Popen[str], threshold: int) -> bool:
    """Wait until so many of the clients' steps have succeeded; False when the run ended before."""
    deadline = time.monotonic() + 300.0
    while process.poll() is None and time.monotonic() < deadline:
        flow = run.flow()
        if flow is not None:
            done = sum(step.state == "succeeded" for step in flow.steps if step.label in LABELS)
            if done >= threshold:
                return True
        time.sleep(0.05)
    return False


def counted(run: MonthRun, killed: Counter[str], seconds: float) -> Round:
    """Compare books, files and mails."""
    summary = books(run.state)
    mails = Counter(mail.message_id for mail in read_mailbox(run.state / "mailbox"))
    expected = {row.message_id for row in summary.rows}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for path in (run.state / "files").rglob("*.pdf"):
        currency, total = read_total(path.read_bytes())
        sums[currency] += total
    wanted: dict[str, Decimal] = sums_per_currency(sample.TIME_ENTRIES, sample.CLIENTS_FILE, sample.MONTH)
    return Round(
        kills=killed,
        booked=summary.booked,
        filed=len(list((run.state / "files").rglob("*.pdf"))),
        repeated=sum(mails.values()) - len(mails),
        missing=len(expected - set(mails)),
        stray=len(set(mails) - expected),
        exact=dict(sums) == wanted,
        seconds=seconds,
    )


def books(state: Path) -> Summary:
    """Return how the books say the month stands."""
    database = Database(f"sqlite:///{state / 'books.sqlite3'}")
    with database.reading() as session:
        summary = summarize(session, sample.SLUG, Month.parse(sample.MONTH))
    database.dispose()
    return summary


if __name__ == "__main__":
    main()
