"""An account for tests of mails."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from tasks_platform.services.accounts import Account
from tasks_platform.services.invoice import Party

ANA = Account(
    id=7,
    organization="kontor",
    email="ana@kontor.example",
    name="Ana Ruiz",
    verified_at=None,
    trial_ends_at=None,
    sender=Party(name="Kontor GmbH", address=("Speicherstadt 14", "Hamburg"), email="office@kontor.example"),
    zone=ZoneInfo("Europe/Berlin"),
)


def account(**changes: object) -> Account:
    """Return Ana's account, changed."""
    return replace(ANA, **changes)  # type: ignore[arg-type]  # the tests' own fields
