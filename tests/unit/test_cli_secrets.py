from __future__ import annotations

import pytest

from tasks_platform.cli.secrets import Censor, checked_url, without_secrets
from tasks_platform.errors import SettingsError
from tasks_platform.settings import Letters, Sealing, Settings, Smtp


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache:6379/3", "redis://cache:6379/3"),
        ("redis://:sesame@cache:6379/3", "redis://***@cache:6379/3"),
        ("redis://ana:sesame@cache", "redis://***@cache"),
        ("amqp://token@rabbit//", "amqp://***@rabbit//"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://cache/0?password=sesame", "redis://cache/0"),
        ("sqlite:////var/lib/books.sqlite3", "sqlite:////var/lib/books.sqlite3"),
    ],
)
def test_a_url_is_shown_without_what_only_its_owner_knows(url: str, expected: str) -> None:
    assert without_secrets(checked_url(url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis://:open/sesame@cache:6379/0",
        "redis://:open#sesame@cache",
        "redis://:open?sesame@cache",
        "redis://:1/2@cache",
        "redis://[cache/0",
        "redis://cache:sesame/0",
    ],
)
def test_a_url_whose_parts_cannot_be_told_apart_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="have to be percent-encoded") as refused:
        checked_url(url)

    assert "sesame" not in str(refused.value)
    assert "cache" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ({"redis_url": "redis://:sesame@cache/0"}, "AUTH sesame failed", "AUTH *** failed"),
        ({"redis_url": "redis://:open%20sesame@cache/0"}, "AUTH open sesame failed", "AUTH *** failed"),
        ({"redis_url": "redis://:open%20sesame@cache/0"}, "at :open%20sesame@cache", "at :***@cache"),
        ({"redis_url": "redis://cache/0?password=sesame"}, "AUTH sesame failed", "AUTH *** failed"),
        ({"broker_url": "amqp://s3same@rabbit"}, "s3same is refused", "*** is refused"),
        ({"database_url": "postgresql://ana:a'b\n@db/x"}, 'password "a\'b\\n" is wrong', 'password "***" is wrong'),
        ({"smtp": Smtp(host="mail", username="ana", password="sesame")}, "AGFuYQBzZXNhbWU=", "***"),
        ({"smtp": Smtp(host="mail", username="ana", password="sesame")}, "c2VzYW1l", "***"),
        ({"sealing": Sealing(keys=f"a:{'s3same' * 7}s=")}, f"no {'s3same' * 7}s= here", "no *** here"),
        ({"letters": Letters(webhook="https://hooks.example/s3same")}, "at https://hooks.example/s3same", "at ***"),
        ({"letters": Letters(webhook="https://hooks.example/?token=sesame")}, "no sesame", "no ***"),
        ({"redis_url": "redis://:no@cache/0"}, "no more, no less", "no more, no less"),  # too short to be one
        ({}, "nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_replaced_however_they_are_spelt(settings: dict, text: str, expected: str) -> None:
    assert Censor(Settings(**settings))(text) == expected
