"""What is told of burials, and when."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from runs import Clock
from store_records import bury
from tasks_platform.errors import ServiceUnavailableError
from tasks_platform.letters.telling.listeners import LogListener, MailListener
from tasks_platform.letters.telling.news import News, known_from, record_of, with_burials
from tasks_platform.letters.telling.teller import Teller
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.memory_mailer import MemoryMailer
from tasks_platform.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PERIOD = 900.0


class Ear:
    """A listener that may be deaf, and may die when it has heard."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[News] = []
        self.deaf = False
        self.before: Callable[[News], None] | None = None

    def tell(self, news: News) -> None:
        if self.before is not None:
            self.before(news)
        if self.deaf:
            raise ServiceUnavailableError("come back later")
        self.heard.append(news)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(news.fingerprint, news.count) for news in self.heard]


class Bench:
    """A store, a listener and one who tells it, on a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.ear = Ear()
        self.teller = self.another()
        self.buried = 0

    def another(self) -> Teller:
        return Teller(self.store, self.ear, period=PERIOD, clock=self.clock)

    def bury(self, fingerprint: str, count: int = 1, **facts: Any) -> None:
        for _ in range(count):
            self.buried += 1
            cause = {"type": "shop.GatewayError", "message": "refused", "line": "shop:7 in ship"}
            facts = {"task": "shop.ship", "fingerprint": fingerprint, "cause": cause, **facts}
            bury(self.store, f"job-{self.buried}", died_at=float(self.buried), **facts)

    def look(self, after: float = 0.0) -> None:
        self.clock.now += after
        self.teller.look()


@pytest.mark.checklist(34)
def test_a_bug_is_told_at_once_and_then_once_per_period_with_a_count() -> None:
    bench = Bench()
    bench.bury("f1", 3)
    bench.look()
    bench.bury("f1", 4)
    bench.bury("f2")
    bench.look(5.0)
    bench.bury("f1", 2)
    bench.look(PERIOD / 2)
    assert bench.ear.told == [("f1", 3), ("f2", 1)]
    bench.look(PERIOD / 2)
    assert bench.ear.told == [("f1", 3), ("f2", 1), ("f1", 6)]
    bench.look(PERIOD * 2)
    assert len(bench.ear.heard) == 3


def test_news_tell_whom_it_is_about_since_it_was_told_before() -> None:
    bench = Bench()
    for number in range(7):
        bench.bury("f1", tenant=f"tenant-{number}", queue="orders")
    bench.look()
    bench.bury("f1", tenant="late", queue="money")
    bench.look(PERIOD)

    first, second = bench.ear.heard
    assert (first.count, first.first, first.last, first.letter) == (7, 1.0, 7.0, "job-7")
    assert (first.tenants, first.queues) == (tuple(f"tenant-{number}" for number in range(5)), ("orders",))
    assert (second.count, second.first, second.tenants, second.queues) == (1, 8.0, ("late",), ("money",))


def test_one_who_was_killed_before_it_told_is_made_up_for() -> None:
    bench = Bench()
    bench.bury("f1", 2)
    bench.ear.deaf = True  # read and saved, and nothing told
    bench.look()
    bench.ear.deaf = False
    bench.teller = bench.another()  # the claim of the first runs out
    bench.look()
    assert bench.ear.told == []
    bench.look(60.0)
    assert bench.ear.told == [("f1", 2)]


def test_one_who_was_killed_before_it_could_say_that_it_told_is_repeated() -> None:
    bench = Bench()
    bench.bury("f1")
    saved = bench.store.teller("ear")
    bench.look()
    bench.store.save_teller("ear", saved, read=bench.store.teller("ear"))
    bench.teller = bench.another()  # the claim of the first runs out
    bench.look(60.0)
    assert bench.ear.told == [("f1", 1), ("f1", 1)]
    assert bench.ear.heard[0].audit_id == bench.ear.heard[1].audit_id


def test_a_listener_that_fails_is_told_later_and_less_and_less_often() -> None:
    bench = Bench()
    bench.bury("f1")
    bench.ear.deaf = True
    bench.look()
    bench.bury("f1")
    bench.ear.deaf = False
    bench.look(1.0)
    assert bench.ear.told == []
    bench.look(1.5)
    assert bench.ear.told == [("f1", 2)]


def test_one_worker_tells() -> None:
    bench = Bench()
    second = bench.another()
    bench.look()
    bench.bury("f1")
    second.look()
    assert bench.ear.told == []
    bench.teller.leave()
    second.look()
    assert bench.ear.told == [("f1", 1)]


def test_one_who_is_overtaken_while_it_tells_neither_goes_on_nor_sets_back_what_the_other_has_saved() -> None:
    bench = Bench()
    second = bench.another()
    bench.bury("f1")
    bench.bury("f2")

    def slow(_: News) -> None:
        bench.ear.before = None
        bench.clock.now += 31.0
        second.look()

    bench.ear.before = slow
    bench.look()
    assert bench.ear.told == [("f1", 1), ("f2", 1), ("f1", 1)]
    assert [bug["count"] for bug in bench.store.teller("ear")["bugs"]] == [0, 0]
    second.look()
    bench.look()
    assert len(bench.ear.told) == 3


def test_one_who_stood_still_for_longer_than_its_claim_asks_before_it_tells_and_saves_nothing_by_mistake() -> None:
    bench = Bench()
    second = bench.another()
    bench.look()
    bench.clock.now += 31.0
    bench.bury("f1")
    second.look()
    bench.look()
    assert bench.ear.told == [("f1", 1)]
    second.leave()
    bench.bury("f2")
    bench.look()
    assert bench.ear.told == [("f1", 1), ("f2", 1)]


def test_what_another_one_has_saved_meanwhile_is_read_before_anything_is_told_of_it() -> None:
    bench = Bench()
    second = bench.another()
    bench.look()
    bench.store.release("letters-teller:ear", bench.teller._me)  # as a server does that was empty when it came back
    bench.bury("f1")
    second.look()
    bench.bury("f2")
    bench.look()
    assert bench.ear.told == [("f1", 1)]
    second.look()
    assert bench.ear.told == [("f1", 1), ("f2", 1)]


def test_a_minute_in_which_nothing_happens_costs_one_question_a_look_and_few_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    asked: Counter[str] = Counter()

    def counted(name: str, ask: Callable[..., Any], *given: Any, **more: Any) -> Any:
        asked[name] += 1
        return ask(*given, **more)

    for name in ("acquire", "extend", "release", "teller", "save_teller", "audit"):
        monkeypatch.setattr(bench.store, name, partial(counted, name, getattr(bench.store, name)))
    for _ in range(60):
        bench.look(1.0)
    assert asked.pop("audit") == 60
    assert asked == {"acquire": 4, "extend": 4, "teller": 4}


def test_a_gap_in_the_audit_is_said(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.bury("f1")
    bench.look()
    assert not caplog.records
    bench.store.save_teller("ear", {"cursor": "17-0", "bugs": []}, read=bench.store.teller("ear"))
    bench.look(20.0)
    assert "may not hear of some dead letters: more happened since 17-0 than the audit keeps" in caplog.text


def test_what_happens_to_letters_otherwise_is_no_news() -> None:
    bench = Bench()
    bench.bury("f1")
    bench.store.mark_replaying("job-1", 5.0, version=1)
    bench.store.forget("job-1")

    (news,) = with_burials({}, bench.store.audit()).values()
    assert news.count == 1


def test_what_is_known_is_read_as_it_was_written() -> None:
    bench = Bench()
    bench.bury("f1", 2, tenant="acme")
    known = with_burials({}, bench.store.audit())

    assert known_from(json.loads(json.dumps(record_of(known)))) == known


NEWS = News(
    fingerprint="0123456789ab",
    task="shop.ship",
    error="shop.GatewayError",
    message="refused:\r\nBcc: eve@example.org",
    line="shop:7 in ship",
    letter="8a5e",
    count=3,
    first=0.0,
    last=60.0,
    tenants=("acme",),
    queues=("orders",),
    audit_id="17-0",
)


@pytest.mark.checklist(34)
def test_a_mail_says_what_happened_and_what_to_do() -> None:
    mailer = MemoryMailer()
    MailListener(mailer, ["ops@kontor.example", "ana@kontor.example"], domain="kontor.example").tell(NEWS)

    (mail,) = mailer.sent
    assert [address.email for address in mail.to] == ["ops@kontor.example", "ana@kontor.example"]
    assert mail.subject == "3 dead letters of shop.ship: GatewayError: refused: Bcc: eve@example.org"
    assert mail.message_id == "<letters.0123456789ab.17-0@kontor.example>"
    for words in ("Raised at: shop:7 in ship", "Tenants: acme", "letters replay --all --fingerprint 0123456789ab"):
        assert words in mail.text


@pytest.mark.parametrize("change", [{"message": "\x1b[31m\u2028=?utf-8?q?x?= " + "x" * 3000}, {"fingerprint": ""}])
def test_whatever_an_error_says_its_mail_can_be_sent(change: Mapping[str, Any]) -> None:
    mailer = MemoryMailer()
    news = News(**{**{name: getattr(NEWS, name) for name in News.__dataclass_fields__}, **change})
    MailListener(mailer, ["ops@kontor.example"], domain="kontor.example").tell(news)

    assert message_of(mailer.sent[0], sender="tasks@kontor.example").as_bytes()


def test_the_log_says_it_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    LogListener().tell(NEWS)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "3 dead letters of shop.ship: GatewayError: refused" in record.message
