"""Dead letters: how long they are kept, and who is told of them."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field, SecretStr, field_validator

from tasks_platform.settings.durations import Duration
from tasks_platform.settings.group import Group


class Letters(Group):
    """Dead letters: how long they are kept, and who is told of them."""

    #: Letters of jobs that died longer ago are dropped; 0: they are kept for ever.
    keep_for: Duration = timedelta(days=90)
    #: The oldest of more letters than this are dropped; 0: they are kept, however many there are.
    keep_most: int = Field(default=10_000, ge=0)
    #: Mail addresses that are told of burials, separated by commas.
    mail_to: str = ""
    #: A URL that is told of burials by POST, as JSON.
    webhook: SecretStr | None = None
    #: A bug is told of once in this time, with the number of its letters.
    tell_every: Duration = timedelta(minutes=15)

    @field_validator("webhook")
    @classmethod
    def _is_a_url(cls, webhook: SecretStr | None) -> SecretStr | None:
        if webhook is not None and not re.match(r"https?://[^/\s]", webhook.get_secret_value()):
            raise ValueError("it has to be a URL that begins with http:// or https://")
        return webhook

    @field_validator("mail_to")
    @classmethod
    def _are_addresses(cls, mail_to: str) -> str:
        if not all("@" in part for part in mail_to.split(",") if part.strip()):
            raise ValueError("it has to be mail addresses, separated by commas")
        return mail_to

    @property
    def mailed(self) -> tuple[str, ...]:
        """The mail addresses that are told."""
        return tuple(address for address in (part.strip() for part in self.mail_to.split(",")) if address)
