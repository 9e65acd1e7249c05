"""Send jobs while everything is killed at random, and account for every one of them."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from under_fire import ledger
from under_fire.account import Account
from under_fire.scene import Scene, perform


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed chooses the same faults.")
@click.option("--jobs", default=23_500, show_default=True, help="Jobs to send.")
@click.option("--faults", default=60, show_default=True, help="Faults to strike; two in three are kills.")
@click.option("--every", default=2.0, show_default=True, help="Seconds between two faults, on average.")
@click.option("--lease", default=4.0, show_default=True, help="Seconds that a dead worker keeps what it had.")
@click.option("--broker", type=click.Choice(["leased", "redis"]), default="leased", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep ledger and logs in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(**options: Any) -> None:
    """Account for every job of a run under fire.

    Kills of pool processes, of workers and of their groups, standstills, stops that are cut short, cut connections
    and kills of the server strike at random. Ends with 1 if a job was lost, was repeated without a fault that hit its
    own process, or was run and never sent, and if anything is left in Redis but the letters that are to be there.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, as Ctrl-C does
    as_json, keep = options.pop("as_json"), options.pop("keep")
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        scene = Scene(folder=folder, broker=options.pop("broker"), lease=options.pop("lease"))
        began = time.monotonic()
        with Progress(console=Console(stderr=True)) as bars:
            tasks = {what: bars.add_task(what, total=1.0) for what in ("jobs", "faults", "done")}
            result = perform(scene, told=lambda what, share: bars.update(tasks[what], completed=share), **options)
        struck = Counter(line.name for line in ledger.read(scene.ledger) if line.kind == ledger.FAULT)
        _show(result, struck, time.monotonic() - began, as_json=as_json)
    if not result.good:
        sys.exit(1)


def _show(result: Account, struck: Counter[str], seconds: float, *, as_json: bool) -> None:
    figures = {
        "seconds": round(seconds, 1),
        "faults": dict(struck),
        "sent": result.sent,
        "once": result.once,
        "cut off": dict(result.cut),
        "repeated": dict(result.repeated),
        "repeated without a reason": len(result.unexplained),
        "published twice, for an answer was lost": len(result.published_twice),
        "lost": len(result.lost),
        "run and never sent": len(result.never_sent),
        "given up, for too many workers died with it": len(result.given_up),
        "refused for good": len(result.refused),
        "troubles": result.troubles,
    }
    if as_json:
        kinds = ("lost", "unexplained", "published_twice", "never_sent")
        names = {kind: getattr(result, kind) for kind in kinds}
        click.echo(json.dumps({**figures, "names": names}, indent=2))
        return
    table = Table("", "number", title="Every job")
    for name, value in figures.items():
        table.add_row(name, _text(value))
    Console().print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{count} x {what}" for what, count in value.items()]
    return ", ".join(value) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
