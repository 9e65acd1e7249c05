"""Tokens: secrets that are mailed to a user, good for one purpose, once, and for a time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete
from sqlalchemy.orm import Session

from tasks_platform.services.accounts.account import Account, find_account
from tasks_platform.services.accounts.models import Purpose, Token, User


def issue_token(
    session: Session, user_id: int, purpose: Purpose, *, lifetime: timedelta, now: datetime | None = None
) -> str:
    """Return a new secret for *user_id*; only its digest is kept, so nobody can read it again."""
    secret = secrets.token_urlsafe(32)
    moment = now or datetime.now(UTC)
    session.add(
        Token(
            user_id=user_id,
            purpose=purpose,
            digest=digest_of(secret),
            created_at=moment,
            expires_at=moment + lifetime,
        )
    )
    return secret


def redeem_token(session: Session, secret: str, purpose: Purpose, *, now: datetime | None = None) -> Account | None:
    """Return whose token it is and use it up; None if it is unknown, used or expired, or for something else.

    To redeem any token shows that the address is theirs: it was mailed there.
    """
    moment = now or datetime.now(UTC)
    conditions = (Token.digest == digest_of(secret), Token.purpose == purpose, Token.expires_at > moment)
    user_id = session.scalars(delete(Token).where(*conditions).returning(Token.user_id)).one_or_none()
    if user_id is None:
        return None
    user = session.get_one(User, user_id)
    user.verified_at = user.verified_at or moment
    session.flush()
    return find_account(session, user_id)


def digest_of(secret: str) -> str:
    """Return by what a secret is known."""
    return sha256(secret.encode()).hexdigest()
