"""Who is let into Flower."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tasks_platform.console.logins import admitted
from tasks_platform.console.options import is_loopback
from tasks_platform.errors import SettingsError
from tasks_platform.settings import load_settings

LOGINS = ("admin:correct:horse", "ana:süß")


def basic(login: str) -> str:
    return f"Basic {b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (basic("admin:correct:horse"), "admin"),
        (basic("ana:süß"), "ana"),
        (basic("admin:correct:horse").replace("Basic", "basic"), "admin"),
        (basic("admin:correct"), None),
        (basic("admin:"), None),
        (basic(""), None),
        (basic("bob:correct:horse"), None),
        ("Basic ***", None),
        ("Basic", None),
        ("Digest abc", None),
        ("", None),
        ("Bearer t0ken", None),
    ],
)
def test_a_login_is_a_user_and_their_password(header: str, user: str | None) -> None:
    assert admitted(header, LOGINS) == user


def test_a_token_is_asked_for_only_where_there_is_one() -> None:
    assert admitted("Bearer t0ken", LOGINS, "t0ken") == "token"
    assert admitted("Bearer other", LOGINS, "t0ken") is None
    assert admitted("Bearer ", LOGINS, None) is None


@pytest.mark.parametrize("logins", [(), ("",), ("no colon",)])
def test_without_a_login_nobody_is_let_in(logins: tuple[str, ...]) -> None:
    assert [admitted(basic(login), logins) for login in ("", ":", "no colon")] == [None, None, None]


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("127.0.0.53", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False)],
)
def test_an_address_that_only_this_machine_reaches(address: str, *, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize(
    ("name", "value"), [("USER", "a:b"), ("USER", "\t:"), ("PORT", "0"), ("MAX_TASKS", "none"), ("COLOUR", "red")]
)
def test_what_cannot_be_a_login_or_an_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TASKS_FLOWER__{name}", value)
    with pytest.raises(SettingsError, match=f"TASKS_FLOWER__{name}: "):
        load_settings()
