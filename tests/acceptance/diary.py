"""A file in which tasks write down what they do: a line that was written outlives the death of its process."""

from __future__ import annotations

from pathlib import Path


def note(diary: str | Path, text: object) -> None:
    """Append one line, whole or not at all."""
    with Path(diary).open("a") as file:
        file.write(f"{text}\n")


def read(diary: str | Path) -> list[str]:
    """Return the lines written so far."""
    return Path(diary).read_text().split() if Path(diary).exists() else []
