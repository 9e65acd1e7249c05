"""The application a command works on."""

from __future__ import annotations

from functools import cache

from tasks_platform.celery import PlatformApp, create_app
from tasks_platform.settings import load_settings


@cache
def application() -> PlatformApp:
    """Return the application of the environment, with its task modules imported.

    Raises:
        SettingsError: if the environment cannot be read.
        NoServerError: if there is no server.

    """
    app = create_app(load_settings())
    app.redis_url  # noqa: B018 - without a server, say so before anything else is tried
    app.loader.import_default_modules()
    return app
