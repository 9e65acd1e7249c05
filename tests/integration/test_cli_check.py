"""``tasks-platform check``: every problem at once, in words, and never a secret."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from command_line import call
from mailbox_server import running_mailbox
from redis_server import free_port
from scripted_smtp import scripted_smtp

if TYPE_CHECKING:
    from pathlib import Path

    import redis
    from click.testing import Result

PASSWORD = "open sesame/%41&\N{SNOWMAN}"  # not easy to write into a URL, nor to find in one


def findings(result: Result) -> dict[str, list[tuple[bool, str]]]:
    """Return what a check in JSON found, by what it looked at."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for finding in json.loads(result.stdout):
        found.setdefault(finding["what"], []).append((finding["ok"], finding["words"]))
    return found


def nobody() -> str:
    """Return an address where nobody listens."""
    return f"127.0.0.1:{free_port()}"


def test_a_configuration_that_works_is_said_to_work(redis_url: str, tmp_path: Path) -> None:
    with running_mailbox(tmp_path / "mailbox") as mailbox:
        variables = {
            "TASKS_REDIS_URL": redis_url,
            "TASKS_BROKER_URL": redis_url,
            "TASKS_STATE_DIR": str(tmp_path / "state"),
            "TASKS_MODULES": "acceptance.flow_tasks",
            "TASKS_SMTP__HOST": "127.0.0.1",
            "TASKS_SMTP__PORT": str(mailbox.port),
            "TASKS_SMTP__SECURITY": "none",
        }
        result = call("check", "--json", **variables)
        shown = call("check", columns=80, **variables)
    assert (result.exit_code, shown.exit_code) == (0, 0), result.output
    found = findings(result)
    looked_at = [
        "settings",
        "state folder",
        "redis",
        "broker",
        "queue servers",
        "sealing keys",
        "signing keys",
        "task modules",
        "books",
        "storage",
        "mail",
    ]
    assert list(found) == looked_at
    assert all(ok for each in found.values() for ok, _ in each)
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert len(re.findall(r"^ok\b", shown.stdout, re.MULTILINE)) == len(found)


@pytest.mark.parametrize("embedded", [{}, {"TASKS_EMBEDDED": "1"}], ids=["unless asked for", "if asked for"])
def test_the_embedded_server_counts_only_if_it_may_be_started(tmp_path: Path, embedded: dict[str, str]) -> None:
    result = call("check", "--json", TASKS_STATE_DIR=str(tmp_path / "state"), **embedded)
    ((ok, words),) = findings(result)["redis"]
    assert (result.exit_code, ok) == ((0, True) if embedded else (1, False))
    assert words.endswith("can be started" if embedded else "or TASKS_EMBEDDED=1 to run one of your own")


