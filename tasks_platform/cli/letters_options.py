"""Options that the commands for dead letters share."""

from __future__ import annotations

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
letter_id = click.argument("letter_id", metavar="LETTER")
letter_ids = click.argument("letter_ids", nargs=-1, metavar="[LETTER]...")
dry_run = click.option("--dry-run", is_flag=True, help="Only show which letters would be meant.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
by = click.option("--by", metavar="NAME", help="Who does it, for the audit; your user and machine without it.")
