"""An environment for each peer, made once and kept in the user's cache: nothing of it gets into the project's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from peers.catalog import Participant, PeerError

#: Seconds that an installation may take.
_PATIENCE: Final = 300.0


def command(participant: Participant, role: str) -> list[str]:
    """Return what runs the file of a participant, as its worker or its producer."""
    if participant.file.suffix == ".cjs":
        return ["node", str(participant.file), role]
    python = str(_folder(participant) / "bin" / "python") if participant.packages else sys.executable
    return [python, "-m", "participant", participant.file.stem, role]


def variables(participant: Participant) -> dict[str, str]:
    """Return the environment variables of its processes, without those that would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TASKS_", "PYTHON", "BENCH_"))}
    places = {"PYTHONPATH": str(participant.file.parent), "NODE_PATH": str(_folder(participant) / "node_modules")}
    return kept | places | participant.environment


def install(participant: Participant) -> None:
    """Make the environment of a participant, where it is not there.

    Raises:
        PeerError: it cannot be made; the message says why.
    """
    folder = _folder(participant)
    done = folder / ".complete"
    if not participant.packages or done.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if participant.file.suffix == ".cjs":
        _run("npm", "install", "--prefix", str(folder), "--ignore-scripts", "--loglevel=error", *participant.packages)
    else:
        _run(sys.executable, "-m", "venv", str(folder))
        pip = [
            str(folder / "bin" / "python"),
            "-I",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ]
        _run(*pip, "install", *participant.packages)
    done.touch()


def _folder(participant: Participant) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kind = hashlib.sha256("\n".join([sys.version, *participant.packages]).encode()).hexdigest()[:12]
    return cache / "tasks-platform" / "peers" / f"{participant.file.stem}-{kind}"


def _run(*arguments: str) -> None:
    try:
        subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=_PATIENCE)  # noqa: S603
    except FileNotFoundError:
        raise PeerError(f"{arguments[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise PeerError(f"its installation took more than {_PATIENCE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        reason = next(
            (line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "no reason"
        )
        raise PeerError(f"it cannot be installed: {reason.strip()}") from None
