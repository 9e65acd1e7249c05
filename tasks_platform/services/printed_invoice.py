"""What stands on an invoice: its values as the strings that the document shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.printed_text import clean
from tasks_platform.services.printing import amount, day, percent, period, rate

if TYPE_CHECKING:
    from tasks_platform.services.invoice import Invoice, Party


def printed_invoice(invoice: Invoice) -> dict[str, object]:
    """Return everything the template shows, as JSON takes it.

    Raises:
        ServiceRefusedError: when the sums contradict each other.

    """
    _check_sums(invoice)
    return {
        "title": f"Invoice {clean(invoice.number)}",
        "number": clean(invoice.number),
        "sender": _party(invoice.sender),
        "recipient": _party(invoice.recipient),
        "facts": [
            ("Invoice number", clean(invoice.number)),
            ("Issued", day(invoice.issued_on)),
            ("Due", day(invoice.due_on)),
            ("Period", period(*invoice.period)),
        ],
        "columns": ["No.", "Description", "Hours", f"Rate {invoice.currency}", f"Amount {invoice.currency}"],
        "lines": [
            (str(line.number), clean(line.description), amount(line.hours), rate(line.rate), amount(line.amount))
            for line in invoice.lines
        ],
        "sums": [
            ("Subtotal", amount(invoice.subtotal)),
            (f"Tax {percent(invoice.tax_rate)}", amount(invoice.tax)),
        ],
        "total": (f"Total {invoice.currency}", amount(invoice.total)),
        "tax_note": clean(invoice.tax_note),
        "payment_terms": [clean(line) for line in invoice.payment_terms],
        "footer": " \N{MIDDLE DOT} ".join(filter(None, [clean(invoice.sender.name), _tax_id(invoice.sender)])),
    }


def _party(party: Party) -> dict[str, object]:
    details = [*map(clean, party.address), _tax_id(party), clean(party.email)]
    return {"name": clean(party.name), "details": [line for line in details if line]}


def _tax_id(party: Party) -> str:
    return f"Tax ID {clean(party.tax_id)}" if party.tax_id else ""


def _check_sums(invoice: Invoice) -> None:
    lines = sum(line.amount for line in invoice.lines)
    if lines != invoice.subtotal or invoice.subtotal + invoice.tax != invoice.total:
        raise ServiceRefusedError(
            f"Invoice {invoice.number} does not add up: its lines sum to {lines}, its subtotal is {invoice.subtotal}, "
            f"its tax {invoice.tax}, its total {invoice.total}. Correct the sums and render it again."
        )
