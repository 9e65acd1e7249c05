"""One frozen object; the only reader of the environment (``TASKS_*``)."""

from __future__ import annotations

import difflib
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingsError

from tasks_platform.errors import SettingsError


def user_state_folder() -> Path:
    """Return the folder in which this user's state is kept (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tasks-platform"


def _seconds(value: Any) -> Any:
    """Read the number of a variable, which is text, as seconds."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


#: Seconds, or a duration in the words of ISO 8601: ``90``, ``PT2H``, ``P1D``.
Duration = Annotated[timedelta, BeforeValidator(_seconds)]


class Smtp(BaseModel):
    """The mail server; without a host, mail is filed in the local mailbox folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    #: The address mail is sent from.
    sender: str = "invoices@localhost"
    #: Seconds to wait for the server at every step.
    timeout: float = Field(default=20.0, gt=0)
    #: A file with the certificate authority of a server that the system does not trust.
    ca_file: Path | None = None


class Settings(BaseSettings):
    """Everything that may differ between two installations."""

    model_config = SettingsConfigDict(
        env_prefix="TASKS_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    #: Broker, results and the platform's records. Without it, this user's embedded server is joined.
    redis_url: SecretStr | None = None
    #: Another broker than Redis (``amqp://``); the records stay in Redis.
    broker_url: SecretStr | None = None
    #: Start the embedded server where none is running.
    embedded: bool = False
    #: Where the embedded server, the database file, the files and the mailbox live.
    state_dir: Path = Field(default_factory=user_state_folder)
    #: Import paths of task modules, separated by commas: ``shop.tasks,shop.reports``.
    modules: str = ""
    #: Load the business modules that ship as examples.
    business: bool = True
    #: SQLAlchemy URL of the books; a SQLite file in the state folder without it.
    database_url: SecretStr | None = None
    #: The folder in which documents are filed; ``files`` in the state folder without it.
    storage_dir: Path | None = None
    smtp: Smtp = Smtp()
    #: How long results are kept.
    result_expires: Duration = timedelta(days=1)
    #: How long the id of a finished job that was sent under an id of the caller's choice stays taken.
    job_id_retention: Duration = timedelta(days=1)
    #: How long a message of a task that no worker knows (yet) is tried again.
    unknown_task_grace: Duration = timedelta(minutes=15)
    #: Seconds after which Redis hands out again what an unreachable worker holds (plain ``redis://`` only).
    visibility_timeout: int = Field(default=3600, ge=1)

    @property
    def task_modules(self) -> tuple[str, ...]:
        """The modules to import, in order."""
        return tuple(name for name in (part.strip() for part in self.modules.split(",")) if name)

    @property
    def database(self) -> str:
        """The URL of the books."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.state_dir / 'books.sqlite3'}"

    @property
    def storage(self) -> Path:
        """The folder in which documents are filed."""
        return self.storage_dir or self.state_dir / "files"

    @property
    def mailbox(self) -> Path:
        """The folder in which the local SMTP server files mail."""
        return self.state_dir / "mailbox"


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: with every problem, in words and without any secret.

    """
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += problems_in_words(error)
    except UnreadableSettingsError:  # it says no more than that a group is no JSON; there is one group
        problems.append("TASKS_SMTP: it is not JSON; set its parts one by one, for example TASKS_SMTP__HOST")
    problems += _unknown_variables()
    if settings is None or problems:  # raised out here, where no error that quotes a value is its context
        raise SettingsError("\n".join(problems))
    return settings


def problems_in_words(error: ValidationError) -> list[str]:
    """Describe every problem of *error* by the variable a person has to change; values are never shown."""
    return [
        f"TASKS_{'__'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _unknown_variables() -> list[str]:
    known = [name.upper() for name in Settings.model_fields]
    problems = []
    for variable in sorted(name for name in os.environ if name.startswith("TASKS_")):
        name = variable.removeprefix("TASKS_").split("__", 1)[0].upper()
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean TASKS_{meant[0]}?" if meant else ""
            problems.append(f"{variable} is not a setting of the platform{hint}")
    return problems
