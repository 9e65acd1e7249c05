"""What of the accounts is to go: expired tokens, and accounts that nobody ever verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from tasks_platform.services.accounts.models import Token, User


@dataclass(frozen=True, kw_only=True)
class Stale:
    """Rows of a table that are to go."""

    table: type[Token | User]
    condition: ColumnElement[bool]


def expired_tokens(now: datetime) -> Stale:
    """Return the tokens that are of no use any more."""
    return Stale(table=Token, condition=Token.expires_at <= now)


def pending_users(created_before: datetime) -> Stale:
    """Return the accounts made before a moment whose address was never verified; their tokens go with them."""
    return Stale(table=User, condition=and_(User.verified_at.is_(None), User.created_at < created_before))


def count_stale(session: Session, stale: Stale) -> int:
    """Return how many rows there are."""
    return session.scalar(select(func.count()).select_from(stale.table).where(stale.condition)) or 0


def delete_stale(session: Session, stale: Stale, *, at_most: int) -> int:
    """Delete some of the rows, the oldest first, and return how many.

    What somebody else is changing just now is left for the next time: a user may be verified at this moment.
    """
    table: Any = stale.table
    query = select(table.id).where(stale.condition).order_by(table.id).limit(at_most)
    # Not one statement: PostgreSQL may run a subquery in a DELETE more than once, each time past the rows it locked,
    # and so past the limit.
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    session.execute(delete(table).where(table.id.in_(ids)), execution_options={"synchronize_session": False})
    return len(ids)
