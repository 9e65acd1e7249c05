"""The application of the same tasks on the platform."""

from __future__ import annotations

from tasks_platform import create_app

app = create_app(include=["acceptance.moving.halfway"])
