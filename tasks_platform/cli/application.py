"""The application a command works on."""

from __future__ import annotations

from functools import cache

import click
from redis.exceptions import RedisError

from tasks_platform.celery import PlatformApp, create_app
from tasks_platform.cli.secrets import Censor, checked_url, without_secrets
from tasks_platform.errors import NoServerError, SettingsError
from tasks_platform.settings import load_settings
from tasks_platform.store.redis import connect


@cache
def application() -> PlatformApp:
    """Return the application of the environment, whose server answers.

    Raises:
        SettingsError: if the environment cannot be read.
        NoServerError: if there is no server.

    """
    app = create_app(load_settings())
    url = checked_url(app.redis_url)
    try:
        with connect(url, patience=0) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        words = f"the Redis server at {without_secrets(url)} does not answer: {error}; see 'tasks-platform check'"
        raise NoServerError(Censor(app.settings)(words)) from None
    return app


def the_application() -> PlatformApp:
    """Return the application that ``celery -A`` names, where a command is one of Celery's, else `application`.

    Raises:
        SettingsError: if ``celery -A`` names a plain one, or the environment cannot be read.
        NoServerError: if there is no server.

    """
    context = click.get_current_context(silent=True)
    of_celery = getattr(context.find_root().obj, "app", None) if context is not None else None
    if of_celery is None:
        return application()
    named = getattr(of_celery, "_get_current_object", lambda: of_celery)()
    if not isinstance(named, PlatformApp):
        raise SettingsError(
            f"the application {named.main!r} is plain Celery: make it with tasks_platform.create_app(), or say "
            "'celery -A tasks_platform'"
        )
    return named


def import_tasks(app: PlatformApp) -> None:
    """Import the task modules of *app*.

    Raises:
        SettingsError: naming the module that cannot be imported, and why.

    """
    for module in app.task_modules:
        try:
            app.loader.import_task_module(module)
        except (Exception, SystemExit) as error:
            raise SettingsError(
                f"the task module {module} cannot be imported: {type(error).__name__}: {error}"
            ) from error
