"""Operate the dead letters: list, show, edit, replay, discard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import celery
from celery.app.task import Context

from tasks_platform.errors import LetterError, PayloadError, PermanentError
from tasks_platform.store import Store
from tasks_platform.task import PlatformTask
from tasks_platform.task.envelope import AWAITING, HEADER, resend

Letter = dict[str, Any]

#: Header keys that belong to one run and must not come back with a replay.
_OF_ONE_RUN = ("copy", "outcome")


class DeadLetterQueue:
    """The dead letters of one application."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        self._store = cast("Store", app.store)  # type: ignore[attr-defined]

    def list(self, offset: int = 0, limit: int = 100) -> list[Letter]:
        """Return letters, the newest first."""
        return self._store.letters(offset, limit)

    def __len__(self) -> int:
        return self._store.count_letters()

    def show(self, letter_id: str) -> Letter:
        """Return one letter by its job id, or by the beginning of it if that is unambiguous.

        Raises:
            LetterError: if there is none, or more than one.

        """
        if (letter := self._store.letter(letter_id)) is not None:
            return letter
        found = [letter for letter in self._store.letters(0, len(self)) if letter["id"].startswith(letter_id)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(letter["id"] for letter in found[:5])
            raise LetterError(
                f"{letter_id!r} is the beginning of {len(found)} dead letters: {ids}; give more of the id"
            )
        raise LetterError(f"there is no dead letter {letter_id!r}; see 'tasks-platform letters list'")

    def edit(self, letter_id: str, changes: Mapping[str, Any]) -> Letter:
        """Change arguments of a letter by name; the task's signature decides whether they fit.

        Raises:
            LetterError: if they do not, or the letter cannot be edited.

        """
        letter = self.show(letter_id)
        message = letter["message"]
        task = self._task(letter)
        signature = task.payload.signature
        if unknown := sorted(set(changes) - set(signature.parameters)):
            raise LetterError(f"{letter['task']}{signature} has no parameter {', '.join(unknown)}")
        try:
            given = signature.bind_partial(*message["args"], **message["kwargs"])
            given.arguments.update(changes)
            args, kwargs = task.payload.write(given.args, given.kwargs)
        except (PayloadError, TypeError) as error:
            raise LetterError(f"letter {letter['id']} was not changed: {error}") from None
        if not self._store.edit_letter(letter["id"], {**message, "args": args, "kwargs": kwargs}, letter["version"]):
            raise LetterError(f"letter {letter['id']} was changed by somebody else meanwhile: look again and repeat")
        return self.show(letter["id"])

    def replay(self, letter_id: str) -> Letter:
        """Send the job again, as its next attempt.

        A parked step keeps its place: when it succeeds, its flow goes on. A job that died inside a chain or
        chord that failed with it is run alone. A replay that fails again is the same letter with one more
        attempt. Repeating a replay is harmless: of two copies of one attempt only one is run.

        Raises:
            LetterError: if the job cannot be sent; the message says why.

        """
        letter = self.show(letter_id)
        if letter["message"].get("raw"):
            self._replay_raw(letter)
            return letter
        task = self._task(letter)
        message = self.message_to_replay(letter)
        attempts = [attempt["attempt"] for attempt in letter["attempts"]] or [0]
        job_id = letter["id"]

        def send() -> Any:
            if self._store.mark_replaying(job_id, time.time()) is None:
                raise LetterError(f"letter {job_id} is gone: it was replayed or discarded by somebody else")
            resend(task, message, {"letter": True}, attempt=max(attempts) + 1)
            if letter["flow"] is not None:
                self._store.mark_step(letter["flow"], job_id, "waiting")
            return task.AsyncResult(job_id)

        task.readmit(message, send)
        return letter

    def message_to_replay(self, letter: Letter) -> dict[str, Any]:
        """Return the message that a replay of *letter* sends."""
        message = letter["message"]
        alone = () if letter["state"] == "parked" or self.is_parked(letter) else AWAITING
        options = {name: value for name, value in message["options"].items() if name not in {*alone, "expires"}}
        headers = options.get("headers") or {}
        own = {name: value for name, value in (headers.get(HEADER) or {}).items() if name not in _OF_ONE_RUN}
        return {**message, "options": {**options, "headers": {**headers, HEADER: own}}}

    @staticmethod
    def is_parked(letter: Letter) -> bool:
        """Tell whether a flow waits for *letter*, also while it is being replayed."""
        own = (letter["message"].get("options", {}).get("headers") or {}).get(HEADER) or {}
        return bool(own.get("rule") == "park" and own.get("flow"))

    def discard(self, letter_id: str) -> Letter:
        """Give a job up. A flow that was waiting for it fails, as if it had not been parked.

        Raises:
            LetterError: if there is no such letter.

        """
        letter = self.show(letter_id)
        if self.is_parked(letter):
            self._fail_flow(letter)
        self._store.forget(letter["id"])
        return letter

    def _fail_flow(self, letter: Letter) -> None:
        task, message = self._task(letter), letter["message"]
        options = message["options"]
        request = Context(
            id=letter["id"],
            task=letter["task"],
            args=message["args"],
            kwargs=message["kwargs"],
            chord=options.get("chord"),
            chain=options.get("chain"),
            group=options.get("group_id"),
            group_index=options.get("group_index"),
            errbacks=options.get("link_error"),
            root_id=options.get("root_id"),
            parent_id=options.get("parent_id"),
        )
        error = PermanentError(f"{letter['task']}[{letter['id']}] was discarded from the dead letters")
        task.backend.mark_as_failure(letter["id"], error, request=request)
        self._store.mark_step(letter["flow"], letter["id"], "dead")

    def _task(self, letter: Letter) -> PlatformTask[..., Any]:
        self._app.loader.import_default_modules()
        task = self._app.tasks.get(letter["task"])
        if not isinstance(task, PlatformTask):
            raise LetterError(
                f"letter {letter['id']}: this process does not know the task {letter['task']!r}; "
                "name its module in TASKS_MODULES"
            )
        return task

    def _replay_raw(self, letter: Letter) -> None:
        """Put a message that no worker understood back in its queue, as it came."""
        raw = letter["message"]
        kept = {name: raw["properties"].get(name) for name in ("correlation_id", "reply_to", "priority")}
        own = {**(raw["headers"].get(HEADER) or {}), "letter": True}
        with self._app.producer_or_acquire() as producer:
            producer.publish(
                raw["body"],
                exchange="",
                routing_key=raw["queue"],
                headers={**raw["headers"], HEADER: own},
                content_type=raw["content_type"],
                content_encoding=raw["content_encoding"],
                **{name: value for name, value in kept.items() if value is not None},
            )
        self._store.forget(letter["id"])
