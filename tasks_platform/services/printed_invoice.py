"""What stands on an invoice: its values as the strings that the document shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.printing import amount, day, percent, period, rate

if TYPE_CHECKING:
    from tasks_platform.services.invoice import Invoice, Party

#: Emoji and what modifies them: no text font has them, and an invoice says the same without.
_PICTURES = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u20e3\U0001f000-\U0001faff]")
#: Joiners belong to the spelling of some languages.
_KEPT = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def printed_invoice(invoice: Invoice) -> dict[str, object]:
    """Return everything the template shows, as JSON takes it.

    Raises:
        ServiceRefusedError: when the sums contradict each other.

    """
    _check_sums(invoice)
    return {
        "title": f"Invoice {_clean(invoice.number)}",
        "number": _clean(invoice.number),
        "sender": _party(invoice.sender),
        "recipient": _party(invoice.recipient),
        "facts": [
            ("Invoice number", _clean(invoice.number)),
            ("Issued", day(invoice.issued_on)),
            ("Due", day(invoice.due_on)),
            ("Period", period(*invoice.period)),
        ],
        "columns": ["No.", "Description", "Hours", f"Rate {invoice.currency}", f"Amount {invoice.currency}"],
        "lines": [
            (str(line.number), _clean(line.description), amount(line.hours), rate(line.rate), amount(line.amount))
            for line in invoice.lines
        ],
        "sums": [
            ("Subtotal", amount(invoice.subtotal)),
            (f"Tax {percent(invoice.tax_rate)}", amount(invoice.tax)),
        ],
        "total": (f"Total {invoice.currency}", amount(invoice.total)),
        "tax_note": _clean(invoice.tax_note),
        "payment_terms": [_clean(line) for line in invoice.payment_terms],
        "footer": " \N{MIDDLE DOT} ".join(filter(None, [_clean(invoice.sender.name), _tax_id(invoice.sender)])),
    }


def _party(party: Party) -> dict[str, object]:
    details = [*map(_clean, party.address), _tax_id(party), _clean(party.email)]
    return {"name": _clean(party.name), "details": [line for line in details if line]}


def _tax_id(party: Party) -> str:
    return f"Tax ID {_clean(party.tax_id)}" if party.tax_id else ""


def _clean(text: str) -> str:
    """Leave out what cannot be seen or printed: emoji, control and formatting characters, halves of pairs.

    Formatting characters would also be copied out of the document between digits, or turn the direction of a line.
    """
    words = (_PICTURES.sub("", word).strip(_KEPT) for word in text.split())
    visible = ("".join(c for c in word if c in _KEPT or category(c) not in {"Cc", "Cf", "Cs"}) for word in words)
    return " ".join(filter(None, visible))


def _check_sums(invoice: Invoice) -> None:
    lines = sum(line.amount for line in invoice.lines)
    if lines != invoice.subtotal or invoice.subtotal + invoice.tax != invoice.total:
        raise ServiceRefusedError(
            f"Invoice {invoice.number} does not add up: its lines sum to {lines}, its subtotal is {invoice.subtotal}, "
            f"its tax {invoice.tax}, its total {invoice.total}. Correct the sums and render it again."
        )
