"""What people and programs are shown of jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from command_line import call
from tasks_platform.services.mailbox.folder import read_mailbox
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.hook import Hook
    from flower_server import FlowerServer


def in_the_letters(job_id: str, pin: int, environment: dict[str, str]) -> Iterator[str]:
    """Look at a dead letter in every way there is, give it another secret, replay it; yield what was shown."""
    for words in (
        ("list",),
        ("list", "--json"),
        ("groups", "--json"),
        ("show", job_id),
        ("show", job_id, "--json"),
        ("edit", job_id, "--set", f"pin={pin}"),
        ("edit", job_id, "--ask", "pin", "--json"),
        ("audit", "--json"),
        ("replay", job_id, "--json"),
    ):
        result = call("letters", *words, columns=1000, given=f"{pin}\n", **environment)
        assert result.exit_code == 0, result.output
        yield result.output


def on_flower(flower: FlowerServer, job_ids: list[str]) -> Iterator[str]:
    """Yield the pages of Flower on which a job is to be seen."""
    table = "/tasks/datatable?draw=1&start=0&length=50&order[0][column]=0&columns[0][data]=name"
    for path in ("/", "/tasks", "/workers", "/broker", "/metrics", "/api/tasks", "/api/workers?refresh=1", table):
        yield flower.open(path).text
    for job_id in job_ids:
        for path in ("/task/", "/api/task/info/", "/api/task/result/"):
            yield flower.open(f"{path}{job_id}").text


def told_of(hook: Hook, state: Path, job_ids: set[str]) -> Iterator[str]:
    """Yield what a program and people are told of the burial of jobs."""
    wait_for(lambda: {news["letter"] for news in hook.told} == job_ids, 20, "the webhook")
    wait_for(lambda: len(read_mailbox(state / "mailbox")) == len(job_ids), 20, "the mails")
    yield json.dumps(hook.told)
    yield from (mail.read_text() for mail in (state / "mailbox").rglob("*") if mail.is_file())


def after_a_purge(job_id: str, environment: dict[str, str]) -> Iterator[str]:
    """Drop a dead letter for its age; yield what is left to be seen of it."""

    def purged() -> bool:
        words = ("purge", "--older-than", "1s", "--yes", "--json")
        return (
            call("letters", *words, **environment).exit_code == 0
            and call("letters", "show", job_id, **environment).exit_code == 1
        )

    wait_for(purged, 20, "the end of the letter")
    yield call("letters", "audit", columns=1000, **environment).output
    yield (told := call("letters", "audit", "--json", **environment).output)
    assert job_id in told
