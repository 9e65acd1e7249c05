from __future__ import annotations

import io

import pytest
from rich.console import Console

from tasks_platform.cli.following import FlowProgress
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.cli.showing_letters import beginning
from tasks_platform.flows import Flow, Step


def a_flow(**states: str) -> Flow:
    """Return a flow with steps of these labels, each in the states that are named for it."""
    named = [(label, state) for label, words in states.items() for state in words.split()]
    steps = [
        Step(job_id=str(n), task="x", label=label, subject="", weight=1, state=state, after=() if n == 0 else ("0",))
        for n, (label, state) in enumerate(named)
    ]
    return Flow(id="flow", kind="test", tenant=None, rule="park", steps=tuple(steps))


def said(*flows: Flow, terminal: bool = False) -> str:
    """Return what is printed while a flow goes through these stages."""
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=terminal, markup=False, highlight=False)
    with FlowProgress(console) as bars:
        for flow in flows:
            bars.show(flow)
    return output.getvalue()


def test_without_a_terminal_each_change_is_a_line() -> None:
    stages = (
        a_flow(Hours="active", Mail="pending pending pending", Book="pending"),
        a_flow(Hours="succeeded", Mail="active active pending", Book="pending"),
        a_flow(Hours="succeeded", Mail="succeeded retrying active", Book="pending"),
        a_flow(Hours="succeeded", Mail="succeeded retrying succeeded", Book="pending"),
        a_flow(Hours="succeeded", Mail="succeeded parked succeeded", Book="pending"),
        a_flow(Hours="succeeded", Mail="succeeded succeeded succeeded", Book="succeeded"),
    )

    assert said(*stages).splitlines() == [
        "Hours                  1/1",
        "Mail                   1/3 1 retrying",
        "Mail                   2/3 1 parked",
        "Mail                   3/3",
        "Book                   1/1",
    ]


def test_a_flow_that_stands_still_says_what_waits() -> None:
    assert said(a_flow(Mail="parked", Book="pending pending")).splitlines() == [
        "Mail                   0/1 1 parked",
        "Book                   0/2 2 waiting",
    ]


def test_a_terminal_gets_a_bar_for_each_kind_of_step() -> None:
    output = said(a_flow(Hours="succeeded", Mail="succeeded parked active [b]", Book="pending"), terminal=True)

    for words in ("Hours", "1/1", "Mail", "1/4", "parked", "Book", "0/1"):
        assert words in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe 東京 [b]", "Größe 東京 [b]"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}[0m"),
        ("bell\x07 and\rreturn", "bell\N{REPLACEMENT CHARACTER} and\N{REPLACEMENT CHARACTER}return"),
        (7, "7"),
    ],
)
def test_what_would_steer_a_terminal_is_not_printed(text: object, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("job_id", "others", "expected"),
    [
        ("0123456789", [], "01234567"),
        ("0123456789", ["0123456700"], "012345678"),
        ("0123456789", ["0123456788", "9"], "0123456789"),
        ("short", ["shorter"], "short"),
    ],
)
def test_an_id_is_shown_as_far_as_it_takes_to_tell_it_from_others(
    job_id: str, others: list[str], expected: str
) -> None:
    assert beginning(job_id, [job_id, *others]) == expected


def test_a_table_keeps_every_letter_of_a_long_word(capsys: pytest.CaptureFixture[str]) -> None:
    table = a_table("what", "words")
    table.add_row("[red]", "long" * 50)
    console = a_console()
    console.width = 40
    console.print(table)
    output = capsys.readouterr().out

    assert "".join(output.split()).count("long") == 50
    assert "[red]" in output
    assert max(map(len, output.splitlines())) <= 40
