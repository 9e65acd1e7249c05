"""Read an invoice back from its PDF, as somebody who only has the file."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO

from pypdf import PdfReader

_TOTAL = re.compile(r"^Total ([A-Z]{3}) (-?[\d,]+\.\d{2})$", re.MULTILINE)


def read_text(pdf: bytes) -> str:
    """Return the text of all pages."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def read_total(pdf: bytes) -> tuple[str, Decimal]:
    """Return the currency and the total that stand on the invoice.

    Raises:
        ValueError: when the invoice does not state exactly one total.

    """
    text = read_text(pdf)
    totals = _TOTAL.findall(text)
    if len(totals) != 1:
        message = f"expected one total, found {totals} in:\n{text}"
        raise ValueError(message)
    currency, total = totals[0]
    return currency, Decimal(total.replace(",", ""))
