"""What Flower tells of workers and jobs, without secrets."""

from __future__ import annotations

from typing import Any

from tasks_platform.console.jobs import masked_job
from tasks_platform.console.masking import masked_value


def masked_answer(answer: Any) -> Any:
    """Return an answer in which jobs, workers with their configuration, and results may stand at any depth."""
    if isinstance(answer, list):
        return [masked_answer(item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    if not {"args", "result", "traceback"}.isdisjoint(answer):
        return masked_job(answer)
    return {name: masked_value(item) if name == "conf" else masked_answer(item) for name, item in answer.items()}
