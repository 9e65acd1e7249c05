"""``tasks-platform database``: how an operator brings the tables up to date."""

from __future__ import annotations

import json

from command_line import call, refusal
from tasks_platform.services.books.schema import NEWEST


def test_a_database_is_brought_up_to_date_once_and_shown(empty_books_url):
    before = call("database", "show", TASKS_DATABASE_URL=empty_books_url)
    first, again = (call("database", "upgrade", TASKS_DATABASE_URL=empty_books_url) for _ in range(2))
    after = call("database", "show", TASKS_DATABASE_URL=empty_books_url)
    assert [result.exit_code for result in (before, first, again, after)] == [1, 0, 0, 0]
    assert f"has no tables; run 'tasks-platform database upgrade' for revision {NEWEST}" in before.stdout
    assert f"is at revision {NEWEST} now (new: 0001, 0002)" in first.stdout
    assert f"is at revision {NEWEST}: nothing to do" in again.stdout
    assert f"is at revision {NEWEST}\n" in after.stdout


def test_machines_are_told_in_json(empty_books_url):
    results = [
        json.loads(call("database", *words, "--json", TASKS_DATABASE_URL=empty_books_url).stdout)
        for words in (("show",), ("upgrade",), ("show",))
    ]
    assert results == [
        {"revision": None, "newest": NEWEST, "behind": True},
        {"revision": NEWEST, "new": ["0001", "0002"]},
        {"revision": NEWEST, "newest": NEWEST, "behind": False},
    ]


def test_a_check_says_what_to_do_about_a_database_without_tables(empty_books_url, tmp_path):
    variables = {"TASKS_DATABASE_URL": empty_books_url, "TASKS_STATE_DIR": str(tmp_path)}
    found = {item["what"]: item for item in json.loads(call("check", "--json", **variables).stdout)}
    assert not found["books"]["ok"]
    assert "run 'tasks-platform database upgrade'" in found["books"]["words"]
    call("database", "upgrade", **variables)
    found = {item["what"]: item for item in json.loads(call("check", "--json", **variables).stdout)}
    assert found["books"]["ok"]


def test_an_unreachable_database_is_refused_in_words_and_without_its_password():
    result = call("database", "upgrade", TASKS_DATABASE_URL="postgresql+psycopg://me:open-sesame@127.0.0.1:1/books")
    assert "cannot be reached" in refusal(result)
    assert "open-sesame" not in result.output
