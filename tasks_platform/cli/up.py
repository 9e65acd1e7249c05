"""``tasks-platform up``: the whole platform on this machine."""

from __future__ import annotations

import click

from tasks_platform.celery import create_app
from tasks_platform.cli.application import import_tasks
from tasks_platform.cli.interleaved import JsonScreen, TerminalScreen
from tasks_platform.cli.showing import a_console
from tasks_platform.settings import load_settings

_several = click.IntRange(min=1)


@click.command()
@click.option("--workers", type=_several, help="Run so many that serve everything; without it, one of each class.")
@click.option(
    "--concurrency", type=_several, help="Jobs that each worker runs at a time; without it, as its class says."
)
@click.option("--without", multiple=True, type=click.Choice(["beat", "flower", "mailbox"]), help="Leave a part out.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of Flower; TASKS_FLOWER__PORT without it.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as JSON, for machines.")
@click.pass_context
def up(  # noqa: PLR0913 - what a person may say about it
    ctx: click.Context,
    workers: int | None,
    concurrency: int | None,
    without: tuple[str, ...],
    port: int | None,
    *,
    as_json: bool,
) -> None:
    """Run everything on this machine, with one log, until Ctrl-C.

    That is a server of your own (unless TASKS_REDIS_URL names one), a mailbox (unless TASKS_SMTP__HOST names a mail
    server), a worker of each class, beat and Flower.
    """
    from tasks_platform.up.laptop import Laptop  # noqa: PLC0415 - imports Flower
    from tasks_platform.up.plan import Plan  # noqa: PLC0415 - see above

    settings = load_settings().model_copy(update={"embedded": True})
    app = create_app(settings)
    import_tasks(app)
    left_out = frozenset(without)
    plan = Plan(workers=workers, concurrency=concurrency, port=port or settings.flower.port, without=left_out)
    screen = JsonScreen() if as_json else TerminalScreen(a_console(), plan.names(settings))
    ctx.exit(Laptop(app, plan, screen).run())
