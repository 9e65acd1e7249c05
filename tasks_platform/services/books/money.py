"""How money and hours are rounded; nothing here is ever a float.

The rules are those of the European norm for invoices, EN 16931-1: every line's net amount is quantity times price,
rounded to two places (BT-131, BR-DEC-23); the subtotal is the exact sum of the *rounded* lines (BR-CO-10); tax is the
subtotal times the rate, rounded to two places (BR-CO-17); the total is the sum of the two (BR-CO-15). A half is rounded
up, as DIN 1333 does and as every recipient who checks with a pocket calculator expects.

An invoice shows hours with two places, so the line's amount is computed from those, not from the seconds behind
them: a reader who multiplies what is printed gets what is printed.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
SECONDS_PER_HOUR: Final = 3600

#: More digits than any sum needs: the default context rounds to 28 digits silently, this one has room to spare.
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)

#: Currencies of ISO 4217 whose smallest unit is not a hundredth; the books count hundredths.
WITHOUT_CENTS: Final = frozenset(
    [
        "BHD",
        "BIF",
        "CLF",
        "CLP",
        "DJF",
        "GNF",
        "IQD",
        "ISK",
        "JOD",
        "JPY",
        "KMF",
        "KRW",
        "KWD",
        "LYD",
        "OMR",
        "PYG",
        "RWF",
        "TND",
        "UGX",
        "UYI",
        "UYW",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)


def to_cents(amount: Decimal) -> Decimal:
    """Round *amount* half up to two places."""
    return amount.quantize(CENT, context=_EXACT)


def hours_of(seconds: int) -> Decimal:
    """Return *seconds* as hours, rounded half up to two places."""
    return to_cents(_EXACT.divide(Decimal(seconds), SECONDS_PER_HOUR))


def line_amount(hours: Decimal, rate: Decimal) -> Decimal:
    """Return what *hours* cost at *rate* per hour."""
    return to_cents(_EXACT.multiply(hours, rate))


def tax_on(subtotal: Decimal, tax_rate: Decimal) -> Decimal:
    """Return the tax due on *subtotal*; *tax_rate* is a fraction, for example ``Decimal("0.19")``."""
    return to_cents(_EXACT.multiply(subtotal, tax_rate))


def checked_currency(code: str) -> str:
    """Return *code* if the books can count in it.

    Raises:
        ValueError: if it is no code in the form of ISO 4217, or of a currency without hundredths.

    """
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"{code!r} is no currency: three capital letters are expected, for example EUR")
    if code in WITHOUT_CENTS:
        raise ValueError(f"{code} has no hundredths, and the books count in hundredths")
    return code
