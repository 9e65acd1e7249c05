"""Send what the application sends all day: ``python -m acceptance.moving.sending APP DIARY FIRST LAST``."""

from __future__ import annotations

import sys
from importlib import import_module

from celery import Celery, chain, chord


def send(app: Celery, diary: str, orders: range) -> None:
    """Send jobs, a chain per third order, and a chord over all of them."""
    for order in orders:
        items = ["bolt", "elusive"] if order % 5 == 0 else ["bolt"]
        reserve = app.signature("stock.reserve", (diary, order, items))
        confirm = app.signature("stock.confirm", (diary, order))
        (chain(reserve, confirm) if order % 3 == 0 else reserve).apply_async()
    members = [app.signature("stock.reserve", (diary, -order, ["nut"])) for order in orders]
    chord(members, app.signature("stock.total", (diary,))).apply_async()
    app.send_task("stock.confirm", (7, diary, orders[-1]), priority=1)


if __name__ == "__main__":
    module, diary, first, last = sys.argv[1:]
    application = import_module(module).app
    application.loader.import_default_modules()
    send(application, diary, range(int(first), int(last)))
