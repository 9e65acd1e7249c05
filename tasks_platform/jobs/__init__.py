"""Jobs and queues, as they are seen and steered from outside."""

from tasks_platform.jobs.jobs import Jobs
from tasks_platform.jobs.many import Hit, ManyJobs
from tasks_platform.jobs.queues import Queues, QueueState
from tasks_platform.jobs.value import Cancelled, Job, Peek
from tasks_platform.jobs.which import Which

__all__ = ["Cancelled", "Hit", "Job", "Jobs", "ManyJobs", "Peek", "QueueState", "Queues", "Which"]
