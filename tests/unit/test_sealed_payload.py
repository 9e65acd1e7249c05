from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from property_tests import given, settings
from tasks_platform import Sealed
from tasks_platform.errors import PayloadError, SealingError
from tasks_platform.payload import Payload
from tasks_platform.sealing import KeyRing, is_envelope, masked, new_key

RING = KeyRing.read(new_key("k1"))
TOKEN = "tok-6d1f0c2e"


class Card(BaseModel):
    holder: str
    number: Sealed[str]


@dataclass
class Login:
    name: str
    pin: Sealed[int]


def pay(  # noqa: PLR0913, PLR0917 - every place a secret may stand in
    email: str,
    token: Sealed[str],
    card: Card,
    login: Login,
    backups: list[Sealed[str]],
    note: Sealed[str] | None = None,
    *more: Sealed[Decimal],
    tags: Sealed[set[str]] = frozenset(),  # type: ignore[assignment]
    **others: Sealed[str],
) -> None: ...


def reset(email: str, token: Sealed[str]) -> None: ...


def remind(email: str, token: Sealed[str], code: Sealed[str] = "none") -> None: ...


def mint(email: str) -> Sealed[str]: ...


def codec(function: Any, ring: KeyRing = RING, name: str = "shop.pay") -> Payload:
    return Payload(function, name=name).sealed_with(lambda: ring)


def over_the_wire(written: Any) -> Any:
    return json.loads(json.dumps(written, allow_nan=False))


def test_a_secret_arrives_as_what_it_was_wherever_it_stands_and_is_nowhere_in_the_message():
    args = (
        "ana@kontor.example",
        TOKEN,
        Card(holder="ana", number="4111-1111"),
        Login(name="ana", pin=482913),
        ["backup-1", "backup-2"],
        "note-note",
        Decimal("19.99123"),
    )
    kwargs = {"tags": {"tag-one", "tag-two"}, "other": "other-secret"}
    written = over_the_wire(codec(pay).write(args, kwargs))

    assert codec(pay).read(*written) == (args, kwargs)
    for secret in (TOKEN, "4111", "482913", "backup-", "note-note", "19.99", "tag-", "other-secret"):
        assert secret not in json.dumps(written)
    assert (written[0][0], written[0][2]["holder"], written[0][3]["name"]) == ("ana@kontor.example", "ana", "ana")


@settings(max_examples=25)
@given(token=st.text(st.characters(codec="utf-8")))
def test_every_text_can_be_sealed(token: str):
    written = over_the_wire(codec(reset).write(("a", token), {}))

    assert codec(reset).read(*written) == (("a", token), {})


def test_equal_secrets_look_different_in_every_message():
    first, second = (codec(reset).write(("a", TOKEN), {})[0][1] for _ in range(2))

    assert is_envelope(first)
    assert first != second


def test_the_function_and_its_models_know_nothing_of_it_outside_of_a_payload():
    card = Card(holder="ana", number="4111")

    assert card.model_dump_json() == '{"holder":"ana","number":"4111"}'
    assert Card.model_validate_json(card.model_dump_json()) == card
    assert TypeAdapter(Sealed[str]).json_schema() == {"type": "string"}


def test_a_message_from_before_the_parameter_was_sealed_or_of_somebody_without_keys_is_read():
    assert codec(reset).read(["a", TOKEN], {}) == (("a", TOKEN), {})


