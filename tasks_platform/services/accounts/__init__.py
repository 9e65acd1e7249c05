"""Accounts: who signs in, the tokens that are mailed to them, and what of both is to go."""

from tasks_platform.services.accounts.account import (
    Account,
    create_account,
    find_account,
    find_account_by_email,
    verified_accounts,
)
from tasks_platform.services.accounts.models import Purpose
from tasks_platform.services.accounts.stale import Stale, count_stale, delete_stale, expired_tokens, pending_users
from tasks_platform.services.accounts.tokens import digest_of, issue_token, redeem_token

__all__ = [
    "Account",
    "Purpose",
    "Stale",
    "count_stale",
    "create_account",
    "delete_stale",
    "digest_of",
    "expired_tokens",
    "find_account",
    "find_account_by_email",
    "issue_token",
    "pending_users",
    "redeem_token",
    "verified_accounts",
]
