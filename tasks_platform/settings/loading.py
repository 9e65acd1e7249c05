"""Read the environment, or say every problem with it."""

from __future__ import annotations

import difflib
import os
import re

from pydantic import ValidationError
from pydantic_settings import SettingsError as UnreadableSettingsError

from tasks_platform.errors import SettingsError
from tasks_platform.settings.group import Group
from tasks_platform.settings.platform import Settings


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: with every problem, in words and without any secret.

    """
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += problems_in_words(error)
    except UnreadableSettingsError as error:
        problems.append(_no_json(error))
    problems += _unknown_variables()
    if settings is None or problems:  # raised out here, where no error that quotes a value is its context
        raise SettingsError("\n".join(problems))
    return settings


def problems_in_words(error: ValidationError) -> list[str]:
    """Describe every problem of *error* by the variable a person has to change; values are never shown."""
    return [
        f"TASKS_{'__'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _no_json(error: UnreadableSettingsError) -> str:
    """Name the group that was set as a whole and is no JSON; the library's error says little more."""
    found = re.search(r'field "(\w+)"', str(error))
    name = found[1] if found else "smtp"
    group = Settings.model_fields[name].annotation
    part = next(iter(group.model_fields)) if isinstance(group, type) and issubclass(group, Group) else "..."
    variable = f"TASKS_{name.upper()}"
    return f"{variable}: it is not JSON; set its parts one by one, for example {variable}__{part.upper()}"


def _unknown_variables() -> list[str]:
    known = [name.upper() for name in Settings.model_fields]
    problems = []
    for variable in sorted(name for name in os.environ if name.startswith("TASKS_")):
        name = variable.removeprefix("TASKS_").split("__", 1)[0].upper()
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean TASKS_{meant[0]}?" if meant else ""
            problems.append(f"{variable} is not a setting of the platform{hint}")
    return problems
