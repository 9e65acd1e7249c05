"""The figures as tables, for people and for a README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rich.table import Table

from peers.catalog import Participant
from peers.figures import OTHERS, RATES, Figures, written

_JOBS_A_SECOND: Final = "Jobs per second (times plain Celery's)"
_REST: Final = "What else it takes; CPU, commands and round trips are per job"


def _written(
    everybody: Mapping[str, Participant], found: Mapping[str, Figures], compared: Mapping[str, Figures]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the lines of both tables, heads first, without what nobody was measured at."""
    measured = {what for row in found.values() for what in row}
    kinds, rest = ([what for what in all_of if what in measured] for all_of in (RATES, OTHERS))
    rates = [["", "delivery", *(RATES[what] for what in kinds)]]
    others = [["", *(OTHERS[what] for what in rest)]]
    for name, one in everybody.items():
        cells = []
        for what in kinds:
            ratio = compared[name].get(what)
            cells.append(written(found[name].get(what)) + (f" ({ratio:.1f})" if ratio is not None else ""))
        rates.append([one.title, one.delivery, *cells])
        others.append([one.title, *(written(found[name].get(what)) for what in rest)])
    return rates, others


def tables(
    everybody: Mapping[str, Participant], found: Mapping[str, Figures], compared: Mapping[str, Figures]
) -> Iterator[Table]:
    """Yield the tables."""
    for title, (head, *rows) in zip((_JOBS_A_SECOND, _REST), _written(everybody, found, compared), strict=True):
        table = Table(*head, title=title)
        for row in rows:
            table.add_row(*row)
        yield table


def markdown(
    everybody: Mapping[str, Participant], found: Mapping[str, Figures], compared: Mapping[str, Figures]
) -> str:
    """Write the tables in Markdown."""
    texts = []
    for head, *rows in _written(everybody, found, compared):
        lines = [head, ["---"] * len(head), *rows]
        texts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(texts)
