"""``scripts/bench NAME``: side by side, interleaved, medians; timings are never asserted in tests."""

from __future__ import annotations

import signal

import click
from broker import broker
from delays import delays
from idle import idle
from letters import letters
from many import many
from overhead import overhead


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the platform beside plain Celery."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, as Ctrl-C does


main.add_command(broker)
main.add_command(delays)
main.add_command(idle)
main.add_command(letters)
main.add_command(many)
main.add_command(overhead)

if __name__ == "__main__":
    main()