class TestMoving:
    """A ciphertext opens where it was sealed for, and nowhere else."""

    def envelope(self) -> Any:
        return codec(remind, name="shop.remind").write(("a", TOKEN), {})[0][1]

    def test_to_another_task_is_refused(self):
        with pytest.raises(SealingError, match=r"shop\.reset: parameter 'token' does not open: it was changed"):
            codec(reset, name="shop.reset").read(["a", self.envelope()], {})

    def test_to_another_parameter_is_refused(self):
        with pytest.raises(SealingError, match=r"parameter 'code' does not open"):
            codec(remind, name="shop.remind").read(["a", self.envelope(), self.envelope()], {})

    def test_to_a_parameter_that_is_not_sealed_is_refused(self):
        with pytest.raises(PayloadError, match="email: Input should be a valid string"):
            codec(remind, name="shop.remind").read([self.envelope(), TOKEN], {})

    def test_a_changed_one_is_refused(self):
        envelope = self.envelope()
        name, sealed = envelope["sealed"].split(":")
        data = bytearray(base64.urlsafe_b64decode(sealed))
        data[-1] ^= 1
        changed = {"sealed": f"{name}:{base64.urlsafe_b64encode(bytes(data)).decode()}"}
        with pytest.raises(SealingError, match="does not open: it was changed"):
            codec(remind, name="shop.remind").read(["a", changed], {})

    def test_one_that_calls_itself_a_result_is_refused(self):
        renamed = {**self.envelope(), "as": "result of shop.remind"}
        with pytest.raises(SealingError, match="does not open: it was changed"):
            codec(remind, name="shop.remind").read(["a", renamed], {})


class TestKeys:
    def test_an_old_key_opens_and_the_first_one_seals(self):
        new = KeyRing.read(f"{new_key('k2')},k1:{base64.b64encode(RING.keys['k1']).decode()}")
        old_message = codec(reset).write(("a", TOKEN), {})
        new_message = codec(reset, new).write(("a", TOKEN), {})

        assert codec(reset, new).read(*old_message) == (("a", TOKEN), {})
        assert new_message[0][1]["sealed"].startswith("k2:")

    def test_a_key_that_is_missing_is_named(self):
        message = codec(reset).write(("a", TOKEN), {})
        with pytest.raises(SealingError, match="sealed with the key 'k1', which this process does not have"):
            codec(reset, KeyRing.read(new_key("k2"))).read(*message)

    @pytest.mark.parametrize(
        "send", [lambda payload: payload.write(("a", TOKEN), {}), lambda payload: payload.partial((TOKEN,), {})]
    )
    def test_without_a_key_nothing_is_sent_and_the_error_says_how_to_get_one(self, send):
        with pytest.raises(SealingError, match=r"no key to seal with: make one with 'tasks-platform keys new'"):
            send(codec(reset, KeyRing()))

    def test_without_a_key_what_has_no_secret_in_it_is_sent(self):
        def remind_of(email: str, tokens: list[Sealed[str]], code: Sealed[str] | None = None) -> None: ...

        assert codec(remind_of, KeyRing()).write(("a", []), {}) == (["a", []], {})

    def test_the_error_is_the_same_wherever_the_secret_stands(self):
        def check(cards: dict[str, list[Card]]) -> None: ...

        with pytest.raises(SealingError, match="no key to seal with"):
            codec(check, KeyRing()).write(({"one": [Card(holder="ana", number="4")]},), {})

    def test_a_task_with_a_sealed_result_may_be_sent_without_one(self):
        assert codec(mint, KeyRing()).write(("a",), {}) == (["a"], {})


class TestSignatures:
    """Of a signature's arguments nobody knows yet which parameters they are: a chain puts others in front."""

    def test_whatever_may_be_a_secret_is_sealed(self):
        args, kwargs = codec(reset).partial(("ana", TOKEN), {})
        assert TOKEN not in json.dumps([args, kwargs])
        assert codec(reset).partial((), {"email": "ana", "token": TOKEN})[1]["email"] == "ana"

    @pytest.mark.parametrize(("before", "after"), [((), ("ana", TOKEN)), (("ana",), (TOKEN,)), (("ana", TOKEN), ())])
    def test_what_the_parts_are_is_known_when_the_call_is_complete(self, before, after):
        written = over_the_wire(codec(reset).write((*before, *codec(reset).partial(after, {})[0]), {}))

        assert codec(reset).read(*written) == (("ana", TOKEN), {})
        assert written[0][0] == "ana"
        assert "as" not in written[0][1]

    def test_a_worker_reads_what_a_plain_producer_sent_of_them(self):
        assert codec(reset).read(*over_the_wire(codec(reset).partial(("ana", TOKEN), {}))) == (("ana", TOKEN), {})

    def test_parts_of_another_task_do_not_open(self):
        parts = codec(reset, name="shop.other").partial(("ana", TOKEN), {})
        with pytest.raises(SealingError, match=r"was sealed as 'part of shop\.other', and opens only as that"):
            codec(reset).read(["ana", parts[0][1]], {})

    def test_signatures_of_signatures_are_sealed_once(self):
        once = codec(reset).partial(("ana", TOKEN), {})
        assert codec(reset).partial(*once) == once


