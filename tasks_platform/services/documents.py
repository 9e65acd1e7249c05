"""Documents as PDF."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Protocol

from tasks_platform.services.printed_invoice import printed_invoice
from tasks_platform.services.reports.printed import printed_revenue, title_of
from tasks_platform.services.typesetting import Typesetter
from tasks_platform.services.typesetting_apart import pdf_apart

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.services.invoice import Invoice
    from tasks_platform.services.reports import Revenue

#: Rows from which a report is rendered in a process of its own: typst keeps hundreds of megabytes after a long one.
LONG = 400


class DocumentRenderer(Protocol):
    """Turns values into documents."""

    def render_invoice(self, invoice: Invoice) -> bytes:
        """Return *invoice* as a PDF; the same invoice gives the same bytes.

        Raises:
            ServiceRefusedError: this invoice cannot be printed, however often it is tried.

        """
        ...

    def render_revenue(self, revenue: Revenue) -> bytes:
        """Return a report as a PDF; the same report gives the same bytes.

        Raises:
            ServiceRefusedError: this report cannot be printed, however often it is tried.
            ServiceUnavailableError: the process that rendered it died.

        """
        ...


class TypstRenderer:
    """Renders with typst; keep one per process.

    Its fonts have Latin, Greek and Cyrillic letters; those of other scripts come from the folder *fonts*. Emoji are
    left out; an invoice with a letter that no font has is refused.
    """

    def __init__(self, *, fonts: Path | None = None) -> None:
        self._fonts = fonts
        self._typesetter = Typesetter(fonts=fonts)

    def render_invoice(self, invoice: Invoice) -> bytes:
        """Return *invoice* as a PDF; the same invoice gives the same bytes.

        Raises:
            ServiceRefusedError: the sums contradict each other, or no font has a letter of a text.
            SettingsError: typst is not installed.

        """
        return self._typesetter.pdf(
            "invoice.typ",
            title=f"Invoice {invoice.number}",
            inputs={"invoice": json.dumps(printed_invoice(invoice))},
            created=datetime.combine(invoice.issued_on, time(), UTC),
        )

    def render_revenue(self, revenue: Revenue) -> bytes:
        """Return a report as a PDF; the same report gives the same bytes.

        Raises:
            ServiceRefusedError: no font has a letter of a text.
            ServiceUnavailableError: the process that rendered a long one died.
            SettingsError: typst is not installed.

        """
        title = title_of(revenue)
        inputs = {"revenue": json.dumps(printed_revenue(revenue))}
        created = datetime.combine(revenue.last, time(), UTC)
        if len(revenue.work) > LONG:
            return pdf_apart("revenue.typ", title=title, inputs=inputs, created=created, fonts=self._fonts)
        return self._typesetter.pdf("revenue.typ", title=title, inputs=inputs, created=created)
