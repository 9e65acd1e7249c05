"""``scripts/bench NAME``: side by side, interleaved, medians; timings are never asserted in tests."""

from __future__ import annotations

import signal

import click
from broker import broker
from control import control
from delays import delays
from idle import idle
from letters import letters
from overhead import overhead
from peers import peers
from publishing import publish
from servers import servers
from sleeps import sleeps


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the platform beside plain Celery."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, as Ctrl-C does


main.add_command(broker)
main.add_command(control)
main.add_command(delays)
main.add_command(idle)
main.add_command(letters)
main.add_command(publish)
main.add_command(overhead)
main.add_command(peers)
main.add_command(servers)
main.add_command(sleeps)

if __name__ == "__main__":
    main()
