"""Where deaths of jobs are reported to."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from tasks_platform.settings.group import Group


class Sentry(Group):
    """Sentry; without a DSN nothing is reported."""

    #: The project's address as Sentry shows it: ``https://KEY@HOST/PROJECT``.
    dsn: SecretStr | None = None
    #: ``production``, ``staging`` and so on, and the version that runs, as Sentry shows them beside an issue.
    environment: str | None = None
    release: str | None = None
    #: The share of error events that is sent; check-ins of schedules always are.
    sample_rate: float = Field(default=1.0, ge=0, le=1)

    @field_validator("dsn")
    @classmethod
    def _is_readable(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None:
            parts = urlsplit(dsn.get_secret_value())
            project = parts.path.rpartition("/")[2]
            if parts.scheme not in {"http", "https"} or not (parts.username and parts.hostname and project.isdigit()):
                raise ValueError("it is no DSN; Sentry shows it as https://KEY@HOST/PROJECT")
        return dsn