class TestResults:
    def test_a_sealed_result_is_read_by_who_has_the_key(self):
        stored = over_the_wire(codec(mint).write_result(TOKEN))

        assert TOKEN not in json.dumps(stored)
        assert codec(mint).read_result(stored) == TOKEN
        with pytest.raises(SealingError, match=r"the result of shop\.pay was sealed with the key 'k1'"):
            codec(mint, KeyRing()).read_result(stored)

    def test_the_next_step_of_a_chain_takes_it_where_it_is_sealed_too_and_nowhere_else(self):
        result = codec(mint, name="shop.mint").write_result(TOKEN)
        written = codec(reset).write(("ana", result), {})

        assert codec(reset).read(*over_the_wire(written)) == (("ana", TOKEN), {})
        assert "as" not in written[0][1]
        with pytest.raises(PayloadError, match="email: Input should be a valid string"):
            codec(reset).write((result, "token"), {})


class TestDigests:
    """What a unique key is made of."""

    def test_equal_secrets_have_equal_digests_and_the_secret_is_not_in_them(self):
        payload = codec(reset)
        first, second, other = (payload.bound(*payload.write(("a", token), {})) for token in (TOKEN, TOKEN, "else"))

        assert first == second != other
        assert TOKEN not in json.dumps(first)

    def test_a_digest_cannot_be_computed_without_the_key(self):
        digests = {
            codec(reset, ring).bound(*codec(reset, ring).write(("a", TOKEN), {}))["token"]
            for ring in (RING, KeyRing.read(new_key("k1")))
        }
        assert len(digests) == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ["a", TOKEN],  # of a producer that has no keys
            codec(reset).partial(("a", TOKEN), {})[0],
            ["a", codec(mint, name="shop.mint").write_result(TOKEN)],
        ],
        ids=["in the open", "as parts", "as a result"],
    )
    def test_however_a_secret_came_its_digest_is_the_same(self, arguments):
        assert codec(reset).bound(arguments, {}) == codec(reset).bound(*codec(reset).write(("a", TOKEN), {}))

    def test_a_default_has_the_digest_of_the_same_value_given(self):
        payload = codec(remind)
        left_out, given_ = (payload.bound(*payload.write(("a", TOKEN, *more), {})) for more in ((), ("none",)))
        assert left_out == given_

    def test_a_set_has_one_digest(self):
        payload = codec(pay)
        call = ("a", TOKEN, Card(holder="a", number="1"), Login(name="a", pin=1), [])
        tags = {f"tag-{number}" for number in range(20)}
        digests = {payload.bound(*payload.write(call, {"tags": set(order)}))["tags"] for order in (tags, sorted(tags))}
        assert len(digests) == 1


def test_people_are_shown_that_something_is_sealed_and_not_what():
    written = codec(pay).write(("a", TOKEN, Card(holder="ana", number="4"), Login(name="ana", pin=1), ["x"]), {})

    assert masked(written[0]) == [
        "a",
        "<sealed>",
        {"holder": "ana", "number": "<sealed>"},
        {"name": "ana", "pin": "<sealed>"},
        ["<sealed>"],
    ]
