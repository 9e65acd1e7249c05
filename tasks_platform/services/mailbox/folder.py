"""A folder of mails: a file in the standard format (RFC 5322) for each one that arrived."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

from tasks_platform.services.atomic_file import write_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LONGEST_STEM = 120


@dataclass(frozen=True, kw_only=True)
class FiledMail:
    """A mail that arrived."""

    message_id: str
    #: The recipients named to the server, whatever the mail's own headers say.
    to: tuple[str, ...]
    subject: str
    #: Names of the files that came with it.
    attachments: tuple[str, ...]
    path: Path

    def message(self) -> EmailMessage:
        """Read the whole mail."""
        return _parsed(self.path.read_bytes())


def file_mail(folder: Path, content: bytes, *, sender: str, recipients: Sequence[str]) -> Path:
    """Write a mail to *folder*, whole or not at all, and return its file.

    It is named after its Message-ID. One that arrives again gets a file of its own, numbered from 2.

    Raises:
        OSError: the file cannot be written.

    """
    stem = _stem(_message_id(_parsed(content)))
    envelope = f"Return-Path: <{sender}>\r\n" + "".join(f"Delivered-To: {recipient}\r\n" for recipient in recipients)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number in count(1):
            name = f"{stem}.eml" if number == 1 else f"{stem}.{number}.eml"
            try:
                write_new(descriptor, name, envelope.encode() + content)
            except FileExistsError:
                continue
            return folder / name
    finally:
        os.close(descriptor)
    raise AssertionError("numbers do not end")


def read_mailbox(folder: Path) -> list[FiledMail]:
    """Return every mail in *folder*, in the order of arrival; a folder that is not there is an empty one."""
    paths = sorted(folder.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [_filed(path) for path in paths]


def _filed(path: Path) -> FiledMail:
    message = _parsed(path.read_bytes())
    return FiledMail(
        message_id=_message_id(message),
        to=tuple(str(recipient) for recipient in message.get_all("Delivered-To", [])),
        subject=str(message.get("Subject", "")),
        attachments=tuple(part.get_filename() or "" for part in message.iter_attachments()),
        path=path,
    )


def _parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=SMTP)


def _message_id(message: EmailMessage) -> str:
    # Unparsed: some malformed ones crash Python's parser.
    return next((str(value).strip() for name, value in message.raw_items() if name.lower() == "message-id"), "")


def _stem(message_id: str) -> str:
    """Return a file name for *message_id*; two of them never share one."""
    plain = message_id.removeprefix("<").removesuffix(">")
    stem = re.sub(r"[^A-Za-z0-9@+=_.-]|^\.", "_", plain)[:_LONGEST_STEM]
    return stem if stem == plain and stem else f"{stem}-{sha256(message_id.encode(errors='replace')).hexdigest()[:12]}"
