"""Jobs are called as Celery calls them."""

from __future__ import annotations

import uuid

from tasks_platform.task.job_ids import new_id


def test_ids_are_random_uuids_of_version_4_and_no_two_are_the_same() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len({*ids}) == 2000
    assert {str(uuid.UUID(one)) for one in ids} == {*ids}
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in ids} == {(4, uuid.RFC_4122)}
    assert {one[19] for one in ids} == {*"89ab"}
