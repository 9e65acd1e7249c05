"""Find an organization by the short name under which jobs address it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.errors import BooksError
from tasks_platform.services.books.models import Organization


def find_organization(session: Session, slug: str, *, lock: bool = False) -> Organization:
    """Return the organization.

    With *lock*, nobody else writes to its books until the transaction ends: whoever imports, drafts or books takes
    this lock first. On SQLite the transaction holds the write lock anyway, and FOR UPDATE is left out.

    Raises:
        BooksError: if there is none of this name.

    """
    query = select(Organization).where(Organization.slug == slug)
    organization = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if organization is None:
        known = ", ".join(session.scalars(select(Organization.slug).order_by(Organization.slug))) or "none yet"
        raise BooksError(
            f"there is no organization {slug!r} in the books (known: {known}); load its clients file first"
        )
    return organization


def only_organization(session: Session) -> str:
    """Return the short name of the organization, if the books know exactly one.

    Raises:
        BooksError: if they know none, or several.

    """
    slugs = organization_slugs(session)
    if len(slugs) == 1:
        return slugs[0]
    if not slugs:
        raise BooksError("the books know no organization yet: give its clients and rates with --clients FILE")
    raise BooksError(f"the books know several organizations: name one of {', '.join(slugs)} with --organization")


def organization_slugs(session: Session) -> list[str]:
    """Return the short names of all organizations, in order."""
    return list(session.scalars(select(Organization.slug).order_by(Organization.slug)))
