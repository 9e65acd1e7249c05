"""The clients file: who sends invoices to whom, for which projects, at which rates. TOML, written by a person.

[organization]
slug = "acme"
name = "Acme Consulting"
address = ["1 Main Street", "Cork"]
invoice_prefix = "AC"
time_zone = "Europe/Dublin"
currency = "EUR"
tax_rate = "0.23"
projects = ["Internal"]              # its own: never billed
rates = [{ hourly = "90.00" }]       # where nothing more specific says

[[clients]]
name = "Kestrel Ltd"                 # as the time tracker writes it
address = ["2 High Street", "Leeds"]
email = "accounts@kestrel.example"
currency = "GBP"
tax_rate = "0"
tax_note = "Reverse charge: the recipient owes the tax."
rates = [{ hourly = "80.00" }]

[[clients.projects]]
name = "Website"
rates = [{ hourly = "85.00" }, { hourly = "95.00", valid_from = 2026-10-16 }]
"""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks_platform.errors import BooksError
from tasks_platform.services.books.models import ALWAYS
from tasks_platform.services.books.money import checked_currency


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone: a name such as Europe/Berlin is expected") from None
    return name


Currency = Annotated[str, AfterValidator(checked_currency)]
#: Places are checked, so that a rate is never rounded on its way into the books.
Money = Annotated[Decimal, Field(ge=0, decimal_places=2, max_digits=12)]
Fraction = Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Days = Annotated[int, Field(ge=0, le=365)]


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class RateItem(_Item):
    """What an hour costs from a day on."""

    hourly: Money
    valid_from: date = ALWAYS
    #: The organization's fallbacks need one per currency; elsewhere it is the client's.
    currency: Currency | None = None


class ProjectItem(_Item):
    """A project; without rates of its own, the client's apply."""

    name: Name
    rates: tuple[RateItem, ...] = ()


class ClientItem(_Item):
    """A client; without a mail address its invoices are not mailed."""

    name: Name
    address: tuple[Name, ...]
    email: str = ""
    tax_id: str = ""
    currency: Currency
    tax_rate: Fraction
    tax_note: str = ""
    payment_days: Days | None = None
    rates: tuple[RateItem, ...] = ()
    projects: tuple[ProjectItem, ...] = ()


class OrganizationItem(_Item):
    """Who sends the invoices, and what applies where a client says nothing."""

    slug: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    name: Name
    address: tuple[Name, ...]
    email: str = ""
    tax_id: str = ""
    invoice_prefix: Annotated[str, Field(pattern="^[A-Z0-9]{1,16}$")]
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    currency: Currency
    tax_rate: Fraction
    payment_days: Days = 14
    bank: tuple[str, ...] = ()
    projects: tuple[Name, ...] = ()
    rates: tuple[RateItem, ...] = ()


class ClientsFile(_Item):
    """The whole file."""

    organization: OrganizationItem
    clients: tuple[ClientItem, ...] = ()


def read_clients_file(path: Path) -> ClientsFile:
    """Read and check a clients file.

    Raises:
        BooksError: with every problem, each named by its place in the file.

    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return ClientsFile.model_validate(content)
    except OSError as error:
        raise BooksError(f"the clients file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BooksError(f"the clients file {path} is not TOML in UTF-8: {error}") from error
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise BooksError(f"the clients file {path} cannot be used:\n{problems}") from None
