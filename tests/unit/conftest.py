"""Unit tests decide and compute; what talks to anything is an integration test."""

from __future__ import annotations

import socket
from typing import Never

import pytest


@pytest.fixture(autouse=True)
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection, also to this machine and over unix sockets."""

    def refuse(_: socket.socket, address: object) -> Never:
        pytest.fail(f"a unit test connects to {address}: make it an integration test, or use the in-memory twin")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
