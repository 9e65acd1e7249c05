"""Whom a mailbox takes mail for."""

from __future__ import annotations

from dataclasses import dataclass

from tasks_platform.services.smtp_answers import Answer


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Whose mail is not taken: each entry is an address, or a domain with everybody in it."""

    #: Refused for good.
    refuse: tuple[str, ...] = ()
    #: Told to come back later.
    defer: tuple[str, ...] = ()

    def answer(self, address: str) -> Answer:
        """Answer a sender who names *address* as a recipient."""
        if _is_any_of(address, self.refuse):
            return 550, b"5.1.1 No such user here"
        if _is_any_of(address, self.defer):
            return 451, b"4.7.1 Try again later"
        return 250, b"2.1.5 OK"


def _is_any_of(address: str, entries: tuple[str, ...]) -> bool:
    address = address.casefold()
    _, _, domain = address.rpartition("@")
    return any(entry.casefold() in (address, domain) for entry in entries)
