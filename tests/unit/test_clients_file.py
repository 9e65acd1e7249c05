from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from tasks_platform.errors import BooksError
from tasks_platform.services.books import read_clients_file
from tasks_platform.services.books.clients_file import __doc__ as documentation
from tasks_platform.services.sample import CLIENTS_FILE, REFUSED_ADDRESS

ORGANIZATION = """
[organization]
slug = "acme"
name = "Acme"
address = ["Cork"]
invoice_prefix = "AC"
time_zone = "Europe/Dublin"
currency = "EUR"
tax_rate = "0.23"
"""


def write(folder: Path, text: str) -> Path:
    """Return a clients file."""
    path = folder / "clients.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_documentation_is_a_clients_file(tmp_path):
    example = dedent("\n".join((documentation or "").splitlines()[2:]))
    content = read_clients_file(write(tmp_path, example))
    assert content.clients[0].projects[0].rates[1].valid_from == date(2026, 10, 16)


def test_numbers_without_quotes_are_read_exactly(tmp_path):
    path = write(tmp_path, ORGANIZATION.replace('"0.23"', "0.081") + "rates = [{ hourly = 104.10 }]")
    organization = read_clients_file(path).organization
    assert (organization.tax_rate, organization.rates[0].hourly) == (Decimal("0.081"), Decimal("104.10"))


def test_every_problem_is_named_by_its_place(tmp_path):
    text = ORGANIZATION.replace("Europe/Dublin", "Europe/Atlantis").replace('"EUR"', '"JPY"')
    text += 'rates = [{ hourly = "104.105" }]\n[[clients]]\nname = "A"\naddress = []\ncurrency = "EUR"\nvat = 1\n'
    with pytest.raises(BooksError) as caught:
        read_clients_file(write(tmp_path, text))
    message = str(caught.value)
    for expected in (
        "organization.time_zone: Value error, 'Europe/Atlantis' is no time zone",
        "organization.currency: Value error, JPY has no hundredths",
        "organization.rates.0.hourly: Decimal input should have no more than 2 decimal places",
        "clients.0.tax_rate: Field required",
        "clients.0.vat: Extra inputs are not permitted",
    ):
        assert expected in message


@pytest.mark.parametrize(("content", "message"), [(b"[organization", "not TOML"), (b"\xff", "not TOML in UTF-8")])
def test_what_is_no_toml_is_one_clear_error(tmp_path, content, message):
    path = tmp_path / "clients.toml"
    path.write_bytes(content)
    with pytest.raises(BooksError, match=message):
        read_clients_file(path)


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(BooksError, match="cannot be read: No such file"):
        read_clients_file(tmp_path / "clients.toml")


def test_the_sample_has_25_clients_of_several_currencies_and_tax_rates():
    clients = read_clients_file(CLIENTS_FILE).clients
    assert len(clients) == 25
    assert {client.currency for client in clients} == {"EUR", "USD", "GBP", "CHF", "PLN", "NOK", "CZK"}
    assert {str(client.tax_rate) for client in clients} == {"0.19", "0.20", "0.21", "0.23", "0.081", "0"}
    assert all(client.tax_note for client in clients if not client.tax_rate)


def test_one_address_of_the_sample_is_refused_and_all_are_nobodys():
    addresses = [client.email for client in read_clients_file(CLIENTS_FILE).clients]
    assert addresses.count(REFUSED_ADDRESS) == 1
    assert [address for address in addresses if address.endswith("@refused.example")] == [REFUSED_ADDRESS]
    assert all(address.endswith(".example") for address in addresses)
