"""Steer what lies in queues: pause and resume them, see how much waits and for how long."""

from tasks_platform.broker.leased.control.by_id import Finder, Found, StillMovingError
from tasks_platform.broker.leased.control.depth import Depth, depth
from tasks_platform.broker.leased.control.pausing import Pause, pause, paused, resume
from tasks_platform.broker.leased.control.rates import rates

__all__ = ["Depth", "Finder", "Found", "Pause", "StillMovingError", "depth", "pause", "paused", "rates", "resume"]
