"""Property tests that a busy machine cannot fail: an example may take its time.

In CI the examples are the same every time; elsewhere every run looks for new ones.
"""

from __future__ import annotations

import os

from hypothesis import given, settings

__all__ = ["given", "settings"]

settings.register_profile("patient", settings.default, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("patient")