def test_signatures_that_are_required_without_a_key_are_a_problem(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# none yet\n")
    signing = {"TASKS_SIGNING__REQUIRED": "true", "TASKS_SIGNING__KEYS_FILE": str(tmp_path / "keys")}
    result = call("check", "--json", TASKS_REDIS_URL=redis_url, TASKS_STATE_DIR=str(tmp_path), **signing)
    ((ok, words),) = findings(result)["signing keys"]
    assert (result.exit_code, ok) == (1, False)
    assert words == "signatures are required and there is no key: every message will be refused"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = call(
        "check",
        "--json",
        TASKS_EMBEDDED="perhaps",
        TASKS_VISIBILITY_TIMEOUT="soon",
        TASKS_REDDIS_URL="redis://elsewhere",
        TASKS_STATE_DIR=str(tmp_path / "file" / "state"),
        TASKS_STORAGE_DIR=str(tmp_path / "file" / "storage"),
        TASKS_BROKER_URL=f"amqp://{nobody()}//",
        TASKS_MODULES="no.such.module, acceptance.flow_tasks, nor.this_one",
        TASKS_SMTP__HOST="127.0.0.1",
        TASKS_SMTP__PORT=str(free_port()),
    )
    assert result.exit_code == 1
    found = findings(result)
    wrong = {what: " ".join(words for ok, words in each if not ok) for what, each in found.items()}
    assert {"TASKS_EMBEDDED:", "TASKS_VISIBILITY_TIMEOUT:", "TASKS_REDDIS_URL"} < set(wrong["settings"].split())
    assert "state cannot be written: Not a directory" in wrong["state folder"]
    assert "storage cannot be written: Not a directory" in wrong["storage"]
    assert "does not answer" in wrong["broker"]
    assert "no.such.module cannot be imported: ModuleNotFoundError" in wrong["task modules"]
    assert "nor.this_one cannot be imported" in wrong["task modules"]
    assert "does not take mail" in wrong["mail"]
    assert "redis" not in found  # whether to start one cannot be read


def test_servers_that_do_not_answer_are_reported_together(tmp_path: Path) -> None:
    result = call(
        "check",
        TASKS_REDIS_URL=f"redis://{nobody()}/0",
        TASKS_STATE_DIR=str(tmp_path),
        TASKS_SMTP__HOST="127.0.0.1",
        TASKS_SMTP__PORT=str(free_port()),
    )
    assert result.exit_code == 1
    assert re.search(r"^no +redis +redis://127\.0\.0\.1:\d+/0 does not answer", result.stdout, re.MULTILINE)
    assert re.search(r"^no +mail +127\.0\.0\.1:\d+ does not take mail", result.stdout, re.MULTILINE)


def test_a_misspelt_variable_is_a_problem_and_the_rest_is_tried(redis_url: str, tmp_path: Path) -> None:
    result = call("check", "--json", TASKS_REDIS_URL=redis_url, TASKS_MODULS="shop", TASKS_STATE_DIR=str(tmp_path))
    found = findings(result)
    assert result.exit_code == 1
    ((ok, words),) = found["settings"]
    assert not ok
    assert words.startswith("TASKS_MODULS is not a setting of the platform")
    assert found["redis"][0][0]


def test_wrong_mail_settings_leave_the_mail_untried(redis_url: str, tmp_path: Path) -> None:
    variables = {"TASKS_REDIS_URL": redis_url, "TASKS_STATE_DIR": str(tmp_path), "TASKS_SMTP__SECURITY": "strong"}
    found = findings(call("check", "--json", **variables))
    assert found["settings"][0][1].startswith("TASKS_SMTP__SECURITY: ")
    assert "mail" not in found


def test_a_task_module_is_found_where_a_worker_finds_it(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corner_shop.py").write_text("from tasks_platform import ReliableTask")
    monkeypatch.chdir(tmp_path)
    variables = {"TASKS_REDIS_URL": redis_url, "TASKS_STATE_DIR": str(tmp_path), "TASKS_MODULES": "corner_shop"}
    assert findings(call("check", "--json", **variables))["task modules"] == [(True, "corner_shop")]


def test_a_server_that_throws_jobs_away_is_a_problem(redis_url: str, redis_db: redis.Redis, tmp_path: Path) -> None:
    redis_db.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = findings(call("check", "--json", TASKS_REDIS_URL=redis_url, TASKS_STATE_DIR=str(tmp_path)))
    finally:
        redis_db.config_set("maxmemory-policy", "noeviction")
    assert found["redis"] == [
        (False, "maxmemory-policy is allkeys-lru: jobs would be thrown away; set it to noeviction")
    ]


ENCODED = quote(PASSWORD, safe="")
#: Where a password may stand: as a URL has to carry it, or as it is.
PLANTED = {
    "an unreachable Redis server": ("TASKS_REDIS_URL", "redis://ana:{encoded}@{nobody}/0"),
    "a Redis server of no such name": ("TASKS_REDIS_URL", "redis://:{encoded}@no.invalid/0"),
    "a Redis URL that is none": ("TASKS_REDIS_URL", "redis://:{password}@{nobody}/0"),
    "a Redis URL of a scheme that is none": ("TASKS_REDIS_URL", "reddis://:{encoded}@{nobody}/0"),
    "a Redis database that is none": ("TASKS_REDIS_URL", "redis://:{encoded}@{nobody}/{encoded}"),
    "a Redis password in the query": ("TASKS_REDIS_URL", "redis://{nobody}/0?password={encoded}"),
    "an unreachable broker": ("TASKS_BROKER_URL", "amqp://ana:{encoded}@{nobody}//"),
    "a broker of a kind that is none": ("TASKS_BROKER_URL", "rabbit://ana:{password}@{nobody}//"),
    "a database of a kind that is none": ("TASKS_DATABASE_URL", "oracel://ana:{encoded}@{nobody}/x"),
    "a database URL that is none": ("TASKS_DATABASE_URL", "postgresql//ana:{password}@{nobody}/x"),
    "a database without its driver": ("TASKS_DATABASE_URL", "postgresql+pg8000://ana:{encoded}@{nobody}/x"),
    "mail settings that are no JSON": ("TASKS_SMTP", '{{"password": "{password}'),
    "mail settings of wrong types": ("TASKS_SMTP", '{{"password": ["{password}"]}}'),
    "mail settings of other names": ("TASKS_SMTP__PASSWROD", "{password}"),
    "a secret where a number is expected": ("TASKS_SMTP__PORT", "{password}"),
}


def assert_kept(output: str) -> None:
    """Look for the password, and for what is left of it in a URL that is cut at the wrong place."""
    for secret in (PASSWORD, quote(PASSWORD), ENCODED, "sesame", "open%", "open s"):
        assert secret not in output, output


@pytest.mark.parametrize("where", PLANTED)
def test_no_secret_is_printed(where: str, tmp_path: Path) -> None:
    name, pattern = PLANTED[where]
    variable = {name: pattern.format(password=PASSWORD, encoded=ENCODED, nobody=nobody())}
    for words in (("check",), ("check", "--json"), ("letters", "list")):
        result = call(*words, TASKS_STATE_DIR=str(tmp_path), **variable)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == 1
        assert_kept(result.output)


def test_a_secret_that_a_server_repeats_is_not_printed(redis_url: str, tmp_path: Path) -> None:
    password = PASSWORD.encode("ascii", "ignore").decode()  # smtplib sends no other
    sent = base64.b64encode(f"\0ana\0{password}".encode()).decode()
    with scripted_smtp({"AUTH": f"535 5.7.8 neither {sent} nor {password} is right"}) as port:
        result = call(
            "check",
            "--json",
            TASKS_REDIS_URL=redis_url,
            TASKS_STATE_DIR=str(tmp_path),
            TASKS_SMTP__HOST="127.0.0.1",
            TASKS_SMTP__PORT=str(port),
            TASKS_SMTP__SECURITY="none",
            TASKS_SMTP__USERNAME="ana",
            TASKS_SMTP__PASSWORD=password,
        )
    ((ok, words),) = findings(result)["mail"]
    assert (result.exit_code, ok) == (1, False)
    assert "5.7.8 neither *** nor *** is right" in words
    assert sent not in result.output
    assert_kept(result.output)
