"""Flower's options, as the platform's settings say."""

from __future__ import annotations

import os
import secrets
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import flower.urls  # type: ignore[import-untyped]
from celery import current_app
from tornado.options import options as given

from tasks_platform.console.events import hears_all
from tasks_platform.console.guard import guarded
from tasks_platform.console.history import own_history
from tasks_platform.console.jobs import format_task
from tasks_platform.console.queues import knows_leases
from tasks_platform.servers import Servers
from tasks_platform.settings import Settings, load_settings
from tasks_platform.settings.flower import Flower

#: What ``tasks-platform flower`` hands to Flower.
CONFIG: Final = Path(__file__).with_name("flower_config.py")
#: Milliseconds between two savings of the history: what a kill can lose of it.
_SAVE_EVERY: Final = 10_000
#: On its table of jobs; the last ones scroll into view where there is no room.
_COLUMNS: Final = "name,uuid,state,received,runtime,worker,args,kwargs"


def flower_options() -> dict[str, Any]:
    """Return Flower's options, for a configuration file of Flower's, and put its pages behind the login.

    1. Every page, ``/api``, ``/metrics`` and ``/healthcheck`` ask for the login; a password that is made here is
       printed once, on the error output.
    2. Flower listens where the settings say: without any, on this machine alone.
    3. What it has seen is kept in the state folder, saved every ten seconds.
    4. Arguments, results and errors are shown without what is called like a secret.

    Raises:
        SettingsError: if the environment cannot be read.

    """
    os.umask(0o077)  # the history is this user's alone
    settings: Settings = getattr(current_app, "settings", None) or load_settings()
    wanted = settings.flower
    token = wanted.metrics_token.get_secret_value() if wanted.metrics_token else None
    flower.urls.handlers[:] = guarded(flower.urls.handlers, token=token)
    servers: Servers = getattr(current_app, "servers", Servers())
    knows_leases(servers, getattr(current_app, "broker", ""))
    if servers:
        hears_all(current_app)
    if (history := own_history(settings.state_dir)) is None:
        _say(f"Another Flower keeps its history in {settings.state_dir}: this one forgets at its end what it has seen.")
    return {
        "address": wanted.address,
        "port": wanted.port,
        "basic_auth": [_login(wanted)],
        "db": str(history or ""),
        "persistent": history is not None,
        "state_save_interval": _SAVE_EVERY if history else 0,
        "max_tasks": wanted.max_tasks,
        "format_task": format_task,
        "tasks_columns": _COLUMNS,
        "natural_time": True,
    }


def _login(wanted: Flower) -> str:
    """Return user and password, and print a password that is made now."""
    if wanted.password is not None:
        return f"{wanted.user}:{wanted.password.get_secret_value()}"
    password = secrets.token_urlsafe(16)
    _say(f"Flower asks for a login: user {wanted.user}, password {password}")
    _say("  (made for this start; TASKS_FLOWER__PASSWORD sets one of your own)")
    if not is_loopback(address := given.address or wanted.address):
        _say(
            f"  Warning: Flower listens on {address}, and whoever logs in can send and end jobs. Set a password of "
            "your own, and put TLS in front of it."
        )
    return f"{wanted.user}:{password}"


def is_loopback(address: str) -> bool:
    """Tell whether only this machine reaches *address*."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
