"""The commands with which a person goes on when steps wait to be corrected."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

from rich.console import Console

from tasks_platform.cli.showing import printable
from tasks_platform.letters import Letter
from tasks_platform.settings import Settings

#: Characters of a cause before the commands that mend it, and the letters that are shown so.
_SHORT = 200
_MOST = 3


def say_how_to_go_on(console: Console, letters: Sequence[Letter], settings: Settings) -> None:
    """Print the commands that correct and replay each of *letters*."""
    server = "" if settings.redis_url is not None or settings.embedded else "TASKS_EMBEDDED=1 "
    command = f"{server}{_program()} letters"
    for letter in letters[:_MOST]:
        cause = shorten(printable(letter["cause"]["message"]), _SHORT, placeholder="...")
        console.print(f"\nA step waits to be corrected: {cause}\n", style="yellow")
        letter_id = letter["id"][:8]
        edit = [f"edit {letter_id} --set to=accounts@example.org"] if _is_mail(letter) else []
        for rest in (f"show {letter_id}", *edit, f"replay {letter_id} --work"):
            console.print(f"  {command} {rest}", soft_wrap=True)
    if len(letters) > _MOST:
        console.print(f"\n{len(letters) - _MOST} more steps wait to be corrected:\n", style="yellow")
        console.print(f"  {command} list", soft_wrap=True)


def _is_mail(letter: Letter) -> bool:
    return bool(letter["task"].endswith(".mail_invoice"))


def _program() -> str:
    """Return how this program was called, as short as it can be typed again."""
    program = Path(sys.argv[0])
    try:
        return os.fspath(program.resolve().relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(program)
