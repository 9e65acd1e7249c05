"""The address of a master that sentinels know: what may stand in it, and what is refused."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from tasks_platform.broker.sentinel import Address, Sentinels, each_of, is_sentinel
from tasks_platform.celery.configuration import leased
from tasks_platform.cli.secrets import Censor, checked_url, without_secrets
from tasks_platform.errors import SettingsError
from tasks_platform.settings import Settings

THREE = "sentinel://:p%3Bw%40@one:1/2;sentinel://two;sentinel://[::1]:3/?master_name=boss&sentinel_password=s3cret"


def test_an_address_names_sentinels_and_a_master() -> None:
    found = Address.read(THREE)
    assert found == Address(
        sentinels=Sentinels(
            master_name="boss", hosts=(("one", 1), ("two", 26379), ("::1", 3)), options=(("password", "s3cret"),)
        ),
        db=2,
        password="p;w@",
    )
    assert Address.read(leased(THREE)) == found


def test_a_semicolon_inside_a_password_ends_no_address() -> None:
    url = "sentinel://:a;b@one;sentinel://two?master_name=m"
    assert each_of(url) == ["sentinel://:a;b@one", "sentinel://two?master_name=m"]
    assert Address.read(url).password == "a;b"
    assert each_of("redis://:a;sentinel://@one") == ["redis://:a;sentinel://@one"]
    assert [is_sentinel(it) for it in (url, leased(url), "redis://one", "leased+redis://one")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_options_of_the_transport_say_what_the_address_does_not() -> None:
    options: dict[str, Any] = {"master_name": "theirs", "min_other_sentinels": 2, "sentinel_kwargs": {"password": "x"}}
    theirs = Address.read("sentinel://one", options).sentinels
    assert (theirs.master_name, theirs.min_others, theirs.options) == ("theirs", 2, (("password", "x"),))
    ours = Address.read("sentinel://one?master_name=ours&min_other_sentinels=1&sentinel_password=y", options).sentinels
    assert (ours.master_name, ours.min_others, ours.options) == ("ours", 1, (("password", "y"),))


def test_tls_is_spoken_to_the_master_and_to_the_sentinels_unless_the_address_says_otherwise() -> None:
    plain = Address.read("sentinel://one?master_name=m")
    assert plain.tls is None
    assert Address.read("sentinel://one?master_name=m&ssl=true").tls == {"ssl_cert_reqs": "required"}
    found = Address.read("sentinel://one?master_name=m&ssl_cert_reqs=none&ssl_check_hostname=false")
    assert found.tls == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}
    assert dict(found.sentinels.options) == {**found.tls, "ssl": True}
    assert Address.read("sentinel://one?master_name=m&ssl=true&sentinel_ssl=false").sentinels == plain.sentinels


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sentinel://one;sentinel://two", r"end it with \?master_name="),
        ("sentinel://one?master=m", "says master; known are .*master_name"),
        ("sentinel://one/boss?master_name=m", "database"),
    ],
)
def test_what_is_missing_or_unknown_is_named(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Address.read(url)


def test_what_people_are_shown_has_no_secret_of_it() -> None:
    url = "sentinel://joe:hidden@one:1/0;sentinel://two:2?master_name=m&sentinel_password=s3cret"
    assert checked_url(url) == url
    assert without_secrets(url) == "sentinel://***@one:1/0;sentinel://two:2"
    assert Censor(Settings(redis_url=url))("hidden and s3cret") == "*** and ***"  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="percent-encoded"):
        checked_url("sentinel://one;sentinel://two:port")
