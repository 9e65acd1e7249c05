"""CancelMark: who wants a job no more, and why."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

#: Seconds that a running job has to end by itself, where nobody says otherwise.
GRACE = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelMark:
    """Who has cancelled a job, when (in seconds since 1970), and why."""

    by: str
    why: str
    at: float
    #: Seconds that a running one has to end by itself.
    grace: float = GRACE

    @property
    def reason(self) -> str:
        """What is said of a job that has ended so."""
        return f"cancelled by {self.by}: {self.why}" if self.why else f"cancelled by {self.by}"

    def write(self) -> str:
        """Return it as it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, stored: str) -> CancelMark:
        """Return what is *stored*; a job that others have marked is cancelled, too."""
        try:
            told = json.loads(stored)
            at, grace = float(told["at"]), float(told["grace"])
            if math.isfinite(at) and math.isfinite(grace):
                return cls(by=str(told["by"]), why=str(told["why"]), at=at, grace=grace)
        except (ValueError, TypeError, KeyError, OverflowError):
            pass
        return cls(by="somebody", why=stored, at=0.0)
