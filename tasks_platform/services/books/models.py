"""The tables of the books.

Money is counted in hundredths of its currency and hours in hundredths of an hour, exactly; moments are aware and in
UTC; days are days of the organization's time zone.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from tasks_platform.services.books.columns import Exact, Lines, MonthColumn, UtcDateTime
from tasks_platform.services.books.month import Month

#: The day from which a rate without a date is valid.
ALWAYS: Final = date.min

_MONEY: Final = Exact(2)
_HOURS: Final = Exact(2)
_TAX_RATE: Final = Exact(6)


class Base(DeclarativeBase):
    """All tables; every constraint has a name, so that a migration can find it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration
        datetime: UtcDateTime(),
        Month: MonthColumn(),
        tuple[str, ...]: Lines(),
    }


class Organization(Base):
    """Who sends invoices: one set of books."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The short name under which jobs and people address it.
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    address: Mapped[tuple[str, ...]]
    email: Mapped[str] = mapped_column(default="")
    tax_id: Mapped[str] = mapped_column(default="")
    invoice_prefix: Mapped[str] = mapped_column(String(16))
    #: IANA name; decides on which day, and so in which month, work was done.
    time_zone: Mapped[str] = mapped_column(String(64))
    #: What a client gets that an import creates.
    currency: Mapped[str] = mapped_column(String(3))
    tax_rate: Mapped[Decimal] = mapped_column(_TAX_RATE)
    payment_days: Mapped[int]
    #: How to pay: bank, account.
    bank: Mapped[tuple[str, ...]]
    #: Taken in the transaction that writes the invoice: the numbers have no gaps.
    last_invoice_number: Mapped[int] = mapped_column(default=0)


class Client(Base):
    """Who receives invoices."""

    __tablename__ = "clients"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    #: As the time tracker writes it.
    name: Mapped[str]
    address: Mapped[tuple[str, ...]]
    #: Where invoices are mailed; empty when an import created the client.
    email: Mapped[str] = mapped_column(default="")
    tax_id: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(String(3))
    #: A fraction: 0.19.
    tax_rate: Mapped[Decimal] = mapped_column(_TAX_RATE)
    tax_note: Mapped[str] = mapped_column(default="")
    payment_days: Mapped[int]


class Project(Base):
    """What work is done for; without a client it is the organization's own and never billed."""

    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("client_id", "name"),
        # NULLs differ from each other in a UNIQUE constraint: the organization's own projects need their own.
        Index(
            "uq_projects_own_name",
            "organization_id",
            "name",
            unique=True,
            sqlite_where=text("client_id IS NULL"),
            postgresql_where=text("client_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    client_id: Mapped[int | None] = mapped_column(ForeignKey(Client.id))
    name: Mapped[str]


class Rate(Base):
    """What an hour costs: of a project, else of a client, else of the organization; see `rates`."""

    __tablename__ = "rates"
    __table_args__ = (
        CheckConstraint("client_id IS NULL OR project_id IS NULL", name="one_level"),
        UniqueConstraint("project_id", "currency", "valid_from"),
        UniqueConstraint("client_id", "currency", "valid_from"),
        Index(
            "uq_rates_organization",
            "organization_id",
            "currency",
            "valid_from",
            unique=True,
            sqlite_where=text("client_id IS NULL AND project_id IS NULL"),
            postgresql_where=text("client_id IS NULL AND project_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    client_id: Mapped[int | None] = mapped_column(ForeignKey(Client.id))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    currency: Mapped[str] = mapped_column(String(3))
    hourly: Mapped[Decimal] = mapped_column(_MONEY)
    valid_from: Mapped[date] = mapped_column(default=ALWAYS)


class InvoiceState(StrEnum):
    """How far an invoice has come; each state includes those before it, except that mail may precede filing."""

    DRAFT = "draft"
    RENDERED = "rendered"
    FILED = "filed"
    MAILED = "mailed"
    BOOKED = "booked"


class Invoice(Base):
    """What a client owes for a month; a draft is calculated anew until its document is rendered."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("organization_id", "client_id", "month"),
        UniqueConstraint("organization_id", "number"),
        Index(None, "organization_id", "month"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    client_id: Mapped[int] = mapped_column(ForeignKey(Client.id))
    month: Mapped[Month]
    number: Mapped[str] = mapped_column(String(64))
    issued_on: Mapped[date]
    due_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    tax_rate: Mapped[Decimal] = mapped_column(_TAX_RATE)
    tax_note: Mapped[str] = mapped_column(default="")
    subtotal: Mapped[Decimal] = mapped_column(_MONEY)
    tax: Mapped[Decimal] = mapped_column(_MONEY)
    total: Mapped[Decimal] = mapped_column(_MONEY)

    drafted_at: Mapped[datetime]
    rendered_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    booked_at: Mapped[datetime | None]
    #: Where its document is stored.
    file_key: Mapped[str | None]
    #: The Message-ID of the mail that carried it.
    message_id: Mapped[str | None]

    client: Mapped[Client] = relationship()
    organization: Mapped[Organization] = relationship()
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.number", cascade="all, delete-orphan")

    @property
    def state(self) -> InvoiceState:
        """The furthest state it has reached."""
        for state in (InvoiceState.BOOKED, InvoiceState.MAILED, InvoiceState.FILED, InvoiceState.RENDERED):
            if getattr(self, f"{state}_at") is not None:
                return state
        return InvoiceState.DRAFT


class InvoiceLine(Base):
    """The work of one project at one rate."""

    __tablename__ = "invoice_lines"
    __table_args__ = (UniqueConstraint("invoice_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey(Invoice.id))
    number: Mapped[int]
    project_id: Mapped[int] = mapped_column(ForeignKey(Project.id))
    description: Mapped[str]
    #: The exact time behind `hours`.
    seconds: Mapped[int]
    hours: Mapped[Decimal] = mapped_column(_HOURS)
    rate: Mapped[Decimal] = mapped_column(_MONEY)
    amount: Mapped[Decimal] = mapped_column(_MONEY)


class TimeEntry(Base):
    """A person's work on something, from a time tracker."""

    __tablename__ = "time_entries"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_key"),
        Index(None, "organization_id", "local_date"),
        Index(None, "organization_id", "start_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    client_id: Mapped[int | None] = mapped_column(ForeignKey(Client.id))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    user: Mapped[str]
    email: Mapped[str]
    task: Mapped[str]
    description: Mapped[str]
    billable: Mapped[bool]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    #: The day of the organization's time zone on which it started: that day's month is billed.
    local_date: Mapped[date]
    #: What is billed; `end_at - start_at` unless the tracker rounded it.
    seconds: Mapped[int]
    #: Who it is in the tracker: a hash of what identifies it there. Importing it again finds it.
    external_key: Mapped[str] = mapped_column(String(64))
    #: The file it came from: the hash of the file's content.
    source: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime]
    #: The line that bills it; an entry is billed once.
    invoice_line_id: Mapped[int | None] = mapped_column(ForeignKey(InvoiceLine.id), index=True)
