"""The mailbox as a process: what it files, and how it begins and ends."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mailbox_server import running_mailbox
from tasks_platform.services.mailbox.folder import read_mailbox
from waiting import wait_for

COMMAND = [sys.executable, "-W", "error", "-m", "tasks_platform.services.mailbox"]


def is_running(pid: int) -> bool:
    """Tell whether *pid* is a process that is not just waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def refused_start(*options: str) -> str:
    """Run a mailbox that must not start, and return why."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr


def test_a_mail_of_another_program_is_filed_as_it_came(tmp_path: Path) -> None:
    content = b"Message-ID: <1@x.example>\r\nSubject: plain\r\n\r\n.dots\r\n..\r\nfrom 8 bit: \xc5\x82\r\n"
    with running_mailbox(tmp_path) as mailbox:
        with smtplib.SMTP("127.0.0.1", mailbox.port) as client:
            client.sendmail("a@x.example", ["b@y.example"], content)
        (mail,) = mailbox.mails()

    assert (mail.message_id, mail.to, mail.subject) == ("<1@x.example>", ("b@y.example",), "plain")
    assert mail.path.read_bytes().endswith(content)


def test_the_server_listens_on_loopback_only(tmp_path: Path) -> None:
    with running_mailbox(tmp_path) as mailbox:
        listening = [
            local
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for local, state in (line.split()[1:4:2] for line in Path(table).read_text().splitlines()[1:])
            if state == "0A" and local.endswith(f":{mailbox.port:04X}")
        ]

    assert listening == [f"0100007F:{mailbox.port:04X}"]


def test_the_ready_file_is_there_while_the_server_is_and_says_who_it_is(tmp_path: Path) -> None:
    ready = tmp_path / "run" / "mailbox.json"
    with running_mailbox(tmp_path / "mails", "--ready-file", str(ready)) as mailbox:
        assert json.loads(ready.read_text()) == {"host": "127.0.0.1", "port": mailbox.port, "pid": mailbox.process.pid}

        mailbox.process.terminate()
        assert mailbox.process.wait(10) == 0
        assert not ready.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_also_while_somebody_is_connected(tmp_path: Path, number: signal.Signals) -> None:
    with running_mailbox(tmp_path) as mailbox, socket.create_connection(("127.0.0.1", mailbox.port)) as client:
        assert client.recv(100).startswith(b"220 ")
        mailbox.process.send_signal(number)

        assert mailbox.process.wait(10) == 0


def test_the_server_ends_with_the_process_that_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    starter = f"""if True:
        import subprocess, sys, time
        mailbox = subprocess.Popen({[*COMMAND, "--folder", str(tmp_path)]!r}, stdout=subprocess.PIPE)
        mailbox.stdout.readline()
        print(mailbox.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        mailbox = int(parent.stdout.readline())
        assert is_running(mailbox)
        parent.kill()

    try:
        wait_for(lambda: not is_running(mailbox), description="the end of the orphan")
    finally:
        if is_running(mailbox):
            os.kill(mailbox, signal.SIGKILL)


def test_the_server_does_not_start_for_a_process_that_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()

    assert f"The process {gone.pid} " in refused_start("--folder", str(tmp_path), "--parent", str(gone.pid))


def test_a_server_killed_in_the_middle_of_a_mail_leaves_no_file_of_it(tmp_path: Path) -> None:
    with running_mailbox(tmp_path) as mailbox, smtplib.SMTP("127.0.0.1", mailbox.port) as client:
        client.ehlo()
        client.mail("a@x.example")
        client.rcpt("b@y.example")
        assert client.docmd("DATA")[0] == 354
        client.send(b"Message-ID: <1@x.example>\r\n\r\n" + b"half a mail\r\n" * 10_000)
        mailbox.process.kill()
        mailbox.process.wait()
        client.close()

    assert list(tmp_path.iterdir()) == []
    assert read_mailbox(tmp_path) == []


def test_a_folder_that_cannot_be_written_asks_senders_to_come_back(tmp_path: Path) -> None:
    (tmp_path / "mails").write_bytes(b"a file")
    with running_mailbox(tmp_path / "mails") as mailbox:
        client = smtplib.SMTP("127.0.0.1", mailbox.port)
        with client, pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("a@x.example", ["b@y.example"], b"Subject: x\r\n\r\n")

    assert caught.value.smtp_code == 451


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert "The mailbox cannot run: [Errno 98]" in refused_start("--folder", str(tmp_path), "--port", str(port))


def test_passwords_need_encryption_and_come_from_the_environment(tmp_path: Path) -> None:
    folder = ["--folder", str(tmp_path)]

    assert "--auth-env needs --tls-cert" in refused_start(*folder, "--auth-env", "MAILBOX_AUTH")


def test_without_aiosmtpd_the_extra_is_named(tmp_path: Path) -> None:
    program = """if True:
        import runpy, sys
        sys.modules["aiosmtpd"] = None
        sys.argv[1:] = ["--folder", sys.argv[1]]
        runpy.run_module("tasks_platform.services.mailbox", run_name="__main__")
    """
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "pip install 'tasks-platform[smtpd]'" in done.stderr
