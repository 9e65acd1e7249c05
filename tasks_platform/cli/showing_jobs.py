"""Jobs that have not ended, for people and for machines."""

from __future__ import annotations

import json
from typing import Any

from rich.text import Text

from tasks_platform.cli.showing import a_console, a_table, in_colour, printable
from tasks_platform.console.masking import masked_value
from tasks_platform.jobs import Job, Peek


def as_row(job: Job) -> dict[str, Any]:
    """Return a job as plain JSON."""
    return {
        "id": job.id,
        "task": job.task,
        "state": job.state,
        "queue": job.queue,
        "priority": str(job.priority),
        "attempt": job.attempt,
        "tenant": job.tenant,
        "due": job.due.isoformat() if job.due else None,
        "held": job.held,
        "before": job.before,
        "worker": job.worker,
    }


def where(job: Job) -> str:
    """Return where a job is, as the end of a sentence."""
    match job.state:
        case "waiting":
            return f"waits in {job.queue} ({job.priority})"
        case "delayed" | "held":
            return f"is {job.state} in {job.queue} until {job.due:%Y-%m-%d %H:%M:%S} UTC"
        case _:
            return f"is {job.state} at {job.worker}"


def print_job(job: Job) -> None:
    """Print where a job is."""
    table = a_table("", "")
    table.show_header = False
    for name, value in as_row(job).items():
        if value is not None:
            shown = in_colour(str(value)) if name == "state" else Text(printable(value))
            table.add_row(Text(name, "dim"), shown)
    a_console().print(table)


def print_peek(found: Peek) -> None:
    """Print a job with its headers and arguments."""
    print_job(found.job)
    for title, told in (("arguments", found.arguments), ("headers", found.headers)):
        table = a_table("", "", title=Text(title, "bold"))
        table.show_header = False
        for name, value in masked_value(dict(told or {})).items():
            table.add_row(Text(printable(name), "dim"), printable(json.dumps(value, ensure_ascii=False, default=str)))
        a_console().print(table)
