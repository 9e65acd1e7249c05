"""What went wrong in a command, as a sentence for the person who called it."""

from __future__ import annotations

from kombu.exceptions import OperationalError
from pydantic_settings import SettingsError as UnreadableVariableError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from tasks_platform.cli.secrets import Censor
from tasks_platform.errors import PlatformError
from tasks_platform.settings import load_settings


def in_words(error: Exception) -> str | None:
    """Return what happened and what to do, without secrets; None for what is a fault of the program."""
    if isinstance(error, PlatformError):
        return str(error)
    if isinstance(error, UnreadableVariableError):
        return f"the environment cannot be read: {error}"
    if isinstance(error, (RedisError, OperationalError)):
        return _censored(f"the Redis server or the broker does not answer: {error}; see 'tasks-platform check'")
    if isinstance(error, SQLAlchemyError):
        return _censored(f"the books cannot be used: {str(error).splitlines()[0]}; see 'tasks-platform check'")
    return None


def _censored(words: str) -> str:
    return Censor(load_settings())(words)
