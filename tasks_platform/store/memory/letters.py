"""The dead letters, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.store.memory.part import copied
from tasks_platform.store.memory.runs import Runs
from tasks_platform.store.records import Record


class Letters(Runs):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def letter(self, job_id: str) -> Record | None:
        with self._lock:
            letter = self._letters.get(job_id)
            return None if letter is None else {**copied(letter), "attempts": self.attempts(job_id)}

    def letters(self, offset: int = 0, limit: int = 100) -> list[Record]:
        with self._lock:
            newest = sorted(self._letters, key=lambda job_id: (self._letters[job_id]["died_at"], job_id), reverse=True)
            found = (self.letter(job_id) for job_id in newest[offset : offset + limit])
            return [letter for letter in found if letter is not None]

    def count_letters(self) -> int:
        return len(self._letters)

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int) -> bool:
        with self._lock:
            if (letter := self._letters.get(job_id)) is None or letter["version"] != version:
                return False
            letter.update(message=copied(message), version=version + 1)
            return True

    def mark_replaying(self, job_id: str, at: float) -> Record | None:
        with self._lock:
            if (letter := self._letters.get(job_id)) is not None:
                letter.update(state="replaying")
            return self.letter(job_id)
