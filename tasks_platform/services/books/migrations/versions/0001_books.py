"""The books as they were when `create_all` still made them: organizations, clients, work and invoices.

The tables are kept here as a whole, apart from the models, which go on changing: they are made from it, and books from
the time before there were migrations are known by it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLES = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _needed(name: str, type_: Any = sa.String) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def _refers(name: str, to: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(f"{to}.id"), nullable=nullable)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


_MOMENT = sa.DateTime(timezone=True)

sa.Table(
    "organizations",
    TABLES,
    _id(),
    _needed("slug", sa.String(64)),
    _needed("name"),
    _needed("address", sa.Text),
    _needed("email"),
    _needed("tax_id"),
    _needed("invoice_prefix", sa.String(16)),
    _needed("time_zone", sa.String(64)),
    _needed("currency", sa.String(3)),
    _needed("tax_rate", sa.BigInteger),
    _needed("payment_days", sa.Integer),
    _needed("bank", sa.Text),
    _needed("last_invoice_number", sa.Integer),
    sa.UniqueConstraint("slug"),
)

sa.Table(
    "clients",
    TABLES,
    _id(),
    _refers("organization_id", "organizations"),
    _needed("name"),
    _needed("address", sa.Text),
    _needed("email"),
    _needed("tax_id"),
    _needed("currency", sa.String(3)),
    _needed("tax_rate", sa.BigInteger),
    _needed("tax_note"),
    _needed("payment_days", sa.Integer),
    sa.UniqueConstraint("organization_id", "name"),
)

sa.Table(
    "projects",
    TABLES,
    _id(),
    _refers("organization_id", "organizations"),
    _refers("client_id", "clients", nullable=True),
    _needed("name"),
    sa.UniqueConstraint("client_id", "name"),
    sa.Index(
        "uq_projects_own_name",
        "organization_id",
        "name",
        unique=True,
        sqlite_where=sa.text("client_id IS NULL"),
        postgresql_where=sa.text("client_id IS NULL"),
    ),
)

sa.Table(
    "rates",
    TABLES,
    _id(),
    _refers("organization_id", "organizations"),
    _refers("client_id", "clients", nullable=True),
    _refers("project_id", "projects", nullable=True),
    _needed("currency", sa.String(3)),
    _needed("hourly", sa.BigInteger),
    _needed("valid_from", sa.Date),
    sa.CheckConstraint("client_id IS NULL OR project_id IS NULL", name="one_level"),
    sa.UniqueConstraint("project_id", "currency", "valid_from"),
    sa.UniqueConstraint("client_id", "currency", "valid_from"),
    sa.Index(
        "uq_rates_organization",
        "organization_id",
        "currency",
        "valid_from",
        unique=True,
        sqlite_where=sa.text("client_id IS NULL AND project_id IS NULL"),
        postgresql_where=sa.text("client_id IS NULL AND project_id IS NULL"),
    ),
)

sa.Table(
    "invoices",
    TABLES,
    _id(),
    _refers("organization_id", "organizations"),
    _refers("client_id", "clients"),
    _needed("month", sa.String(7)),
    _needed("number", sa.String(64)),
    _needed("issued_on", sa.Date),
    _needed("due_on", sa.Date),
    _needed("currency", sa.String(3)),
    _needed("tax_rate", sa.BigInteger),
    _needed("tax_note"),
    _needed("subtotal", sa.BigInteger),
    _needed("tax", sa.BigInteger),
    _needed("total", sa.BigInteger),
    _needed("drafted_at", _MOMENT),
    sa.Column("rendered_at", _MOMENT),
    sa.Column("filed_at", _MOMENT),
    sa.Column("mailed_at", _MOMENT),
    sa.Column("booked_at", _MOMENT),
    sa.Column("file_key", sa.String),
    sa.Column("message_id", sa.String),
    sa.UniqueConstraint("organization_id", "client_id", "month"),
    sa.UniqueConstraint("organization_id", "number"),
    sa.Index(None, "organization_id", "month"),
)

sa.Table(
    "invoice_lines",
    TABLES,
    _id(),
    _refers("invoice_id", "invoices"),
    _needed("number", sa.Integer),
    _refers("project_id", "projects"),
    _needed("description"),
    _needed("seconds", sa.Integer),
    _needed("hours", sa.BigInteger),
    _needed("rate", sa.BigInteger),
    _needed("amount", sa.BigInteger),
    sa.UniqueConstraint("invoice_id", "number"),
)

sa.Table(
    "time_entries",
    TABLES,
    _id(),
    _refers("organization_id", "organizations"),
    _refers("client_id", "clients", nullable=True),
    _refers("project_id", "projects", nullable=True),
    _needed("user"),
    _needed("email"),
    _needed("task"),
    _needed("description"),
    _needed("billable", sa.Boolean),
    _needed("start_at", _MOMENT),
    _needed("end_at", _MOMENT),
    _needed("local_date", sa.Date),
    _needed("seconds", sa.Integer),
    _needed("external_key", sa.String(64)),
    _needed("source", sa.String(64)),
    _needed("imported_at", _MOMENT),
    _refers("invoice_line_id", "invoice_lines", nullable=True),
    sa.UniqueConstraint("organization_id", "external_key"),
    sa.Index(None, "organization_id", "local_date"),
    sa.Index(None, "organization_id", "start_at"),
    sa.Index(None, "invoice_line_id"),
)


def upgrade() -> None:
    """Make the tables."""
    TABLES.create_all(op.get_bind())
