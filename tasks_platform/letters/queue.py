"""DeadLetterQueue: list, show, edit, replay and discard the dead letters of an application."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, cast

import celery
from celery.app.task import Context

from tasks_platform.errors import LetterError, PayloadError, PermanentError, SealingError
from tasks_platform.letters.message import (
    Letter,
    arguments_with,
    is_parked,
    is_untrusted,
    message_to_replay,
    own_headers,
    understood,
)
from tasks_platform.sealing import KeyRing
from tasks_platform.store import Store
from tasks_platform.task import PlatformTask
from tasks_platform.task.amqp import signed
from tasks_platform.task.envelope import HEADER, resend
from tasks_platform.task.outgoing import readmit

_PAGE = 100


class DeadLetterQueue:
    """The dead letters of one application."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        self._store = cast("Store", app.store)  # type: ignore[attr-defined]

    def list(self, offset: int = 0, limit: int = _PAGE) -> list[Letter]:
        """Return letters, the newest first."""
        return self._store.letters(offset, limit) if limit > 0 else []

    def __len__(self) -> int:
        return self._store.count_letters()

    def show(self, letter_id: str) -> Letter:
        """Return one letter by its job id, or by the beginning of it if that is unambiguous.

        Raises:
            LetterError: if there is none, or more than one.

        """
        if (letter := self._store.letter(letter_id)) is not None:
            return letter
        found = [job_id for job_id in self._ids() if letter_id and job_id.startswith(letter_id)]
        if len(found) > 1:
            ids = ", ".join(found[:5])
            raise LetterError(
                f"{letter_id!r} is the beginning of {len(found)} dead letters: {ids}; give more of the id"
            )
        if not found or (letter := self._store.letter(found[0])) is None:
            raise LetterError(f"there is no dead letter {letter_id!r}; see 'tasks-platform letters list'")
        return letter

    def arguments(self, letter: Letter) -> dict[str, Any] | None:
        """Return the arguments of a letter by the names that ``edit`` takes, None where they cannot be told."""
        try:
            message = self._understood(letter)["message"]
            signature = self._task(letter).payload.signature
            return dict(signature.bind_partial(*message["args"], **message["kwargs"]).arguments)
        except (KeyError, LetterError, TypeError):
            return None

    def edit(self, letter_id: str, changes: Mapping[str, Any]) -> Letter:
        """Change arguments of a letter by name; the task's signature decides whether they fit.

        Raises:
            LetterError: if they do not, or the letter cannot be edited.

        """
        letter = self._understood(self.show(letter_id))
        if letter["state"] == "replaying":
            raise LetterError(f"letter {letter['id']} is being replayed: see how that ends, then edit it")
        self._require_trust(letter)
        message = letter["message"]
        if message.get("raw") and letter["cause"]["type"] == "DecodeError":
            raise LetterError(f"letter {letter['id']} is no message of a job: replay it as it came, or discard it")
        task = self._task(letter)
        signature = task.payload.signature
        if unknown := sorted(set(changes) - set(signature.parameters)):
            raise LetterError(f"{letter['task']}{signature} has no parameter {', '.join(unknown)}")
        try:
            given = arguments_with(signature, message, changes)
            args, kwargs = task.payload.write(given.args, given.kwargs)
        except (PayloadError, SealingError, TypeError) as error:
            raise LetterError(f"letter {letter['id']} was not changed: {error}") from None
        # how the old arguments looked in logs says nothing of the new ones
        options = {
            name: value for name, value in message.get("options", {}).items() if name not in {"argsrepr", "kwargsrepr"}
        }
        changed = {**message, "args": args, "kwargs": kwargs, "options": options}
        if not self._store.edit_letter(letter["id"], changed, letter["version"]):
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
        letter = self._understood(self.show(letter_id))
        self._require_trust(letter)
        message = message_to_replay(letter)
        attempt = max((attempt["attempt"] for attempt in letter["attempts"]), default=0) + 1
        if message.get("raw"):
            self._mark_replaying(letter, message)
            self._send_raw(message, attempt)
            return letter
        task = self._task(letter)

        def send() -> Any:
            self._mark_replaying(letter, message)
            resend(task, message, {"letter": True}, attempt=attempt)
            return task.AsyncResult(letter["id"])

        readmit(task, message, send)
        return letter

    def vouch(self, letter_id: str) -> Letter:
        """Sign a message that was refused because it was not trusted, as it came, and put it back in its queue.

        Raises:
            LetterError: if it was not refused for that, or there is no key to sign it with.

        """
        letter = self.show(letter_id)
        if not is_untrusted(letter):
            raise LetterError(f"letter {letter['id']} was not refused for want of trust: replay it")
        if not self._signing_ring:
            raise LetterError(f"letter {letter['id']} cannot be signed: there is no key in TASKS_SIGNING__KEYS")
        raw = letter["message"]
        self._publish_raw(raw, raw["headers"] or {})
        self._store.forget(letter["id"])
        return letter

    def discard(self, letter_id: str) -> Letter:
        """Give a job up. A flow that was waiting for it fails, as if it had not been parked.

        Raises:
            LetterError: if there is no such letter.

        """
        letter = self._understood(self.show(letter_id))
        if is_untrusted(letter):  # nothing that it says of flows, chords and ids is to be believed
            self._store.forget(letter["id"])
            return letter
        own = own_headers(letter["message"])
        if is_parked(letter):
            if not letter["message"].get("raw"):
                self._fail_what_waits(letter)
            if "flow" in own:
                self._store.mark_step(own["flow"], letter["id"], "dead")
        if "reserved" in own:
            retention = self._app.settings.job_id_retention  # type: ignore[attr-defined]
            self._store.retire(letter["id"], retention.total_seconds())
        self._store.forget(letter["id"])
        return letter

    def _mark_replaying(self, letter: Letter, message: Mapping[str, Any]) -> None:
        """Record that *message* is about to be sent, before a worker that is quick records what became of it."""
        if self._store.mark_replaying(letter["id"], time.time()) is None:
            raise LetterError(f"letter {letter['id']} is gone: it was replayed or discarded by somebody else")
        if (flow := own_headers(message).get("flow")) is not None:
            self._store.mark_step(flow, letter["id"], "waiting")

    def _fail_what_waits(self, letter: Letter) -> None:
        message = letter["message"]
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
        self._task(letter).backend.mark_as_failure(letter["id"], error, request=request)

    def _send_raw(self, raw: Mapping[str, Any], attempt: int) -> None:
        """Put a message that cannot be read here back in its queue, as it came but for the attempt."""
        own = {**own_headers(raw), "letter": True, "copy": uuid.uuid4().hex}
        self._publish_raw(raw, {**(raw["headers"] or {}), HEADER: own, "retries": attempt - 1, "expires": None})

    def _publish_raw(self, raw: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
        kept = {name: raw["properties"].get(name) for name in ("correlation_id", "reply_to", "priority")}
        with self._app.producer_or_acquire() as producer:
            producer.publish(
                raw["body"],
                exchange="",
                routing_key=raw["queue"],
                headers=signed(self._signing_ring, headers, raw["body"]),
                content_type=raw["content_type"],
                content_encoding=raw["content_encoding"],
                **{name: value for name, value in kept.items() if value is not None},
            )

    @property
    def _signing_ring(self) -> KeyRing:
        ring: KeyRing = self._app.settings.signing.ring  # type: ignore[attr-defined]
        return ring

    @staticmethod
    def _require_trust(letter: Letter) -> None:
        if is_untrusted(letter):
            raise LetterError(
                f"letter {letter['id']} is {letter['cause']['message']}; if you know that it is genuine, "
                "'tasks-platform letters vouch' signs it as it came and sends it; else discard it"
            )

    def _understood(self, letter: Letter) -> Letter:
        """Return *letter* as it is understood with all task modules imported."""
        try:
            self._app.loader.import_default_modules()
        except (Exception, SystemExit) as error:
            raise LetterError(
                f"letter {letter['id']}: a task module cannot be imported: {type(error).__name__}: {error}"
            ) from error
        return understood(self._app, letter)

    def _task(self, letter: Letter) -> PlatformTask[..., Any]:
        task = self._app.tasks.get(letter["task"])
        if not isinstance(task, PlatformTask):
            raise LetterError(
                f"letter {letter['id']}: this process does not know the task {letter['task']!r}; "
                "name its module in TASKS_MODULES"
            )
        return task

    def _ids(self) -> Iterator[str]:
        """Yield the ids of all letters, the newest first, without keeping the letters."""
        for offset in range(0, len(self), _PAGE):
            yield from (letter["id"] for letter in self._store.letters(offset, _PAGE))
