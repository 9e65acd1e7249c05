from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from amqp.serialization import dumps, loads

from tasks_platform.errors import SettingsError
from tasks_platform.sealing import SIGNATURE, KeyRing, distrust, new_key, signature
from tasks_platform.settings import Settings, Signing, load_settings
from tasks_platform.task.amqp import signed

OLD, NEW = new_key("old"), new_key("new")
RING = KeyRing.read(f"{NEW},{OLD}")
BODY = b'[[1, 2], {}, {"chord": null}]'
HEADERS = {"task": "shop.add", "id": "job-1", "eta": None, "retries": 0, "timelimit": [None, 2.5], "platform": {"a": 1}}
SIGNED = {**HEADERS, SIGNATURE: signature(RING, HEADERS, BODY)}


def check(headers, body=BODY, ring=RING, *, required=True):
    return distrust(ring, headers, body, required=required)


@pytest.mark.parametrize("required", [True, False])
def test_a_signed_message_is_trusted(required):
    assert check(SIGNED, required=required) is None


def test_it_is_trusted_after_its_way_through_json_and_a_broker():
    arrived = json.loads(json.dumps(dict(reversed(SIGNED.items()))))
    added = {"redelivered": True, "compression": "application/x-gzip", "x-delivery-count": 2, "x-death": [{"count": 1}]}

    assert check({**arrived, **added}) is None


def test_it_is_trusted_whatever_a_caller_puts_into_its_headers():
    moment = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=ZoneInfo("Europe/Berlin"))
    odd = {"moment": moment, "bytes": b"x", "inside": [{"price": Decimal("1.10"), "pair": (1, 2**62)}]}
    table = dumps("F", [signed(RING, {**HEADERS, **odd}, BODY)])
    (arrived,), _ = loads("F", table, 0)

    assert check(arrived) is None
    assert arrived["moment"] == str(moment)


def test_a_broker_that_keeps_delays_says_where_the_moment_is_and_cannot_change_it():
    moment = "2026-11-22T12:00:00+00:00"
    sent = signed(RING, {**HEADERS, "eta": moment}, BODY)

    assert check({**sent, "eta": None, "x-eta": moment}) is None
    assert check({**sent, "eta": None}) is not None
    assert check({**sent, "x-eta": "2026-11-22T13:00:00+00:00"}) is not None
    assert check({**SIGNED, "x-eta": moment}) is not None


def test_what_a_broker_has_said_of_an_earlier_delay_is_not_signed_for_the_next_one():
    earlier, later = "2026-11-22T12:00:00+00:00", "2026-11-22T13:00:00+00:00"
    sent = signed(RING, {**HEADERS, "eta": later, "x-eta": earlier}, BODY)

    assert check({**sent, "eta": None, "x-eta": later}) is None
    assert "x-eta" not in sent


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, BODY.replace(b"1", b"7")),
        ({"task": "shop.refund"}, BODY),
        ({"id": "job-2"}, BODY),
        ({"platform": {"a": 1, "tenant": "somebody"}}, BODY),
        ({"x-injected": 1}, BODY),
        ({SIGNATURE: SIGNED[SIGNATURE].replace("new:", "old:")}, BODY),
        ({SIGNATURE: "new:"}, BODY),
        ({SIGNATURE: "new:\N{SNOWMAN}"}, BODY),
        ({SIGNATURE: "new:\ud800"}, BODY),
    ],
)
def test_a_changed_message_is_never_trusted(change, body, required):
    assert "changed after it was signed" in (check({**SIGNED, **change}, body, required=required) or "")


def test_a_header_that_is_taken_away_is_a_change():
    assert check({name: value for name, value in SIGNED.items() if name != "timelimit"}) is not None


@pytest.mark.parametrize("given", [None, "", "gone:abc", 7, ["new"]])
def test_what_nobody_here_can_have_signed_is_trusted_only_until_signatures_are_required(given):
    headers = {**HEADERS, **({} if given is None else {SIGNATURE: given})}

    assert check(headers, required=False) is None
    assert check(headers) is not None


def test_an_old_key_verifies_and_the_first_one_signs():
    by_the_old = {**HEADERS, SIGNATURE: signature(KeyRing.read(OLD), HEADERS, BODY)}

    assert check(by_the_old) is None
    assert SIGNED[SIGNATURE].startswith("new:")


def test_requiring_signatures_without_keys_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TASKS_SIGNING__REQUIRED", "true")

    with pytest.raises(SettingsError, match=r"TASKS_SIGNING: .*REQUIRED refuses every message as long as there are no"):
        load_settings()
    assert Settings(signing=Signing(keys=NEW, required=True)).signing.required
