"""Everything that arguments may be made of, and how to send it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from hypothesis import strategies as st
from pydantic import BaseModel, Field, PrivateAttr, SecretStr, computed_field
from typing_extensions import TypedDict

from tasks_platform.payload import Payload

SECRET = "hunter2"


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(StrEnum):
    S = "s"
    L = "l"


class Level(IntEnum):
    LOW = 1
    HIGH = 9


class Corner(Enum):
    """Members that JSON turns into lists."""

    TOP = (0, 0)


class Line(BaseModel):
    sku: str
    price: Decimal
    shipped: date | None = None


class Order(BaseModel):
    id: UUID
    placed_at: datetime
    lines: list[Line]
    tags: set[str] = set()


class Invoice(BaseModel, extra="forbid"):
    """A model with everything that is easily lost: an alias, a field of its own making."""

    number: int = Field(alias="invoiceNumber")
    net: Decimal = Field(validation_alias="netAmount", serialization_alias="NET")

    @computed_field
    @property
    def gross(self) -> Decimal:
        return self.net * 2


class Point(BaseModel):
    x: int


class Pixel(Point):
    color: Color


class Login(BaseModel):
    name: str
    password: SecretStr


class Draft(BaseModel):
    text: str
    note: str = Field(default="", exclude=True)
    _cached: int = PrivateAttr(default=0)


class Card(BaseModel):
    kind: Literal["card"] = "card"
    digits: int


class Iban(BaseModel):
    kind: Literal["iban"] = "iban"
    text: str


Payment = Annotated[Card | Iban, Field(discriminator="kind")]


class Options(TypedDict):
    deep: bool


@dataclasses.dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str


@dataclasses.dataclass(eq=False)
class Visit:
    """A dataclass that does not say what equal means."""

    at: datetime


def codec(function: Any, **options: Any) -> Payload:
    return Payload(function, name="shop.tasks.ship", **options)


def arrived(payload: Payload, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Send a call as JSON and read it as a worker does."""
    return payload.read(*json.loads(json.dumps(payload.write(args, kwargs), allow_nan=False)))


def one(hint: Any) -> Payload:
    """Return the codec of a function of one parameter."""

    def function(value): ...

    function.__annotations__ = {"value": hint}
    return codec(function)


def exactly(value: Any) -> Any:
    """Describe a value so that what is equal but of another type looks different."""
    if isinstance(value, (list, tuple)):
        return type(value), [exactly(item) for item in value]
    if isinstance(value, dict):
        return type(value), {key: exactly(item) for key, item in value.items()}
    if isinstance(value, BaseModel):
        return type(value), exactly(dict(value))
    return type(value), value


TEXT = st.text(st.characters(codec="utf-8"))
MOMENTS = st.datetimes(
    timezones=st.one_of(
        st.none(),
        st.just(UTC),
        st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False)
LINES = st.builds(Line, sku=TEXT, price=AMOUNTS, shipped=st.none() | st.dates())
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(10**30), 10**30),
    float: FLOATS,
    bool: st.booleans(),
    None: st.none(),
    UUID: st.uuids(),
    datetime: MOMENTS,
    date: st.dates(),
    time: st.times(),
    timedelta: st.timedeltas(),
    Decimal: AMOUNTS,
    bytes: TEXT.map(str.encode),
    Color: st.sampled_from(Color),
    Size: st.sampled_from(Size),
    Level: st.sampled_from(Level),
    Literal["a", "b"]: st.sampled_from(["a", "b"]),
    Line: LINES,
    Order: st.builds(Order, id=st.uuids(), placed_at=MOMENTS, lines=st.lists(LINES, max_size=3), tags=st.sets(TEXT)),
    Invoice: st.builds(Invoice, invoiceNumber=st.integers(), netAmount=AMOUNTS),
    Money: st.builds(Money, amount=AMOUNTS, currency=TEXT),
    Options: st.fixed_dictionaries({"deep": st.booleans()}),
    list[Line]: st.lists(LINES, max_size=3),
    list[UUID]: st.lists(st.uuids(), max_size=3),
    set[str]: st.sets(TEXT),
    set[int]: st.sets(st.integers()),
    frozenset[date]: st.frozensets(st.dates()),
    tuple[int, str]: st.tuples(st.integers(), TEXT),
    tuple[Decimal, ...]: st.lists(AMOUNTS, max_size=3).map(tuple),
    dict[str, Decimal]: st.dictionaries(TEXT, AMOUNTS, max_size=3),
    dict[int, list[date]]: st.dictionaries(st.integers(), st.lists(st.dates(), max_size=2), max_size=3),
    dict[UUID, Color]: st.dictionaries(st.uuids(), st.sampled_from(Color), max_size=3),
    Decimal | None: st.none() | AMOUNTS,
    list[datetime] | None: st.none() | st.lists(MOMENTS, max_size=3),
    int | str: st.integers() | TEXT,
    int | float: st.integers() | FLOATS,
    bool | int: st.booleans() | st.integers(),
    Payment: st.builds(Card, digits=st.integers()) | st.builds(Iban, text=TEXT),
    Annotated[int, Field(ge=0)]: st.integers(min_value=0),
}


def ship(order: UUID, lines: list[Line], *more: int, color: Color = Color.RED, payment: Payment | None = None): ...


#: An order that exists.
ORDER = uuid4()
