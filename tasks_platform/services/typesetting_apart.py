"""Typesetting in a process of its own, which gives its memory back when it ends.

typst keeps some 330 MB after every long document that it sets. A worker's child that lives for thousands of jobs would
grow to gigabytes; starting another process costs a tenth of a second, which a long document takes ten times.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError, SettingsError
from tasks_platform.services.typesetting import Typesetter

#: Exit codes of the process; any other means that it died.
_REFUSED, _UNSET = 3, 4
#: Seconds the longest document may take; the job has its own limit besides.
_PATIENCE = 600.0


def pdf_apart(template: str, *, title: str, inputs: dict[str, str], created: datetime, fonts: Path | None) -> bytes:
    """Return what `Typesetter.pdf` returns.

    Raises:
        ServiceRefusedError: the template cannot be set with these inputs, or no font has one of their letters.
        ServiceUnavailableError: the process died, for example of too little memory.
        SettingsError: typst is not installed.

    """
    order = {
        "template": template,
        "title": title,
        "inputs": inputs,
        "created": created.isoformat(),
        "fonts": None if fonts is None else str(fonts),
    }
    command = [sys.executable, "-m", "tasks_platform.services.typesetting_apart"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=json.dumps(order).encode(), capture_output=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise ServiceUnavailableError(f"{title} was not printed within {_PATIENCE:g} s") from None
    said = done.stderr.decode(errors="replace").strip()
    match done.returncode:
        case 0:
            return done.stdout
        case _ if done.returncode == _REFUSED:
            raise ServiceRefusedError(said)
        case _ if done.returncode == _UNSET:
            raise SettingsError(said)
        case code:
            last = said.splitlines()[-1] if said else "it said nothing"
            raise ServiceUnavailableError(f"the process that printed {title} died with {code}: {last}")


def _main() -> int:
    order = json.load(sys.stdin)
    fonts = None if order["fonts"] is None else Path(order["fonts"])
    try:
        pdf = Typesetter(fonts=fonts).pdf(
            order["template"],
            title=order["title"],
            inputs=order["inputs"],
            created=datetime.fromisoformat(order["created"]),
        )
    except (ServiceRefusedError, SettingsError) as error:
        sys.stderr.write(str(error))
        return _REFUSED if isinstance(error, ServiceRefusedError) else _UNSET
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
