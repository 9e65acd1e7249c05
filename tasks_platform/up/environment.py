"""The environment of the parts."""

from __future__ import annotations

import os

from tasks_platform.celery import PlatformApp


def environment_of(app: PlatformApp) -> dict[str, str]:
    """Return the variables with which a part finds what *app* uses; its embedded server is started, if it has one.

    Each part uses that server in its own right: it is there until the last of them has ended, and so are its keys.

    Raises:
        NoServerError: if there is no server.

    """
    environment = {**os.environ, "TASKS_STATE_DIR": str(app.settings.state_dir)}
    url = app.redis_url
    return environment | ({"TASKS_EMBEDDED": "1"} if app.settings.redis_url is None else {"TASKS_REDIS_URL": url})
