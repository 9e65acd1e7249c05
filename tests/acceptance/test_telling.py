"""People and programs hear of burials from a real worker, also when the one that buried is killed right after."""

from __future__ import annotations

import os
import signal
import uuid
from typing import TYPE_CHECKING

import pytest

from acceptance import flow_tasks as tasks
from acceptance.flow_steps import PATIENCE, buried
from acceptance.hook import Hook
from acceptance.workers import PLATFORM, running_worker
from tasks_platform.services.mailbox.folder import read_mailbox
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(34, 35)
def test_a_burial_is_told_by_mail_and_webhook_also_when_the_worker_that_buried_is_killed_right_after(
    platform: PlatformApp, server: RedisServer, logs: Path, tmp_path: Path
) -> None:
    queue = f"told-{uuid.uuid4()}"
    with Hook().serving() as hook:
        environment = {
            "TASKS_MODULES": "acceptance.flow_tasks",
            "TASKS_STATE_DIR": str(tmp_path),
            "TASKS_LETTERS__MAIL_TO": "ops@kontor.example, ana@kontor.example",
            "TASKS_LETTERS__WEBHOOK": hook.url,
        }
        with running_worker(PLATFORM, server.url, logs / "told.log", "-Q", queue, environment=environment) as first:
            job = tasks.number.apply_async((-1,), queue=queue, tenant="acme")
            letter = buried(platform, job.id)
            wait_for(lambda: hook.asked, PATIENCE, "the first try")
            os.killpg(first.process.pid, signal.SIGKILL)
            first.process.wait()
        assert hook.told == []
        hook.ill = False
        with running_worker(PLATFORM, server.url, logs / "after.log", "-Q", queue, environment=environment) as second:
            wait_for(lambda: hook.told, PATIENCE, "the webhook")
            mails = wait_for(lambda: read_mailbox(tmp_path / "mailbox"), PATIENCE, "the mail")
            wait_for(lambda: second.said("a dead letter of") or first.said("a dead letter of"), PATIENCE, "the log")
            assert not second.said("sesame")
    (news,) = hook.told
    assert (news["letter"], news["count"], news["tenants"]) == (job.id, 1, ["acme"])
    assert (news["fingerprint"], news["task"]) == (letter["fingerprint"], tasks.number.name)
    assert len({mail.message_id for mail in mails}) == 1
    assert platform.store.audit()[0]["by"].startswith("told@")
