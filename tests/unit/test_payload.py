from __future__ import annotations

import inspect
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from payload_samples import (
    AMOUNTS,
    ORDER,
    SECRET,
    VALUES,
    Color,
    Invoice,
    Line,
    Order,
    Visit,
    arrived,
    codec,
    exactly,
    one,
    ship,
)
from property_tests import given, settings
from tasks_platform.errors import PayloadError


@pytest.mark.checklist(4)
@pytest.mark.parametrize("hint", VALUES, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_what_arrives_is_what_was_sent_and_of_the_same_type(hint, data):
    value = data.draw(VALUES[hint])
    ((received,), _) = arrived(one(hint), value)

    assert exactly(received) == exactly(value)


def everything(
    number: int,
    when: date = date(2026, 10, 1),
    /,
    color: Color = Color.RED,
    *prices: Decimal,
    key: UUID,
    **more: timedelta,
) -> list[Line]: ...


@settings(max_examples=60)
@given(
    positional=st.tuples(st.integers(), st.dates(), st.sampled_from(Color)),
    left_out=st.integers(0, 2),
    prices=st.lists(AMOUNTS, max_size=3),
    key=st.uuids(),
    more=st.dictionaries(
        st.from_regex(r"\A[a-z]{1,8}\Z").filter(lambda name: name not in {"color", "key"}), st.timedeltas()
    ),
)
def test_every_kind_of_parameter_arrives_where_it_was_sent(positional, left_out, prices, key, more):
    args = (*positional, *prices) if not left_out else positional[: 3 - left_out]
    sent = inspect.signature(everything).bind(*args, key=key, **more)
    got_args, got_kwargs = arrived(codec(everything), *args, key=key, **more)

    received = inspect.signature(everything).bind(*got_args, **got_kwargs)
    for call in (sent, received):
        call.apply_defaults()
    assert exactly(received.arguments) == exactly(sent.arguments)


def test_a_positional_parameter_may_be_given_by_name():
    def ship(order: UUID, express: bool = False, color: Color = Color.RED): ...  # noqa: FBT001, FBT002

    order = uuid4()
    assert arrived(codec(ship), order=order, color=Color.BLUE)[1] == {
        "order": order,
        "express": False,
        "color": Color.BLUE,
    }


def test_a_message_is_plain_json_without_defaults_or_tags():
    def ship(order: Order, color: Color, wait: timedelta, keys: set[int], note: str = "none"): ...

    order = Order(
        id=UUID(int=7), placed_at=datetime(2026, 10, 1, tzinfo=UTC), lines=[Line(sku="a", price=Decimal("1.50"))]
    )

    assert codec(ship).write((order, Color.RED), {"wait": timedelta(hours=1), "keys": {3, 1, 2}}) == (
        [
            {
                "id": "00000000-0000-0000-0000-000000000007",
                "placed_at": "2026-10-01T00:00:00Z",
                "lines": [{"sku": "a", "price": "1.50", "shipped": None}],
                "tags": [],
            },
            "red",
        ],
        {"wait": "PT1H", "keys": [1, 2, 3]},
    )


def test_a_service_in_another_language_may_write_the_message():
    def ship(order: Order, wait: timedelta, invoice: Invoice): ...

    message = json.loads(
        """[{"id": "00000000-0000-0000-0000-000000000007", "placed_at": "2026-10-01T00:00:00Z",
             "lines": [{"sku": "a", "price": 1.5}]}, 3600, {"invoiceNumber": 1, "netAmount": "2"}]"""
    )
    (order, wait, invoice), _ = codec(ship).read(message, {})

    assert order.lines == [Line(sku="a", price=Decimal("1.5"))]
    assert (wait, invoice) == (timedelta(hours=1), Invoice(invoiceNumber=1, netAmount=Decimal(2)))


def test_equal_sets_are_written_alike_in_whatever_order_python_keeps_them():
    written = []
    for numbers in ((8, 0), (0, 8)):
        kept = set()
        for number in numbers:
            kept.add(number)
        assert list(kept) == list(numbers)  # the two fall into one slot: who came first stays first
        written.append(one(set[int]).write((kept,), {}))

    assert written == [([[0, 8]], {})] * 2


def test_an_hour_that_comes_twice_is_sent_like_any_other():
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    ((order,), _) = arrived(one(Order), Order(id=uuid4(), placed_at=twice, lines=[]))

    assert order.placed_at.isoformat() == twice.isoformat()


def test_a_dataclass_without_equality_is_sent_like_any_other():
    ((visit,), _) = arrived(one(Visit), Visit(at=datetime(2026, 10, 1, tzinfo=UTC)))

    assert visit.at == datetime(2026, 10, 1, tzinfo=UTC)


def bound_task(self, order: UUID, *, color: Color = Color.RED) -> None: ...


def test_a_bound_function_leaves_its_first_parameter_to_the_platform():
    payload = codec(bound_task, bound=True)

    assert tuple(payload.signature.parameters) == ("order", "color")
    assert arrived(payload, ORDER, color=Color.BLUE) == ((ORDER,), {"color": Color.BLUE})
    with pytest.raises(PayloadError, match="order: Missing"):
        payload.write((), {})


class TestPartialArguments:
    def test_they_need_not_be_complete(self):
        assert codec(ship).partial((ORDER,), {}) == ([str(ORDER)], {})

    def test_they_are_plain_json_and_complete_themselves_later(self):
        line = Line(sku="a", price=Decimal("1.50"), shipped=date(2026, 10, 1))
        args, kwargs = json.loads(json.dumps(codec(ship).partial((), {"lines": [line], "color": Color.BLUE})))

        assert codec(ship).read((ORDER, *args), kwargs)[1] == {"lines": [line], "color": Color.BLUE, "payment": None}

    def test_a_model_with_aliases_and_computed_fields_completes_itself_too(self):
        invoice = Invoice(invoiceNumber=1, netAmount=Decimal(2))
        args, _ = json.loads(json.dumps(one(Invoice).partial((invoice,), {})))

        assert one(Invoice).read(args, {}) == ((invoice,), {})

    @pytest.mark.parametrize(
        ("args", "kwargs", "hint"),
        [
            ((), {"colour": SECRET}, "'colour'"),
            ((ORDER,), {"order": SECRET}, "'order'"),
        ],
    )
    def test_what_no_call_could_have_is_refused_by_name(self, args, kwargs, hint):
        with pytest.raises(PayloadError, match=hint) as caught:
            codec(ship).partial(args, kwargs)
        assert SECRET not in str(caught.value)

    def test_too_many_are_refused(self):
        with pytest.raises(PayloadError, match="too many positional arguments"):
            one(int).partial((1, 2), {})

    def test_what_json_cannot_carry_is_refused(self):
        with pytest.raises(PayloadError, match="cannot be written as JSON"):
            one(object).partial((object(),), {})


class TestArgumentsByName:
    """What unique keys are made of."""

    def test_a_default_that_is_left_out_looks_like_the_same_value_given(self):
        def pack(  # noqa: PLR0913, PLR0917
            color: Color = Color.RED,
            wait: timedelta = timedelta(hours=1),
            at: datetime = datetime(2026, 10, 1, tzinfo=UTC),
            line: Line = Line(sku="a", price=Decimal(1)),  # noqa: B008
            keys: frozenset[str] = frozenset({"b", "a"}),
            weight: float = 1,
        ): ...

        payload = codec(pack)
        given = payload.write(
            (Color.RED, timedelta(hours=1), datetime(2026, 10, 1, tzinfo=UTC)),
            {"line": Line(sku="a", price=Decimal(1)), "keys": frozenset({"a", "b"}), "weight": 1.0},
        )

        assert json.dumps(payload.bound((), {})) == json.dumps(payload.bound(*given))

    def test_positions_names_and_rests_all_have_a_name(self):
        def pack(order: str, *more: int, color: str = "red", **rest: int): ...

        assert codec(pack).bound(["a", 1, 2], {"weight": 3}) == {
            "order": "a",
            "more": (1, 2),
            "color": "red",
            "rest": {"weight": 3},
        }

    def test_a_default_that_is_not_of_its_annotation_is_taken_as_it_is(self):
        def pack(at: date = None): ...  # type: ignore[assignment]  # noqa: RUF013

        assert codec(pack).bound((), {}) == {"at": None}

    def test_arguments_that_no_call_could_have_are_refused(self):
        with pytest.raises(PayloadError, match="missing a required argument: 'order'"):
            codec(ship).bound((), {})


class TestResults:
    @pytest.mark.parametrize("hint", VALUES, ids=str)
    @settings(max_examples=10)
    @given(data=st.data())
    def test_a_result_is_read_as_what_the_function_returned(self, hint, data):
        def function(): ...

        function.__annotations__ = {"return": hint}
        value, payload = data.draw(VALUES[hint]), codec(function)
        stored = json.loads(json.dumps(payload.write_result(value)))

        assert exactly(payload.read_result(stored)) == exactly(value)

    def test_only_a_function_that_says_so_has_one(self):
        def says_nothing(): ...
        def says_none() -> None: ...
        def says_something() -> Line | None: ...

        assert [codec(f).has_result for f in (says_nothing, says_none, says_something)] == [False, False, True]

    def test_without_an_annotation_it_is_what_json_makes_of_it(self):
        assert codec(lambda: ...).write_result({"at": date(2026, 10, 1)}) == {"at": "2026-10-01"}

    @pytest.mark.parametrize("value", [object(), [object()], {"a": SECRET}, SECRET.encode() + b"\xff"])
    def test_what_is_not_what_was_announced_is_refused_without_being_quoted(self, value):
        def total() -> list[Line]: ...

        with pytest.raises(PayloadError, match=r"shop\.tasks\.ship") as caught:
            codec(total).write_result(value)
        assert SECRET not in str(caught.value)
