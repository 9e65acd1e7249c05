"""``tasks-platform keys``: make a key, see which ones are set."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import click

from tasks_platform.sealing import KeyRing, new_key
from tasks_platform.settings import load_settings


@click.group()
def keys() -> None:
    """Make and list keys that seal and sign."""


@keys.command()
@click.option("--name", help="How messages call the key; without it, today's date and four random characters.")
def new(name: str | None) -> None:
    """Print a new key, to seal or to sign with.

    It belongs into TASKS_SEALING__KEYS or TASKS_SIGNING__KEYS; the first one there is used, all of them are known. To
    change keys, add the new one behind the old one everywhere, then put it in front everywhere, and remove the old one
    when nothing that it sealed or signed is left.
    """
    try:
        click.echo(new_key(f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(2)}" if name is None else name))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--name") from None


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def list_(*, as_json: bool) -> None:
    """List the names of the keys that are set, never the keys."""
    settings = load_settings()
    uses = {"sealing": settings.sealing.ring, "signing": settings.signing.ring}
    if as_json:
        click.echo(json.dumps({use: {"active": ring.active, "keys": list(ring.keys)} for use, ring in uses.items()}))
        return
    for use, ring in uses.items():
        click.echo(f"{use}: {_in_words(ring)}")


def _in_words(ring: KeyRing) -> str:
    names = [f"{name} (active)" if name == ring.active else name for name in ring.keys]
    return ", ".join(names) or "no key is set"
