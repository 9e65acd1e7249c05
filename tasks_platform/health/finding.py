"""What a check finds, and what the registry makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found."""

    healthy: bool
    #: What was found, with the numbers; where it is not well, what to do.
    message: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One check and what it found."""

    name: str
    #: Whether the installation as a whole counts as ill when this check does not pass.
    required: bool
    finding: Finding

    @property
    def alarming(self) -> bool:
        """Whether somebody has to do something."""
        return self.required and not self.finding.healthy

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        finding = self.finding
        return {
            "name": self.name,
            "healthy": finding.healthy,
            "required": self.required,
            "message": finding.message,
            "figures": dict(finding.figures),
        }
