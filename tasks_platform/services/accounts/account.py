"""An account, as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tasks_platform.errors import BooksError
from tasks_platform.services.accounts.models import User
from tasks_platform.services.books.models import Organization
from tasks_platform.services.books.organizations import find_organization
from tasks_platform.services.invoice import Party
from tasks_platform.services.mail_address import ascii_address


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody of an organization who signs in."""

    id: int
    #: The short name of the organization.
    organization: str
    email: str
    name: str
    verified_at: datetime | None
    trial_ends_at: datetime | None
    #: The organization, as it writes to its people.
    sender: Party
    #: Of the organization: in it days are told.
    zone: ZoneInfo


def create_account(  # noqa: PLR0913 - what is known of a person
    session: Session,
    organization: str,
    email: str,
    name: str,
    *,
    trial_ends_at: datetime | None = None,
    now: datetime | None = None,
) -> Account:
    """Save a new account; somebody who signs up again before the address was verified gets the one there is.

    Raises:
        BooksError: if the organization is unknown, or the address belongs to an account already.
        ServiceRefusedError: if no mail can be sent to the address.

    """
    books = find_organization(session, organization, lock=True)
    address = ascii_address(email.strip()).lower()
    user = User(
        organization=books,
        email=address,
        name=name.strip(),
        created_at=now or datetime.now(UTC),
        trial_ends_at=trial_ends_at,
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        found = session.scalars(select(User).where(User.email == address)).one()
        if found.verified_at is not None or found.organization_id != books.id:
            raise BooksError(f"{address} has an account already: sign in, or ask for another password") from None
        return _account(found, books)
    return _account(user, books)


def find_account(session: Session, user_id: int) -> Account | None:
    """Return an account, None if there is none (any more)."""
    return _one(session, _accounts().where(User.id == user_id))


def find_account_by_email(session: Session, email: str) -> Account | None:
    """Return the account of an address, None if there is none."""
    return _one(session, _accounts().where(User.email == email.strip().lower()))


def verified_accounts(session: Session, organization: str) -> Sequence[Account]:
    """Return the accounts of an organization whose addresses are known to be theirs."""
    query = _accounts().where(Organization.slug == organization, User.verified_at.is_not(None)).order_by(User.id)
    return [_account(user, books) for user, books in session.execute(query)]


def _accounts() -> Select[User, Organization]:
    return select(User, Organization).join(Organization, Organization.id == User.organization_id)


def _one(session: Session, query: Select[User, Organization]) -> Account | None:
    row = session.execute(query).one_or_none()
    return None if row is None else _account(row[0], row[1])


def _account(user: User, books: Organization) -> Account:
    return Account(
        id=user.id,
        organization=books.slug,
        email=user.email,
        name=user.name,
        verified_at=user.verified_at,
        trial_ends_at=user.trial_ends_at,
        sender=Party(name=books.name, address=books.address, email=books.email),
        zone=ZoneInfo(books.time_zone),
    )
