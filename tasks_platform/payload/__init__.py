"""Arguments and results as plain JSON, written and read by the function's own signature."""

from tasks_platform.payload.codec import Payload

__all__ = ["Payload"]
