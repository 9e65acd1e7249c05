from __future__ import annotations

import traceback
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks_platform.errors import SettingsError
from tasks_platform.settings import Settings, load_settings, user_state_folder

SECRET = "hunter2"


@pytest.fixture
def environment(monkeypatch):
    """Set the variables given; nothing else of the platform's is set."""

    def configure(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return configure


def problems() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value).splitlines()


def test_without_any_variable_everything_is_local(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = load_settings()

    assert (settings.redis_url, settings.broker_url, settings.embedded, settings.smtp.host) == (None, None, False, None)
    assert settings.state_dir == tmp_path / "tasks-platform"
    assert settings.database == f"sqlite:///{tmp_path}/tasks-platform/books.sqlite3"
    assert settings.storage == tmp_path / "tasks-platform" / "files"
    assert settings.mailbox == tmp_path / "tasks-platform" / "mailbox"


def test_state_lies_where_the_user_keeps_it(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert user_state_folder() == tmp_path / ".local" / "state" / "tasks-platform"


def test_every_variable_has_the_prefix(environment):
    environment(
        TASKS_REDIS_URL="redis://cache:6379/3",
        TASKS_BROKER_URL="amqp://rabbit",
        TASKS_EMBEDDED="1",
        TASKS_STATE_DIR="/var/lib/shop",
        TASKS_STORAGE_DIR="/srv/files",
        TASKS_DATABASE_URL="postgresql+psycopg://db/shop",
        TASKS_MODULES="shop.tasks, shop.reports,",
        TASKS_BUSINESS="no",
        TASKS_SMTP__HOST="mail.example",
        TASKS_SMTP__PORT="25",
        TASKS_SMTP__SECURITY="none",
        TASKS_RESULT_EXPIRES="PT2H",
        TASKS_UNKNOWN_TASK_GRACE="60",
        TASKS_LETTERS__KEEP_FOR="P30D",
        TASKS_LETTERS__KEEP_MOST="0",
        TASKS_LETTERS__MAIL_TO="ops@kontor.example, ,ana@kontor.example",
        REDIS_URL="redis://somebody-elses",
    )
    settings = load_settings()

    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://cache:6379/3"
    assert (settings.embedded, settings.business, settings.task_modules) == (
        True,
        False,
        ("shop.tasks", "shop.reports"),
    )
    assert (settings.state_dir, settings.storage) == (Path("/var/lib/shop"), Path("/srv/files"))
    assert settings.database == "postgresql+psycopg://db/shop"
    assert (settings.letters.keep_for, settings.letters.keep_most) == (timedelta(days=30), 0)
    assert settings.letters.mailed == ("ops@kontor.example", "ana@kontor.example")
    assert (settings.smtp.host, settings.smtp.port, settings.smtp.security) == ("mail.example", 25, "none")
    assert (settings.result_expires, settings.unknown_task_grace) == (timedelta(hours=2), timedelta(minutes=1))


def test_an_empty_variable_is_as_good_as_none(environment):
    environment(TASKS_REDIS_URL="", TASKS_SMTP__PORT="")

    assert (load_settings().redis_url, load_settings().smtp.port) == (None, 587)


def test_every_problem_is_told_at_once_by_the_variable_to_change(environment):
    environment(
        TASKS_VISIBILITY_TIMEOUT="0",
        TASKS_RESULT_EXPIRES=SECRET,
        TASKS_EMBEDDED=SECRET,
        TASKS_SMTP__PORT="70000",
        TASKS_SMTP__SECURITY=SECRET,
        TASKS_SMTP__PASWORD=SECRET,
        TASKS_REDIS_ULR=f"redis://:{SECRET}@cache",
        TASKS_ZZZ=SECRET,
    )
    told = problems()

    assert sorted(line.partition(":")[0] for line in told if ": " in line) == [
        "TASKS_EMBEDDED",
        "TASKS_RESULT_EXPIRES",
        "TASKS_SMTP__PASWORD",
        "TASKS_SMTP__PORT",
        "TASKS_SMTP__SECURITY",
        "TASKS_VISIBILITY_TIMEOUT",
    ]
    assert "TASKS_REDIS_ULR is not a setting of the platform; did you mean TASKS_REDIS_URL?" in told
    assert "TASKS_ZZZ is not a setting of the platform" in told
    assert len(told) == 8


@pytest.mark.parametrize("broken", [f'{{"password": "{SECRET}"', f'["{SECRET}"]', SECRET])
def test_a_group_of_settings_that_cannot_be_read_is_told_like_any_other(environment, broken):
    environment(TASKS_SMTP=broken, TASKS_ZZZ="1")
    told = problems()

    assert [line.partition(" ")[0].rstrip(":") for line in told] == ["TASKS_SMTP", "TASKS_ZZZ"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(seconds=0.5)),
        ("PT2H", timedelta(hours=2)),
        ("P1D", timedelta(days=1)),
        ("01:30:00", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_seconds_or_says_its_unit(environment, text, expected):
    environment(TASKS_RESULT_EXPIRES=text)

    assert load_settings().result_expires == expected


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "1e300"])
def test_a_duration_that_is_none_is_refused(environment, text):
    environment(TASKS_RESULT_EXPIRES=text)

    assert [line.partition(":")[0] for line in problems()] == ["TASKS_RESULT_EXPIRES"]


def test_settings_cannot_be_changed():
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.embedded = True
    with pytest.raises(ValidationError, match="frozen"):
        settings.smtp.port = 25


def test_a_misspelt_setting_is_refused_in_code_too():
    with pytest.raises(ValidationError, match="redis_ulr"):
        Settings(redis_ulr="redis://cache")  # type: ignore[call-arg]


@pytest.mark.parametrize("show", [repr, str, lambda settings: settings.model_dump_json()])
def test_secrets_are_never_shown(show):
    settings = Settings(
        redis_url=f"redis://:{SECRET}@cache",
        broker_url=f"amqp://user:{SECRET}@rabbit",
        database_url=f"postgresql://user:{SECRET}@db",
        smtp={"host": "mail.example", "password": SECRET},
    )

    assert SECRET not in show(settings)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("TASKS_LETTERS__WEBHOOK", f"hooks.example/{SECRET}", "it has to be a URL"),
        ("TASKS_LETTERS__MAIL_TO", "ops@kontor.example, ana", "it has to be mail addresses"),
        ("TASKS_LETTERS__KEEP_MOST", "-1", "greater than or equal to 0"),
    ],
)
def test_who_is_told_of_dead_letters_has_to_be_reachable(environment, variable, value, problem):
    environment(**{variable: value})
    (found,) = problems()

    assert found.startswith(f"{variable}: ")
    assert problem in found
