"""Redis under Sentinel: where the master is, and connections that follow it."""

from tasks_platform.broker.sentinel.address import Address, Sentinels, each_of, is_sentinel
from tasks_platform.broker.sentinel.connection import (
    PATIENCE,
    MasterConnection,
    MasterTLSConnection,
    connection_options,
)

__all__ = [
    "PATIENCE",
    "Address",
    "MasterConnection",
    "MasterTLSConnection",
    "Sentinels",
    "connection_options",
    "each_of",
    "is_sentinel",
]
