"""Documents as PDF."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Protocol

from tasks_platform.services.printed_invoice import printed_invoice
from tasks_platform.services.typesetting import Typesetter

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.services.invoice import Invoice


class DocumentRenderer(Protocol):
    """Turns values into documents."""

    def render_invoice(self, invoice: Invoice) -> bytes:
        """Return *invoice* as a PDF; the same invoice gives the same bytes.

        Raises:
            ServiceRefusedError: this invoice cannot be printed, however often it is tried.

        """
        ...


class TypstRenderer:
    """Renders with typst; keep one per process.

    Its fonts have Latin, Greek and Cyrillic letters; those of other scripts come from the folder *fonts*. Emoji are
    left out; an invoice with a letter that no font has is refused.
    """

    def __init__(self, *, fonts: Path | None = None) -> None:
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
