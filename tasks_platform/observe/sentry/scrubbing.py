"""What leaves this machine: no secret in any text, nothing under a name that says secret, and the job in the tags."""

from __future__ import annotations

import re
from typing import Any, Final

from sentry_sdk._types import AnnotatedValue
from sentry_sdk.scrubber import EventScrubber

from tasks_platform.observe.context import current_job
from tasks_platform.sealing import censored_value

_SECRET_NAMES: Final = re.compile(
    r"pass(word|wd|phrase)|pwd|secret|token|api_?key|private_?key|credential|authori[sz]ation|cookie|session",
    re.IGNORECASE,
)


class NameScrubber(EventScrubber):
    """Sentry's own, which knows names like ``password`` but not ``new_password``, and leaves the contexts alone."""

    def scrub_dict(self, d: object) -> None:
        """Hide the values of *d* whose names say that they are secret, at any depth."""
        if not isinstance(d, dict):
            return
        for name, value in d.items():
            if isinstance(name, str) and (_SECRET_NAMES.search(name) or name.lower() in self.denylist):
                d[name] = AnnotatedValue.substituted_because_contains_sensitive_data()
            else:
                self.scrub_dict(value)
                self.scrub_list(value)

    def scrub_event(self, event: Any) -> None:
        """Hide them in all parts of *event* that are given by those who write tasks."""
        super().scrub_event(event)
        self.scrub_dict(event.get("contexts"))


def scrubbed(event: Any, _hint: Any) -> Any:
    """Return *event* without secrets, and tagged with the job that it came from."""
    if event.get("type") != "check_in":
        event["tags"] = {**tags_of(current_job()), **(event.get("tags") or {})}
    return censored_value(event)


def tags_of(job: dict[str, Any]) -> dict[str, str]:
    """Return what identifies a job as Sentry's tags."""
    return {name: str(value) for name, value in job.items()}
