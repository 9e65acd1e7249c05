from __future__ import annotations

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tasks_platform.errors import ServiceUnavailableError
from tasks_platform.services.folder_mailer import FolderMailer
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailbox.folder import file_mail, read_mailbox
from tasks_platform.services.mailer import Address, Attachment, Mail

if TYPE_CHECKING:
    from pathlib import Path

MAIL = Mail(
    message_id="<job-7@tasks.example>",
    to=(Address(email="ana@kontor.example", name="Ana"),),
    subject="Zażółć gęślą",
    text="Dear Ana",
    attachments=(Attachment(name="Łódź.pdf", content=b"%PDF \x00\xff"), Attachment(name="b.csv", content=b"")),
)


def wire(message_id: str) -> bytes:
    """Return the least of a mail."""
    return f"Message-ID: {message_id}\r\nSubject: x\r\n\r\ntext\r\n".encode()


def test_a_filed_mail_can_be_read_back(tmp_path: Path) -> None:
    content = message_of(MAIL, sender="billing@tasks.example").as_bytes()
    path = file_mail(tmp_path, content, sender="billing@tasks.example", recipients=["ana@kontor.example", "b@c.d"])

    (mail,) = read_mailbox(tmp_path)
    assert mail.message_id == "<job-7@tasks.example>"
    assert mail.to == ("ana@kontor.example", "b@c.d")
    assert mail.subject == "Zażółć gęślą"
    assert mail.attachments == ("Łódź.pdf", "b.csv")
    assert mail.path == path
    assert [part.get_content() for part in mail.message().iter_attachments()] == [b"%PDF \x00\xff", b""]
    assert mail.message()["Return-Path"] == "<billing@tasks.example>"
    assert path.read_bytes().endswith(content)


def test_a_mail_that_arrives_again_is_a_file_of_its_own_beside_the_first(tmp_path: Path) -> None:
    for _ in range(3):
        file_mail(tmp_path, wire("<job-7@tasks.example>"), sender="a@b.example", recipients=[])

    assert [mail.path.name for mail in read_mailbox(tmp_path)] == [
        "job-7@tasks.example.eml",
        "job-7@tasks.example.2.eml",
        "job-7@tasks.example.3.eml",
    ]


def test_many_at_a_time_get_a_file_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = list(
            threads.map(lambda _: file_mail(tmp_path, wire("<one@x>"), sender="a@b.example", recipients=[]), range(40))
        )

    assert len(set(paths)) == 40
    assert sorted(tmp_path.iterdir()) == sorted(paths)


@pytest.mark.parametrize(
    "message_id",
    ["<../../etc/passwd@x>", "</etc/passwd>", "<a\\b@x>", "<.hidden@x>", "<" + "x" * 300 + "@y>", "<a:b*c?@x>", "<..>"],
)
def test_no_message_id_leads_out_of_the_folder(tmp_path: Path, message_id: str) -> None:
    folder = tmp_path / "mailbox"
    path = file_mail(folder, wire(message_id), sender="a@b.example", recipients=[])

    assert path.parent == folder
    assert [mail.path for mail in read_mailbox(folder)] == [path]
    assert [each.name for each in tmp_path.iterdir()] == ["mailbox"]


def test_different_message_ids_never_look_like_one_that_was_repeated(tmp_path: Path) -> None:
    long = "x" * 200
    ids = ["<a/b@x>", "<a:b@x>", "<a_b@x>", f"<{long}1@x>", f"<{long}2@x>", "", "<>"]
    for message_id in ids:
        file_mail(tmp_path, wire(message_id), sender="a@b.example", recipients=[])

    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".2.eml")]
    assert len(read_mailbox(tmp_path)) == len(ids)


def test_a_mail_without_a_message_id_is_filed_too(tmp_path: Path) -> None:
    file_mail(tmp_path, b"\r\njust text\r\n", sender="a@b.example", recipients=["c@d.example"])

    assert [(mail.message_id, mail.to) for mail in read_mailbox(tmp_path)] == [("", ("c@d.example",))]


def test_mails_are_read_in_the_order_of_arrival(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        path = file_mail(tmp_path, wire(f"<{number}@x>"), sender="a@b.example", recipients=[])
        os.utime(path, ns=(0, [3, 1, 2].index(number)))

    assert [mail.message_id for mail in read_mailbox(tmp_path)] == ["<3@x>", "<1@x>", "<2@x>"]


def test_a_folder_that_is_not_there_and_half_written_files_are_no_mail(tmp_path: Path) -> None:
    assert read_mailbox(tmp_path / "nowhere") == []

    (tmp_path / ".0123456789abcdef.part").write_bytes(b"Message-ID: <ha")
    assert read_mailbox(tmp_path) == []


def test_a_disk_that_is_full_in_the_middle_of_a_mail_keeps_nothing_of_it(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            file_mail(tmp_path, wire("<1@x>") + b"x" * 200_000, sender="a@b.example", recipients=[])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == []


def test_without_a_server_mail_is_filed_in_the_folder(tmp_path: Path) -> None:
    sent = FolderMailer(tmp_path / "mailbox", sender="billing@tasks.example").send(MAIL)

    assert sent.message_id == "<job-7@tasks.example>"
    assert sent.answer == "250 2.0.0 OK filed as job-7@tasks.example.eml"
    assert [(mail.to, mail.subject) for mail in read_mailbox(tmp_path / "mailbox")] == [
        (("ana@kontor.example",), "Zażółć gęślą")
    ]


def test_a_folder_that_cannot_be_written_may_be_repaired(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_bytes(b"a file")

    with pytest.raises(ServiceUnavailableError, match=r"Mail <job-7@tasks\.example> cannot be filed"):
        FolderMailer(tmp_path / "mailbox", sender="billing@tasks.example").send(MAIL)
