"""The tables of accounts, in the database of the books."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tasks_platform.services.books.models import Base, Organization


class User(Base):
    """Somebody of an organization who signs in."""

    __tablename__ = "users"
    __table_args__ = (Index(None, "verified_at", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id))
    #: In small letters: nobody signs up twice by writing it differently.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    #: When the address was shown to be theirs; until then the account is pending.
    verified_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship()


class Purpose(StrEnum):
    """What a token may be used for."""

    #: Show that the address is theirs.
    VERIFY = "verify"
    #: Choose another password.
    RESET = "reset"


class Token(Base):
    """A secret that was mailed to a user, by its digest: who reads this table cannot use it."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    purpose: Mapped[Purpose] = mapped_column(String(16))
    #: SHA-256 of the secret, in hexadecimal.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
