"""The rates as a picture: a group of bars for each participant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from peers.catalog import Participant
from peers.figures import Figures, written

#: What is drawn, how it is called, and in which colour.
KINDS: Final = {
    "enqueue": ("sent one by one", "#9aa5b1"),
    "consume 1": ("run by 1 process", "#2f6fde"),
    "stored 1": ("run by 1 process, results stored", "#f2994a"),
}
_WIDTH: Final = 900
_LEFT: Final = 220
_RIGHT: Final = 70
_TOP: Final = 62
_ROW: Final = 36
_BAR: Final = 9


def plot(everybody: Mapping[str, Participant], found: Mapping[str, Figures]) -> str:
    """Draw the rates as SVG."""
    largest = max([found[name].get(kind, 0) for name in everybody for kind in KINDS], default=0) or 1
    step = _step(largest)
    per_job = (_WIDTH - _LEFT - _RIGHT) / largest
    rows = []
    for place, (name, one) in enumerate(everybody.items()):
        y = _TOP + 6 + place * _ROW
        bars = [
            {
                "y": y + at * _BAR,
                "width": round(found[name].get(kind, 0) * per_job, 1),
                "colour": colour,
                "text": written(found[name].get(kind)),
            }
            for at, (kind, (_, colour)) in enumerate(KINDS.items())
        ]
        rows.append({"y": y, "title": one.title, "bars": bars, "ours": one.file.stem.startswith("platform")})
    template = Path(__file__).with_name("plot.svg.j2").read_text()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(template).render(
        title="Jobs that do nothing, per second",
        width=_WIDTH,
        height=_TOP + 30 + _ROW * len(rows),
        left=_LEFT,
        top=_TOP,
        kinds=[
            {"x": _LEFT + 200 * at, "title": title, "colour": colour}
            for at, (title, colour) in enumerate(KINDS.values())
        ],
        ticks=[
            {"x": round(_LEFT + tick * step * per_job, 1), "text": written(tick * step) if tick else "0"}
            for tick in range(int(largest / step) + 1)
        ],
        rows=rows,
    )


def _step(largest: float) -> float:
    """Return a round number that goes four to ten times into *largest*."""
    power = 10.0 ** math.floor(math.log10(largest))
    return next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if largest / (power * part) <= 10)  # noqa: PLR2004
