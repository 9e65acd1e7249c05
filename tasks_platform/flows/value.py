"""What a flow looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: States in which a step does not go on by itself.
STUCK = frozenset({"parked", "dead", "cancelled"})
PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One job of a flow."""

    job_id: str
    task: str
    label: str
    #: Whom it is about, for example a client.
    subject: str
    #: Its share of the flow's progress, relative to the other steps.
    weight: float
    #: ``pending`` until its turn comes, then a state of a job.
    state: str
    #: The steps that come before it.
    after: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A graph of jobs with one id, one progress and one outcome."""

    id: str
    kind: str
    tenant: str | None
    #: What a step's death does: ``park`` or ``fail``.
    rule: str
    steps: tuple[Step, ...]

    @property
    def progress(self) -> float:
        """The weighted share of steps that succeeded, from 0 to 100."""
        whole = sum(step.weight for step in self.steps)
        done = sum(step.weight for step in self.steps if step.state == "succeeded")
        return 100.0 * done / whole if whole else 100.0

    @property
    def state(self) -> str:
        """``succeeded``, ``running``, or why it stands still: ``parked``, ``dead`` or ``cancelled``."""
        if all(step.state == "succeeded" for step in self.steps):
            return "succeeded"
        stuck = [step.state for step in self.steps if step.state in STUCK]
        if not stuck or self._can_go_on():
            return "running"
        return next(state for state in ("dead", "cancelled", "parked") if state in stuck)

    def in_state(self, state: str) -> tuple[Step, ...]:
        """Return the steps that are in *state*."""
        return tuple(step for step in self.steps if step.state == state)

    def by_label(self) -> dict[str, list[Step]]:
        """Return the steps grouped by what they do, in the order of the graph."""
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            groups.setdefault(step.label, []).append(step)
        return groups

    def _can_go_on(self) -> bool:
        """Tell whether any step is neither over nor behind one that is stuck. Steps are in order."""
        blocked: set[str] = set()
        for step in self.steps:
            if step.state in STUCK or blocked.intersection(step.after):
                blocked.add(step.job_id)
            elif step.state != "succeeded":
                return True
        return False


def flow_from(flow_id: str, record: Mapping[str, Any]) -> Flow:
    """Read a flow as the store keeps it."""
    states = record["states"]
    return Flow(
        id=flow_id,
        kind=record["kind"],
        tenant=record["tenant"],
        rule=record["rule"],
        steps=tuple(
            Step(
                job_id=job_id,
                task=step["task"],
                label=step["label"],
                subject=step["subject"],
                weight=step["weight"],
                state=states.get(job_id, PENDING),
                after=tuple(step["after"]),
            )
            for job_id, step in record["steps"].items()
        ),
    )
