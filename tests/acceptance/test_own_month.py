"""``tasks-platform invoice``: a person's own file, from the first try to the second month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from month import MonthRun
from read_invoice import read_total
from tasks_platform.services.mailbox.folder import read_mailbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)  # several programs have to start, also on a busy machine

CLIENTS = """
[organization]
slug = "acme"
name = "Acme Consulting"
address = ["1 Main Street", "Cork"]
invoice_prefix = "AC"
time_zone = "Europe/Dublin"
currency = "EUR"
tax_rate = "0.23"

[[clients]]
name = "Kestrel [Ltd]"
address = ["2 High Street", "Leeds"]
email = "accounts@kestrel.example"
currency = "GBP"
tax_rate = "0.20"
rates = [{ hourly = "100.00" }]
projects = [{ name = "Web" }]

[[clients]]
name = "Älvdal"
address = ["Gata 1"]
currency = "EUR"
tax_rate = "0"
rates = [{ hourly = "90.00" }]
projects = [{ name = "App" }]

[[clients]]
name = "Hopeful"
address = ["Somewhere"]
email = "money@hopeful.example"
currency = "CHF"
tax_rate = "0.081"
projects = [{ name = "Hope" }]
"""

EXPORT = """User,Email,Client,Project,Billable,Start date,Start time,End date,End time,Duration
Ana,ana@acme.example,Kestrel [Ltd],Web,Yes,2026-10-05,09:00:00,2026-10-05,11:00:00,02:00:00
Ana,ana@acme.example,Kestrel [Ltd],Web,No,2026-10-06,09:00:00,2026-10-06,11:00:00,02:00:00
Ana,ana@acme.example,Kestrel [Ltd],Web,Yes,2026-10-35,09:00:00,2026-10-35,11:00:00,02:00:00
Ana,ana@acme.example,Unheard of,Web,Yes,2026-10-07,09:00:00,2026-10-07,11:00:00,02:00:00
Ana,ana@acme.example,Älvdal,App,Yes,2026-10-08,09:00:00,2026-10-08,10:30:00,01:30:00
Ana,ana@acme.example,Hopeful,Hope,Yes,2026-10-09,09:00:00,2026-10-09,10:00:00,01:00:00
Ana,ana@acme.example,Kestrel [Ltd],Web,Yes,2026-11-02,09:00:00,2026-11-02,10:00:00,01:00:00
"""

NEWCOMER = """
[[clients]]
name = "Unheard of"
address = ["Nowhere"]
email = "pay@unheard.example"
currency = "EUR"
tax_rate = "0.23"
rates = [{ hourly = "10.00" }]
projects = [{ name = "Web" }]
"""


class OwnBooks(MonthRun):
    """A person's state folder with an export and a clients file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "state")
        self.export, self.clients = folder / "export.csv", folder / "clients.toml"
        self.export.write_text(EXPORT)
        self.clients.write_text(CLIENTS)

    def bill(self, month: str, *options: str) -> dict[str, Any]:
        """Bill a month, and return what was said."""
        return json.loads(self.command("invoice", "--csv", str(self.export), "--month", month, "--json", *options))

    def letters(self) -> dict[str, dict[str, Any]]:
        """Return the dead letters by what they are about."""
        listed = json.loads(self.command("letters", "list", "--json"))["letters"]
        return {letter["task"].rpartition(".")[2]: letter for letter in listed}

    def mails(self) -> list[tuple[str, ...]]:
        """Return to whom mails went, in order."""
        return sorted(mail.to for mail in read_mailbox(self.state / "mailbox"))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> OwnBooks:
    """Return one person's books; the tests below bill them in their order."""
    return OwnBooks(tmp_path_factory.mktemp("own"))


def amounts(outcome: dict[str, Any]) -> dict[str, str]:
    """Return what each client owes."""
    return {row["client"]: f"{row['total']} {row['currency']}" for row in outcome["summary"]["rows"]}


@pytest.mark.checklist(66)
def test_who_can_be_billed_is_billed_and_the_others_wait_with_reasons_that_help(books: OwnBooks) -> None:
    export, clients = str(books.export), str(books.clients)
    shown = books.command("invoice", "--csv", export, "--clients", clients, "--month", "2026-10")
    for words in ("2 wrong rows in export.csv", "Kestrel [Ltd]", "acme 2026-10: parked", "2 invoices, 1 mailed"):
        assert words in shown
    assert books.mails() == [("accounts@kestrel.example",)]
    mail, document = (books.letters()[task] for task in ("mail_invoice", "render_invoice"))
    assert "Älvdal has no mail address" in mail["cause"]["message"]
    assert (
        "Hopeful cannot be billed for 2026-10: no hourly rate in CHF says what 'Hope' costs on 2026-10-09"
        in document["cause"]["message"]
    )
    assert shown.count("A step waits to be corrected: ") == 2
    assert {line.split(" letters ")[1] for line in shown.splitlines() if " letters " in line} == {
        f"show {document['id'][:8]}",
        f"replay {document['id'][:8]} --work",
        f"show {mail['id'][:8]}",
        f"edit {mail['id'][:8]} --set to=accounts@example.org",
        f"replay {mail['id'][:8]} --work",
    }


@pytest.mark.checklist(37, 66)
def test_what_was_corrected_is_billed_with_the_next_call(books: OwnBooks) -> None:
    letters = books.letters()
    books.command("letters", "edit", letters["mail_invoice"]["id"], "--set", "to=ekonomi@alvdal.example")
    for letter in letters.values():
        books.command("letters", "replay", letter["id"])
    mended = CLIENTS.replace('name = "Hopeful"', 'name = "Hopeful"\nrates = [{ hourly = "50.00" }]')
    books.clients.write_text(mended)
    outcome = books.bill("2026-10", "--clients", str(books.clients))
    assert outcome["state"] == "succeeded"
    assert amounts(outcome) == {"Älvdal": "135.00 EUR", "Hopeful": "54.05 CHF", "Kestrel [Ltd]": "240.00 GBP"}
    assert (outcome["summary"]["mailed"], outcome["summary"]["booked"]) == (3, 3)
    assert books.letters() == {}
    assert books.mails() == [
        ("accounts@kestrel.example",),
        ("ekonomi@alvdal.example",),
        ("money@hopeful.example",),
    ]


@pytest.mark.checklist(86)
def test_a_client_that_comes_later_is_billed_and_the_others_are_not_billed_again(books: OwnBooks) -> None:
    books.clients.write_text(books.clients.read_text() + NEWCOMER)
    outcome = books.bill("2026-10", "--clients", str(books.clients))
    assert (outcome["state"], outcome["flow"]) == ("succeeded", "invoicing:acme:2026-10:2")
    assert outcome["wrong_rows"] == 1
    assert amounts(outcome)["Unheard of"] == "24.60 EUR"
    assert (outcome["summary"]["mailed"], outcome["summary"]["booked"]) == (4, 4)
    assert len(books.mails()) == 4


def test_the_second_month_is_billed_by_itself(books: OwnBooks) -> None:
    outcome = books.bill("2026-11")
    assert (outcome["state"], outcome["flow"]) == ("succeeded", "invoicing:acme:2026-11")
    assert amounts(outcome) == {"Kestrel [Ltd]": "120.00 GBP"}
    assert books.mails().count(("accounts@kestrel.example",)) == 2
    documents = [path.read_bytes() for path in (books.state / "files" / "acme").rglob("*.pdf")]
    totals = sorted(f"{total} {currency}" for currency, total in map(read_total, documents))
    assert totals == ["120.00 GBP", "135.00 EUR", "24.60 EUR", "240.00 GBP", "54.05 CHF"]
