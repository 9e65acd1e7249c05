"""Operate dead letters: look at them, correct them, give them up."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.diary import read
from acceptance.flow_steps import a_letter
from tasks_platform.errors import LetterError

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]


class TestLooking:
    @pytest.mark.checklist(21, 36)
    def test_letters_are_listed_the_newest_first(self, platform: PlatformApp, letters: DeadLetterQueue) -> None:
        ids = [a_letter(platform)["id"] for _ in range(4)]
        assert [letter["id"] for letter in letters.list()] == ids[::-1]
        assert [letter["id"] for letter in letters.list(1, 2)] == [ids[2], ids[1]]
        assert len(letters) == 4

    def test_a_letter_is_found_by_the_beginning_of_its_id(
        self, platform: PlatformApp, letters: DeadLetterQueue
    ) -> None:
        letter = a_letter(platform)
        assert letters.show(letter["id"][:8]) == letters.show(letter["id"]) == letter

    def test_a_beginning_that_several_letters_have_names_them(
        self, platform: PlatformApp, letters: DeadLetterQueue
    ) -> None:
        name = uuid.uuid4().hex
        ids = [a_letter(platform, f"{name}-{number}")["id"] for number in range(2)]
        with pytest.raises(LetterError, match=f"the beginning of 2 dead letters: {ids[1]}, {ids[0]}; give more"):
            letters.show(name)
        assert letters.show(ids[0])["id"] == ids[0]

    @pytest.mark.parametrize("letter_id", ["nothing", ""])
    def test_an_unknown_letter_is_an_error(
        self, platform: PlatformApp, letters: DeadLetterQueue, letter_id: str
    ) -> None:
        a_letter(platform)
        with pytest.raises(LetterError, match=f"there is no dead letter '{letter_id}'"):
            letters.show(letter_id)


class TestCorrecting:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"valeu": 1}, r"number\(.*\).* has no parameter valeu"),
            ({"value": "seven-thousand"}, "value: Input should be a valid integer"),
            ({"value": None}, "value: Input should be a valid integer"),
        ],
    )
    def test_what_does_not_fit_the_signature_is_refused_without_being_repeated(
        self, platform: PlatformApp, letters: DeadLetterQueue, changes: dict[str, Any], reason: str
    ) -> None:
        letter = a_letter(platform)
        with pytest.raises(LetterError, match=reason) as refused:
            letters.edit(letter["id"], changes)
        assert "seven-thousand" not in str(refused.value)
        assert letters.show(letter["id"]) == letter

    def test_of_two_who_correct_at_once_the_second_is_told(
        self, platform: PlatformApp, letters: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        letter = a_letter(platform)
        letters.edit(letter["id"], {"value": 1})
        monkeypatch.setattr(letters, "show", lambda _: letter)  # what the second had read before
        with pytest.raises(LetterError, match="changed by somebody else meanwhile"):
            letters.edit(letter["id"], {"value": 2})
        assert platform.store.letter(letter["id"])["message"]["args"] == [1]

    def test_the_arguments_are_shown_by_the_names_that_are_edited(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path
    ) -> None:
        letter = a_letter(platform, diary=diary)
        assert letters.arguments(letter) == {"value": -1, "diary": str(diary)}


class TestGivingUp:
    @pytest.mark.checklist(36)
    def test_a_discarded_letter_is_gone_for_good(self, platform: PlatformApp, letters: DeadLetterQueue) -> None:
        letter = a_letter(platform)
        letters.discard(letter["id"])
        for operate in (letters.show, letters.replay, letters.discard):
            with pytest.raises(LetterError, match=re.escape(f"there is no dead letter {letter['id']!r}")):
                operate(letter["id"])

    @pytest.mark.checklist(55)
    def test_the_id_of_a_discarded_job_stays_taken_as_long_as_that_of_a_finished_one(
        self, platform: PlatformApp, letters: DeadLetterQueue, client: redis.Redis
    ) -> None:
        job_id = f"chosen-{uuid.uuid4()}"
        letters.discard(a_letter(platform, job_id)["id"])
        retention = platform.settings.job_id_retention.total_seconds()
        assert retention - 60 < client.ttl(f"tasks-platform:id:{job_id}") <= retention

    def test_a_letter_that_goes_while_it_is_replayed_is_not_sent(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        letter = a_letter(platform, diary=diary)
        monkeypatch.setattr(letters, "show", lambda _: letter)  # read before somebody gave it up
        platform.store.forget(letter["id"])
        with pytest.raises(LetterError, match="was replayed, edited or discarded by somebody else"):
            letters.replay(letter["id"])
        assert read(diary) == ["-1"]
