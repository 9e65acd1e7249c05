"""A run that succeeded and whose result leads nowhere: decided once, loudly, and no step that succeeded is failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain

from acceptance import accidents, shop
from acceptance.diary import read
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.workers import Worker
    from tasks_platform.celery import PlatformApp


@pytest.mark.parametrize("task", ["returns_no_json", "returns_too_much"])
@pytest.mark.checklist(33)
def test_a_result_that_can_never_be_stored_is_a_letter_after_one_attempt(
    platform: PlatformApp, worker: Worker, diary: Path, task: str
) -> None:
    job = getattr(accidents, task).delay(diary)
    wait_for(lambda: job.state == "FAILURE", 20, "the failure")
    letter = platform.store.letter(job.id)
    assert letter is not None
    assert (letter["state"], letter["cause"]["type"]) == ("dead", "tasks_platform.errors.ResultNotStoredError")
    assert len(letter["attempts"]) == len(read(diary)) == 1


@pytest.mark.checklist(33, 67)
def test_a_next_step_that_does_not_fit_is_parked_and_the_step_before_has_succeeded(
    platform: PlatformApp, worker: Worker
) -> None:
    end = chain(shop.add.s(1, 2), shop.total.s()).apply_async()
    letter = wait_for(lambda: platform.store.letter(end.id), 20, "the letter")
    assert end.parent.get(timeout=20) == 3
    assert (letter["state"], letter["task"]) == ("parked", "acceptance.shop.total")
    assert letter["cause"]["type"] == "tasks_platform.errors.PayloadError"
    assert letter["message"]["args"] == [3]


@pytest.mark.checklist(33, 67)
def test_a_next_step_whose_unique_key_cannot_be_made_is_parked_alone(platform: PlatformApp, worker: Worker) -> None:
    end = chain(shop.add.s(1, 2), accidents.has_no_key.s()).apply_async()
    letter = wait_for(lambda: platform.store.letter(end.id), 20, "the letter")
    assert end.parent.get(timeout=20) == 3
    assert (letter["state"], letter["cause"]["type"]) == ("parked", "ZeroDivisionError")
    assert platform.store.letter(end.parent.id) is None
