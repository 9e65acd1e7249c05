"""The rights of a server's users, as the README grants them."""

from __future__ import annotations

import re
from pathlib import Path

_README = (Path(__file__).parents[1] / "README.md").read_text()


def rights() -> dict[str, list[str]]:
    """Return the rules of the broker's users."""
    found = re.search(r"```text\n(worker .*?)```", _README, re.DOTALL)
    assert found
    users = re.findall(r"^(\w+)((?:.*\n)(?:[ ]+.*\n)*)", found[1], re.MULTILINE)
    return {user: rules.split() for user, rules in users}


def rights_to_records() -> list[str]:
    """Return the rules that the records of the platform ask for besides."""
    found = re.search(r"`(~tasks-platform:[^`]+)`", _README)
    assert found
    return found[1].split()


def rights_at_sentinels() -> str:
    """Return the rules that a user of sentinels needs."""
    found = re.search(r"A user of the sentinels needs `([^`]+)`", _README)
    assert found
    return found[1]
