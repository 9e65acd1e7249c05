"""Which names a project's package may have."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.util import find_spec

from tasks_platform.errors import SettingsError


def check_name(name: str) -> None:
    """Refuse a name that Python could not import, or would take for something else.

    Raises:
        SettingsError: saying what is wrong with it.

    """
    if (problem := _problem(name)) is not None:
        raise SettingsError(f"{name!r} cannot be the name of a project: {problem}")


def _problem(name: str) -> str | None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return "it has to be small letters, digits and underscores, beginning with a letter"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "it is a word of Python's own"
    if name in sys.stdlib_module_names:
        return "Python has a module of that name"
    if name == "tests" or (find_spec(name) is not None and not _is_here(name)):
        return "a package of that name is installed, and would be hidden"
    return None


def _is_here(name: str) -> bool:
    """Tell whether *name* is no more than a folder without code, which Python takes for a namespace package."""
    spec = find_spec(name)
    return spec is not None and spec.origin is None
