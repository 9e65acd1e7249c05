"""DeadLetterQueue: find, show, edit, replay and discard the dead letters of an application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import celery

from tasks_platform.errors import LetterError, PayloadError, SealingError
from tasks_platform.letters.group import Group, group_from
from tasks_platform.letters.message import (
    Letter,
    arguments_with,
    is_parked,
    is_untrusted,
    own_headers,
    require_trust,
    understood,
)
from tasks_platform.letters.on_its_way import next_attempt
from tasks_platform.letters.page import Page, all_of, page_of
from tasks_platform.letters.sending import fail_what_waits, publish_copy, send_again, task_of
from tasks_platform.letters.upgrades import current, refuse_newer
from tasks_platform.letters.who import this_user
from tasks_platform.settings import Settings
from tasks_platform.store import EVERYTHING, Place, Record, Store, Where

_PAGE = 100
_BEING_REPLAYED = "is being replayed: see how that ends (the same replay again does no harm)"


class DeadLetterQueue:
    """The dead letters of one application.

    The audit names *by* as the one who edits, replays, discards and purges: the user of the operating system, unless
    another name is given.
    """

    def __init__(self, app: celery.Celery, *, by: str | None = None) -> None:
        self.app = app
        self.by = by or this_user()

    @property
    def store(self) -> Store:
        """Where the letters lie."""
        return cast("Store", self.app.store)  # type: ignore[attr-defined]

    @property
    def settings(self) -> Settings:
        """What the application was configured with."""
        return cast("Settings", self.app.settings)  # type: ignore[attr-defined]

    def list(self, offset: int = 0, limit: int = _PAGE, *, where: Where = EVERYTHING) -> list[Letter]:
        """Return letters, the newest first."""
        self.list_older(where)
        return [current(letter) for letter in self.store.letters(offset, limit, where=where)] if limit > 0 else []

    def page(
        self,
        where: Where = EVERYTHING,
        *,
        text: str | None = None,
        after: Place | None = None,
        offset: int = 0,
        limit: int = _PAGE,
    ) -> Page:
        """Return some letters, the newest first, and where to go on.

        With *text*, those that have it in their arguments, whatever its case. Nothing lists letters by that: it reads
        5 000 letters at a time, and the page says where to go on, also if it found fewer than *limit*.
        """
        self.list_older(where)
        return page_of(self.store, where, text, after=after, offset=offset, limit=limit)

    def all(self, where: Where = EVERYTHING, *, text: str | None = None) -> Iterator[Letter]:
        """Yield every letter, the newest first, without keeping them."""
        self.list_older(where)
        yield from all_of(self.store, where, text)

    def groups(self) -> Sequence[Group]:
        """Return what letters of the same bug have in common, the bug that struck last first."""
        self.list_older()
        return [group_from(record) for record in self.store.letter_groups()]

    def audit(self, after: str = "", limit: int = _PAGE) -> Sequence[Record]:
        """Return what happened to letters, the newest first; *after* is the ``audit_id`` to go on from."""
        return self.store.audit(after, limit, newest_first=True)

    def __len__(self) -> int:
        return self.store.count_letters()

    def show(self, letter_id: str) -> Letter:
        """Return one letter by its job id, or by the beginning of it if that is unambiguous.

        Raises:
            LetterError: if there is none, or more than one.

        """
        if (letter := self.store.letter(letter_id)) is not None:
            return current(letter)
        found = self.store.letter_ids(letter_id) if letter_id else []
        if len(found) > 1:
            ids = ", ".join(found[:5])
            raise LetterError(
                f"{letter_id!r} is the beginning of {len(found)} dead letters: {ids}; give more of the id"
            )
        if not found or (letter := self.store.letter(found[0])) is None:
            raise LetterError(f"there is no dead letter {letter_id!r}; see 'tasks-platform letters list'")
        return current(letter)

    def arguments(self, letter: Letter) -> dict[str, Any] | None:
        """Return the arguments of a letter by the names that ``edit`` takes, None where they cannot be told."""
        try:
            message = self.understood(letter)["message"]
            signature = task_of(self.app, letter).payload.signature
            return dict(signature.bind_partial(*message["args"], **message["kwargs"]).arguments)
        except (KeyError, LetterError, TypeError):
            return None

    def edit(self, letter_id: str, changes: Mapping[str, Any]) -> Letter:
        """Change arguments of a letter by name; the task's signature decides whether they fit.

        Raises:
            LetterError: if they do not, or the letter cannot be edited.

        """
        letter = self.understood(self._to_change(letter_id))
        if letter["state"] == "replaying":
            raise LetterError(f"letter {letter['id']} {_BEING_REPLAYED}, then edit it")
        require_trust(letter)
        message = letter["message"]
        if message.get("raw") and letter["cause"]["type"] == "DecodeError":
            raise LetterError(f"letter {letter['id']} is no message of a job: replay it as it came, or discard it")
        task = task_of(self.app, letter)
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
        if not self.store.edit_letter(letter["id"], changed, letter["version"], by=self.by):
            raise LetterError(f"letter {letter['id']} was changed by somebody else meanwhile: look again and repeat")
        return self.show(letter["id"])

    def replay(self, letter_id: str) -> Letter:
        """Send the job again, as its next attempt.

        A parked step keeps its place: when it succeeds, its flow goes on. A job that died inside a chain or
        chord that failed with it is run alone. A replay that fails again is the same letter with one more
        attempt. Repeating a replay is harmless: of two copies of one attempt only one is run.

        Raises:
            LetterError: if the job cannot be sent; the message says why, and the letter is what it was before.

        """
        letter = self._to_change(letter_id)
        read = {"version": letter["version"], "before": letter["replayed_at"]}
        return send_again(self, letter, lambda at: self.store.mark_replaying(letter["id"], at, **read, by=self.by))

    def vouch(self, letter_id: str) -> Letter:
        """Sign a message that was refused because it was not trusted, as it came, and put it back in its queue.

        Raises:
            LetterError: if it was not refused for that, or there is no key to sign it with.

        """
        letter = self._to_change(letter_id)
        if not is_untrusted(letter):
            raise LetterError(f"letter {letter['id']} was not refused for want of trust: replay it")
        if not self.settings.signing.ring:
            raise LetterError(f"letter {letter['id']} cannot be signed: there is no key in TASKS_SIGNING__KEYS")
        publish_copy(self.app, letter["message"], {})
        self.store.forget(letter["id"], why="vouched for", by=self.by)
        return letter

    def discard(self, letter_id: str, *, force: bool = False) -> Letter:
        """Give a job up. A flow that was waiting for it fails, as if it had not been parked.

        With *force* also a job that is being replayed; if no worker has begun it, none will.

        Raises:
            LetterError: if there is no such letter, or it is being replayed.

        """
        letter = self.understood(self._to_change(letter_id))
        if letter["state"] == "replaying":
            if not force:
                raise LetterError(f"letter {letter['id']} {_BEING_REPLAYED}; --force gives it up all the same")
            self.store.put_back(letter["id"], letter["replayed_at"], next_attempt(letter), by=self.by)
        if is_untrusted(letter):  # nothing that it says of flows, chords and ids is to be believed
            self.store.forget(letter["id"], why="discarded", by=self.by)
            return letter
        own = own_headers(letter["message"])
        if is_parked(letter):
            if not letter["message"].get("raw"):
                fail_what_waits(self.app, letter)
            if "flow" in own:
                self.store.mark_step(own["flow"], letter["id"], "dead")
        if "reserved" in own:
            self.store.retire(letter["id"], self.settings.job_id_retention.total_seconds())
        self.store.forget(letter["id"], why="discarded", by=self.by)
        return letter

    def understood(self, letter: Letter) -> Letter:
        """Return *letter* as it is understood with all task modules imported.

        Raises:
            LetterError: if one of them cannot be imported.

        """
        try:
            self.app.loader.import_default_modules()
        except (Exception, SystemExit) as error:
            raise LetterError(
                f"letter {letter['id']}: a task module cannot be imported: {type(error).__name__}: {error}"
            ) from error
        return understood(self.app, letter)

    def list_older(self, where: Where | None = None) -> None:
        """Let letters of an earlier version be found by what this one lists letters by."""
        if where == EVERYTHING:
            return
        while older := self.store.unlisted_letters():
            for letter in older:
                self.store.list_letter(current(letter))

    def _to_change(self, letter_id: str) -> Letter:
        letter = self.show(letter_id)
        refuse_newer(letter)
        return letter
