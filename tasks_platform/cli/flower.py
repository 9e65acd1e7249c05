"""``tasks-platform flower``: the pages on which people watch workers and jobs."""

from __future__ import annotations

import click

from tasks_platform.cli.application import application


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--port", type=click.IntRange(1, 65535), help="Listen on this port; TASKS_FLOWER__PORT without it.")
@click.option("--address", help="Listen on this address; TASKS_FLOWER__ADDRESS without it.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[FLOWER'S OWN OPTIONS]...")
def flower(port: int | None, address: str | None, more: tuple[str, ...]) -> None:
    """Watch workers and jobs in a browser.

    All pages ask for a login. Without TASKS_FLOWER__PASSWORD a password is made and printed once.
    """
    app = application()
    from tasks_platform.console import CONFIG  # noqa: PLC0415 - imports Flower, and a server must answer first

    asked = {"conf": CONFIG, "port": port, "address": address}
    app.start(["flower", *(f"--{name}={value}" for name, value in asked.items() if value is not None), *more])
