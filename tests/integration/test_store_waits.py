"""What every store promises of waits that are counted, and of finished jobs that are kept."""

from __future__ import annotations

import pytest

from tasks_platform.store import RedisStore

LONG = 1000.0


def ended(store, *jobs, count, age=LONG, task="ship", succeeded=True):
    for job in jobs:
        store.report(job, {"percent": 100}, LONG)
        store.keep_result(task, job, age, count, succeeded=succeeded)


def kept(store, jobs):
    return [job for job in jobs if store.progress(job)]


class TestWaits:
    def test_counts_add_up_by_the_hour(self, store):
        store.count_waits("one", 1, 7, {"3:low:default": 2, "inside:low:default": 1})
        store.count_waits("two", 1, 7, {"3:low:default": 1})
        store.count_waits("one", 2, 8, {"3:low:default": 5, "4:low:a:b": 1})

        assert store.waits([7]) == {"3:low:default": 3, "inside:low:default": 1}
        assert store.waits(range(7, 9)) == {"3:low:default": 8, "inside:low:default": 1, "4:low:a:b": 1}
        assert store.waits([9]) == {}

    def test_what_is_said_twice_is_counted_once(self, store):
        for _ in range(2):
            store.count_waits("one", 3, 7, {"3:low:default": 2})
        store.count_waits("one", 4, 7, {"3:low:default": 1})
        store.count_waits("one", 3, 7, {"3:low:default": 2})

        assert store.waits([7]) == {"3:low:default": 3}


class TestKeptResults:
    @pytest.mark.checklist(22)
    def test_of_a_kind_the_newest_are_kept(self, store):
        ended(store, "a", "b", "c", "d", count=2)
        ended(store, "e", count=2, task="bill")

        assert kept(store, "abcde") == ["c", "d", "e"]

    def test_a_job_that_is_told_of_again_has_ended_last(self, store):
        ended(store, "a", "b", "a", "c", count=2)

        assert kept(store, "abc") == ["a", "c"]

    @pytest.mark.checklist(22)
    def test_a_job_that_failed_and_has_recovered_is_kept_as_one_that_succeeded(self, store):
        ended(store, "a", "b", count=2, succeeded=False)
        ended(store, "a", count=5)
        ended(store, "b", count=None)
        ended(store, "c", "d", "e", count=2, succeeded=False)

        assert kept(store, "abcde") == ["a", "b", "d", "e"]

    def test_without_a_number_all_are_kept(self, store):
        ended(store, "a", "b", "c", count=None)
        ended(store, "d", count=1)

        assert kept(store, "abcd") == ["a", "b", "c", "d"]

    def test_results_are_found_where_the_backend_keeps_them(self, redis_url, redis_db):
        store = RedisStore(redis_url)
        for job in ("a", "b"):
            redis_db.set(f"mine:celery-task-meta-{job}", "{}")
            store.keep_result("ship", job, LONG, 1, prefix="mine:celery-task-meta-")
        store.client.close()

        assert redis_db.keys("mine:*") == [b"mine:celery-task-meta-b"]
        assert 0 < redis_db.ttl("mine:celery-task-meta-b") <= LONG
