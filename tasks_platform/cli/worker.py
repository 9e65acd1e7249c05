"""``tasks-platform worker``: a worker of one of the classes that the settings name."""

from __future__ import annotations

import click

from tasks_platform.celery import create_app
from tasks_platform.cli.application import import_tasks
from tasks_platform.errors import SettingsError
from tasks_platform.settings import WorkerClass, load_settings


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]})
@click.argument("name")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[CELERY'S OPTIONS]...")
def worker(name: str, options: tuple[str, ...]) -> None:
    """Run a worker of the class NAME.

    A class serves some queues, some priorities, or both, with a concurrency of its own: TASKS_WORKERS names them;
    without it they are critical, normal and low. What 'celery worker' takes may follow, and wins. The worker that
    serves everything is 'celery -A tasks_platform worker'.
    """
    settings = load_settings()
    if (chosen := settings.workers.get(name)) is None:
        raise SettingsError(f"there is no worker class {name!r}: there are {', '.join(sorted(settings.workers))}")
    app = create_app(settings)
    import_tasks(app)
    app.worker_main(["worker", *arguments(name, chosen), *options])


def arguments(name: str, chosen: WorkerClass) -> list[str]:
    """Return what Celery is told to run a worker of the class *chosen*, which is called *name*."""
    said = ["--hostname", f"{name}@%h", "--concurrency", str(chosen.concurrency)]
    if chosen.time_limit is not None:
        said += ["--time-limit", str(chosen.time_limit.total_seconds())]
    if chosen.queues:
        said += ["--queues", ",".join(chosen.queues)]
    if chosen.priorities:
        said += ["--levels", ",".join(chosen.priorities)]
    return said
