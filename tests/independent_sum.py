"""A second opinion on what a month is worth: from the export and the clients file, without the program's own code.

Written differently on purpose: text instead of moments, whole numbers instead of decimals, one pass instead of layers.
It trusts the column Duration, knows the export's own zone only, and rounds with integer arithmetic.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

#: The night in which 2:00 to 3:00 came twice in central Europe.
LONG_NIGHT = "2026-10-25"


class Owed(NamedTuple):
    """What a client owes."""

    currency: str
    #: In hundredths.
    net: int
    tax: int

    @property
    def total(self) -> Decimal:
        """The sum of both, in the currency."""
        return Decimal(self.net + self.tax) / 100


def sums_per_currency(export: Path, clients_file: Path, month: str) -> dict[str, Decimal]:
    """Return the sum of all invoices of *month* (``2026-10``) by currency, tax included."""
    sums: Counter[str] = Counter()
    for owed in owed_by_client(export, clients_file, month).values():
        sums[owed.currency] += owed.net + owed.tax
    return {currency: Decimal(cents) / 100 for currency, cents in sorted(sums.items())}


def owed_by_client(export: Path, clients_file: Path, month: str) -> dict[str, Owed]:
    """Return what every client owes for *month*."""
    books = tomllib.loads(clients_file.read_text(encoding="utf-8"), parse_float=Decimal)
    clients = {client["name"]: client for client in books["clients"]}
    own = books["organization"]
    fallback = {rate.get("currency", own["currency"]): rate for rate in own["rates"]}
    seconds: Counter[tuple[str, str, int]] = Counter()
    for name, project, day, duration in billable_rows(export, clients):
        if day.startswith(month):
            cents = hourly_cents(clients[name], project, day, fallback)
            seconds[name, project, cents] += duration
    net: Counter[str] = Counter()
    for (name, _, cents), duration in seconds.items():
        hundredths = half_up(duration * 100, 3600)
        net[name] += half_up(hundredths * cents, 100)
    return {name: owed_for(clients[name], amount) for name, amount in net.items()}


def billable_rows(export: Path, clients: dict[str, dict]) -> list[tuple[str, str, str, int]]:
    """Return client, project, day and seconds of every good billable row."""
    text = export.read_bytes().decode("utf-8-sig", errors="replace")
    found, seen = [], set()
    for row in csv.reader(text.splitlines()[1:]):
        if len(row) != 13 or "\ufffd" in "".join(row) or tuple(row[:12]) in seen:
            continue
        user, email, name, project, _, _, billable, day, start, last_day, end, duration, _ = row
        known = name in clients and project in [item["name"] for item in clients[name]["projects"]]
        length = seconds_of(day, start, last_day, end, duration)
        if billable != "Yes" or not (user or email) or not known or length is None:
            continue
        seen.add(tuple(row[:12]))
        found.append((name, project, day, length))
    return found


def seconds_of(day: str, start: str, last_day: str, end: str, duration: str) -> int | None:
    """Return the duration of a row in seconds, or nothing if the row contradicts itself."""
    try:
        began = datetime.fromisoformat(f"{day}T{start}")
        ended = datetime.fromisoformat(f"{last_day}T{end}")
        hours, minutes, rest = duration.split(":")
        length = int(hours) * 3600 + int(minutes) * 60 + int(rest)
    except ValueError:
        return None
    shown = int((ended - began).total_seconds())
    extra = 3600 if LONG_NIGHT in (day, last_day) else 0
    return length if not duration.startswith("-") and length in (shown, shown + extra) else None


def hourly_cents(client: dict, project: str, day: str, fallback: dict[str, dict]) -> int:
    """Return the rate of a project on a day: its own, else the client's, else the organization's."""
    own = next(item for item in client["projects"] if item["name"] == project)
    for rates in (own.get("rates", []), client.get("rates", []), [fallback.get(client["currency"], {})]):
        valid = [rate for rate in rates if rate and str(rate.get("valid_from", "")) <= day]
        if valid:
            latest = max(valid, key=lambda rate: str(rate.get("valid_from", "")))
            return int(Decimal(latest["hourly"]) * 100)
    message = f"no rate for {project}"
    raise AssertionError(message)


def owed_for(client: dict, net: int) -> Owed:
    """Add the tax."""
    millionths = int(Decimal(client["tax_rate"]) * 1_000_000)
    return Owed(currency=client["currency"], net=net, tax=half_up(net * millionths, 1_000_000))


def half_up(numerator: int, denominator: int) -> int:
    """Divide, and round a half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def earned_on(export: Path, clients_file: Path, days: set[str]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return hours and net amount of all billable work on *days* by currency, per project and rate rounded once."""
    books = tomllib.loads(clients_file.read_text(encoding="utf-8"), parse_float=Decimal)
    clients = {client["name"]: client for client in books["clients"]}
    own = books["organization"]
    fallback = {rate.get("currency", own["currency"]): rate for rate in own["rates"]}
    seconds: Counter[tuple[str, str, int]] = Counter()
    for name, project, day, duration in billable_rows(export, clients):
        if day in days:
            seconds[name, project, hourly_cents(clients[name], project, day, fallback)] += duration
    hours: Counter[str] = Counter()
    cents: Counter[str] = Counter()
    for (name, _, rate), duration in seconds.items():
        hundredths = half_up(duration * 100, 3600)
        hours[clients[name]["currency"]] += hundredths
        cents[clients[name]["currency"]] += half_up(hundredths * rate, 100)
    return {code: (Decimal(hours[code]) / 100, Decimal(cents[code]) / 100) for code in sorted(hours)}
