"""Write the files of a new project."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from tasks_platform.errors import SettingsError

#: The files are templates, so that nobody takes them for code of this package.
_SUFFIX = ".template"
_EXECUTABLE = 0o755


def write_project(name: str, folder: Path) -> list[Path]:
    """Write the project *name* into *folder*, which must not exist or be empty, and return the paths.

    Raises:
        SettingsError: if there is something already, or the folder cannot be written to.

    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty: nothing was written; name another folder with --into")
        written = []
        for relative, text in _templates(files("tasks_platform.cli.new_project") / "files"):
            path = folder / relative.replace("package/", f"{name}/").replace("project.env", f"{name}.env")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(name=name, title=name.replace("_", " ").capitalize()))
            if text.startswith("#!"):
                path.chmod(_EXECUTABLE)
            written.append(path)
    except OSError as error:
        raise SettingsError(f"the project cannot be written to {folder}: {error.strerror}: {error.filename}") from error
    return written


def _templates(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{above}{entry.name.removesuffix(_SUFFIX)}", entry.read_text()
