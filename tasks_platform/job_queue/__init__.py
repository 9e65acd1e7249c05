"""What a service is given to send jobs with: the real queue, or its twin in the service's own tests."""

from tasks_platform.job_queue.interface import JobQueue
from tasks_platform.job_queue.memory import MemoryJobQueue, SentJob
from tasks_platform.job_queue.options import Options
from tasks_platform.job_queue.platform import PlatformJobQueue

__all__ = ["JobQueue", "MemoryJobQueue", "Options", "PlatformJobQueue", "SentJob"]
