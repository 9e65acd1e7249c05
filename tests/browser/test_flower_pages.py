"""What a person sees of workers and jobs in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import Error, Page, expect

from acceptance import secretive
from acceptance.workers import PLATFORM, running_worker
from flower_server import PASSWORD, USER, FlowerServer, running_flower
from tasks_platform import Settings, create_app
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from redis_server import RedisServer

pytestmark = pytest.mark.needs("chromium")
SECRET = "hunter2-planted"
MODULES = {"TASKS_MODULES": "acceptance.secretive"}


class Watched(NamedTuple):
    """A Flower and the ids of the jobs it has seen."""

    flower: FlowerServer
    good: str
    bad: str


@pytest.fixture(scope="module")
def watched(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Run jobs that end in different ways; two that come later wait, on two levels."""
    folder = tmp_path_factory.mktemp("flower")
    app = create_app(Settings(redis_url=server.url, modules="acceptance.secretive", business=False))
    app.loader.import_default_modules()
    with (
        running_flower(folder / "state", server.url, folder / "flower.log", **MODULES) as flower,
        running_worker(PLATFORM, server.url, folder / "shown.log", "-E", environment=MODULES),
    ):
        wait_for(lambda: "shown" in flower.open("/workers?json=1").text, 20, "the worker")
        good = secretive.logs_in.delay("ana", SECRET)
        bad = secretive.refuses.delay("bob", password=SECRET)
        again = secretive.is_retried.delay(1)
        wait_for(lambda: {"SUCCESS", "FAILURE"} <= {job["state"] for job in flower.jobs().values()}, 20, "both ends")
        wait_for(lambda: flower.jobs().get(again.id, {}).get("retried"), 20, "the next attempt, due later")
        app.control.cancel_consumer("default", reply=True)
        for level in ("critical", "bulk"):
            secretive.logs_in.apply_async(("eve", SECRET), priority=level)
        yield Watched(flower, good.id, bad.id)
    app.store.client.close()
    app.close()


@pytest.fixture
def page(browser: Browser, watched: Watched) -> Iterator[Page]:
    """Return a tab of somebody who is logged in."""
    login = {"username": USER, "password": PASSWORD}
    context = browser.new_context(base_url=watched.flower.url, http_credentials=login)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def test_who_is_not_logged_in_sees_nothing(browser: Browser, watched: Watched) -> None:
    context = browser.new_context(base_url=watched.flower.url)
    for path in ("/", "/tasks", "/api/workers", "/metrics", "/healthcheck"):
        answer = context.request.get(path)
        assert (path, answer.status, answer.text()) == (path, 401, "Access denied: log in.\n")
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        context.new_page().goto(f"/task/{watched.good}")
    context.close()


def test_the_workers_and_what_they_have_done(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("link", name="shown@")).to_be_visible()
    expect(page.locator("#workers-table tbody")).to_contain_text("Online")
    expect(page.locator("#workers-failed")).to_have_text("1")


def test_the_jobs_their_states_and_no_secret(page: Page) -> None:
    page.goto("/tasks")
    rows = page.locator("#tasks-table tbody")
    for words in (
        "acceptance.secretive.refuses",
        "SUCCESS",
        "FAILURE",
        "('ana', ***)",
        "{'password': ***}",
    ):
        expect(rows).to_contain_text(words)
    expect(rows).not_to_contain_text(SECRET)
    page.get_by_role("button", name="Failed").click()
    expect(rows.get_by_role("row")).to_have_count(1)


def test_a_job_that_failed_and_why(page: Page, watched: Watched) -> None:
    page.goto(f"/task/{watched.bad}")
    details = page.locator("#task-page")
    for words in ("FAILURE", "bob may not log in: password=***", "PermanentError", "secretive.py"):
        expect(details).to_contain_text(words)
    expect(details).not_to_contain_text(SECRET)


@pytest.mark.checklist(74)
def test_the_broker_page_counts_the_jobs_of_all_levels(page: Page) -> None:
    page.goto("/broker")
    row = page.get_by_role("row").filter(has_text="default")
    expect(row.get_by_role("cell").nth(1)).to_have_text("2")
