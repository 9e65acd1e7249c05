"""Which hourly rate applies."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.services.books.models import Rate

Level = Literal["project", "client", "organization"]


@dataclass(frozen=True, kw_only=True)
class RateEntry:
    """A rate as the decision needs it."""

    level: Level
    #: Of the project, the client or the organization.
    owner_id: int
    currency: str
    hourly: Decimal
    valid_from: date


class RateTable:
    """The rates of one organization.

    The most specific level that has a rate for the currency and the day decides: project, client, organization.
    Within a level, the rate with the latest day that is not after the day of work. A rate in another currency never
    applies: money is not converted.
    """

    def __init__(self, rates: Iterable[RateEntry]) -> None:
        self._rates: dict[tuple[Level, int, str], list[tuple[date, Decimal]]] = defaultdict(list)
        for rate in rates:
            self._rates[rate.level, rate.owner_id, rate.currency].append((rate.valid_from, rate.hourly))
        for steps in self._rates.values():
            steps.sort()

    def find(self, *, organization: int, client: int, project: int, currency: str, day: date) -> Decimal | None:
        """Return what an hour of *day* costs, or nothing if no rate says."""
        owners: tuple[tuple[Level, int], ...] = (
            ("project", project),
            ("client", client),
            ("organization", organization),
        )
        for level, owner in owners:
            steps = self._rates.get((level, owner, currency), [])
            valid = bisect_right(steps, day, key=itemgetter(0))
            if valid:
                return steps[valid - 1][1]
        return None


def read_rates(session: Session, organization_id: int) -> RateTable:
    """Return the rates of an organization."""
    rates = session.scalars(select(Rate).where(Rate.organization_id == organization_id))
    return RateTable(
        RateEntry(
            level="project" if rate.project_id else "client" if rate.client_id else "organization",
            owner_id=rate.project_id or rate.client_id or rate.organization_id,
            currency=rate.currency,
            hourly=rate.hourly,
            valid_from=rate.valid_from,
        )
        for rate in rates
    )
