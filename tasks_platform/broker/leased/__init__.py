"""A Redis broker that loses nothing: messages are claimed under a lease, and delays are kept in Redis."""

from kombu.transport import TRANSPORT_ALIASES

from tasks_platform.broker.leased.conditional import NotPushedError, push_if
from tasks_platform.broker.leased.moving import CLAIM, in_place_of, is_moved
from tasks_platform.broker.leased.payload import CANCELLED, DELIVERIES, DIED, HELD
from tasks_platform.broker.leased.postponing import postpone

# As in hook.py, which is not a part of the installed package.
for _name in ("leased", "leased+redis", "leased+rediss", "leased+socket", "leased+sentinel"):
    TRANSPORT_ALIASES[_name] = "tasks_platform.broker.leased.transport:Transport"

__all__ = [
    "CANCELLED",
    "CLAIM",
    "DELIVERIES",
    "DIED",
    "HELD",
    "NotPushedError",
    "in_place_of",
    "is_moved",
    "postpone",
    "push_if",
]
