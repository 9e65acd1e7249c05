"""What may be told of a run: sizes, no values."""

from __future__ import annotations

import resource
import sys
from typing import Any, Final

#: What ``ru_maxrss`` counts in: kilobytes on Linux, bytes on macOS.
_PER_MB: Final = 1024 * 1024 if sys.platform == "darwin" else 1024


def size_of(result: Any) -> str | None:
    """Return kind and size of a result in plain JSON; None if there is none."""
    match result:
        case None:
            return None
        case str():
            return f"text of {len(result)}"
        case dict():
            return f"object of {len(result)}"
        case list() | tuple():
            return f"list of {len(result)}"
    return type(result).__name__


def peak_mb() -> int:
    """Return the most memory that this process has needed so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _PER_MB
