"""For HTTP services on FastAPI (the extra ``web``): the injected queue, and the answer 202."""

from tasks_platform.api.accepted import Accepted, accepted
from tasks_platform.api.dependencies import InjectedJobQueue, job_queue

__all__ = ["Accepted", "InjectedJobQueue", "accepted", "job_queue"]
