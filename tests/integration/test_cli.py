"""The commands that need a server and no worker: what they print, and how they refuse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import pytest
from rich.cells import cell_len

from acceptance import flow_tasks as tasks
from command_line import call, refusal
from redis_server import free_port
from tasks_platform.cli import main
from tasks_platform.policies import DeadLetters
from tasks_platform.policy import Run, Verdict
from tasks_platform.store import RedisStore
from tasks_platform.task.envelope import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What would be taken for markup, for an emoji, or for an order to the terminal.
ODD = f"[red]no[/] [/nothing] :warning: [link=https://x.example]Größe 東京[/link] {'long' * 30}"
STEERING = "\x1b[31mred\x1b[0m \x07\r\n done"


class OddError(Exception):
    pass


@pytest.fixture
def store(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisStore]:
    """Return the records on an empty server, which the commands find in their environment."""
    monkeypatch.setenv("TASKS_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKS_MODULES", "acceptance.flow_tasks")
    monkeypatch.setenv("TASKS_BUSINESS", "false")
    store = RedisStore(redis_url)
    yield store
    store.client.close()


def bury(store: RedisStore, job_id: str, error: str = ODD, *, args: tuple[Any, ...] = (-1,), **own: Any) -> str:
    """Write the letter of a job of the task ``number``."""
    message = {
        "task": tasks.number.name,
        "args": list(args),
        "kwargs": {},
        "options": {"task_id": job_id, "queue": "default", "headers": {HEADER: own}, "chain": own.pop("chain", None)},
    }
    run = Run(
        task=tasks.number.name,
        job_id=job_id,
        attempt=3,
        args=args,
        kwargs={},
        arguments=dict,
        store=store,
        headers=own,
        message=lambda: message,
        worker="worker@box",
    )
    with pytest.raises(OddError) as raised:
        raise OddError(error)
    DeadLetters().failed(run, raised.value, Verdict)
    return job_id


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    yield words
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*words, name))


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words) or "all") for words in commands(main)])
def test_every_command_describes_itself(words: tuple[str, ...]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    usage, _, rest = result.output.partition("\n\n")
    assert usage.startswith("Usage:")
    assert "..." not in rest  # no description is cut off


def test_an_unknown_command_is_refused() -> None:
    assert call("lettres").exit_code == 2


class TestLetters:
    def test_without_any_it_says_so(self, store: RedisStore) -> None:
        assert call("letters", "list").output == "There are no dead letters.\n"
        assert json.loads(call("letters", "list", "--json").output) == {"letters": [], "after": None}

    @pytest.mark.checklist(36)
    @pytest.mark.parametrize("columns", [80, 120])
    def test_tables_fit_the_terminal_and_keep_the_text(self, store: RedisStore, columns: int) -> None:
        for number in range(3):
            bury(store, f"{number}fea1c2e-7f0e-4d3f-9d27-ab9ff9b9b3b{number}")
        listed = call("letters", "list", columns=columns)
        assert listed.exit_code == 0
        assert max(cell_len(line) for line in listed.output.splitlines()) <= columns
        words = re.sub(r"\s+", " ", listed.output)
        assert "3 dead letters" in words
        assert "2fea1c2e" in words
        assert "[/nothing]" in words
        assert ":warning:" in words

    @pytest.mark.parametrize("columns", [80, 120])
    def test_a_letter_is_shown_with_all_there_is_to_know(self, store: RedisStore, columns: int) -> None:
        job_id = bury(store, "a-letter", f"{ODD}{STEERING}", tenant="acme", args=(-1, "[b]x"))
        shown = call("letters", "show", job_id, columns=columns).output
        words = re.sub(r"\s+", " ", shown)
        assert "\N{HORIZONTAL ELLIPSIS}" not in shown  # nothing is cut off
        for expected in (
            "acceptance.flow_tasks.number dead",
            "letter a-letter",
            "tenant acme",
            ODD,
            'diary "[b]x"',
            "value -1",
        ):
            assert expected in words
        assert "Traceback (most recent call last):" in shown
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", shown)

    def test_machines_get_json(self, store: RedisStore) -> None:
        bury(store, "one"), bury(store, "two")
        assert [letter["id"] for letter in json.loads(call("letters", "list", "--json").output)["letters"]] == [
            "two",
            "one",
        ]
        assert json.loads(call("letters", "show", "one", "--json").output)["cause"]["message"] == ODD
        edited = json.loads(call("letters", "edit", "one", "--set", "value=1", "--json").output)
        assert edited["message"]["args"] == [1]
        assert json.loads(call("letters", "replay", "one", "--json").output)["id"] == "one"
        assert json.loads(call("letters", "discard", "two", "--yes", "--json").output)["id"] == "two"

    def test_a_list_can_be_cut(self, store: RedisStore) -> None:
        for name in ("one", "two", "three"):
            bury(store, name)
        cut = call("letters", "list", "--limit", "1", "--offset", "1").output
        assert "1 of 3 dead letters" in cut
        assert "two" in cut
        assert "one" not in cut
        assert call("letters", "list", "--offset", "9").output == "There are only 3 dead letters.\n"

    def test_ids_are_as_long_as_it_takes_to_tell_them_apart(self, store: RedisStore) -> None:
        bury(store, "import:acme:1234567890"), bury(store, "import:acme:1299999999")
        listed = call("letters", "list").output
        assert "import:acme:123" in listed
        assert "import:acme:1234" not in listed
        assert call("letters", "show", "import:acme:123").exit_code == 0

    def test_what_cannot_be_done_is_said(self, store: RedisStore) -> None:
        bury(store, "one-letter")
        bury(store, "one-other")
        assert refusal(call("letters", "show", "three")).startswith("there is no dead letter 'three'")
        assert refusal(call("letters", "show", "")).startswith("there is no dead letter ''")
        assert refusal(call("letters", "show", "one")).startswith("'one' is the beginning of 2 dead letters: ")
        assert refusal(call("letters", "replay", "three")).startswith("there is no dead letter 'three'")
        assert refusal(call("letters", "edit", "one-l", "--set", "value")) == "--set 'value': it is NAME=VALUE"
        assert "has no parameter price" in refusal(call("letters", "edit", "one-l", "--set", "price=1"))
        wrong = refusal(call("letters", "edit", "one-l", "--set", "value=sesame"))
        assert "value: Input should be a valid integer" in wrong
        assert "sesame" not in wrong

    def test_a_value_may_be_typed_in_unseen(self, store: RedisStore) -> None:
        bury(store, "one")
        edited = call("letters", "edit", "one", "--ask", "value", given="4711\n")
        assert store.letter("one")["message"]["args"] == [4711]
        assert "4711" not in edited.stderr
        assert call("letters", "edit", "one").exit_code == 2

    @pytest.mark.parametrize(
        ("change", "expected"),
        [("value=7", [7]), ('value="8"', [8]), ("diary=10115", [-1, "10115"]), ('diary="a b"', [-1, "a b"])],
    )
    def test_values_are_json_or_text(self, store: RedisStore, change: str, expected: list[Any]) -> None:
        bury(store, "one")
        changed = call("letters", "edit", "one", "--set", change)
        assert changed.exit_code == 0, changed.output
        assert json.loads(call("letters", "show", "one", "--json").output)["message"]["args"] == expected

    def test_a_task_of_a_module_that_is_not_named_is_asked_for(self, store: RedisStore) -> None:
        bury(store, "one")
        sentence = refusal(call("letters", "edit", "one", "--set", "value=1", TASKS_MODULES="no.such.module"))
        assert "a task module cannot be imported: ModuleNotFoundError" in sentence
        assert call("letters", "show", "one", TASKS_MODULES="no.such.module").exit_code == 0

    def test_discarding_asks_first(self, store: RedisStore) -> None:
        job_id = bury(store, "one", flow="billing", rule="park")
        refused = call("letters", "discard", job_id, given="n\n")
        assert refused.exit_code == 1
        assert "The flow billing waits for it and will fail." in refused.stderr
        assert store.letter(job_id) is not None

    @pytest.mark.checklist(37)
    @pytest.mark.parametrize(
        ("own", "expected"),
        [
            ({}, "was sent again"),
            (
                {"chain": [{"task": "next"}]},
                "was sent again and is run alone: what it was part of has failed with it",
            ),
            (
                {"flow": "billing", "rule": "fail"},
                "was sent again and is run alone: what it was part of has failed with it",
            ),
            ({"flow": "billing", "rule": "park"}, "was sent again and goes on with its flow billing"),
        ],
        ids=["a job", "a step of a chain", "a step of a flow that failed", "a parked step"],
    )
    def test_a_replay_says_what_it_does(self, store: RedisStore, own: dict[str, Any], expected: str) -> None:
        job_id = bury(store, "one", **own)
        assert call("letters", "replay", job_id).output == f"{tasks.number.name}[one] {expected}\n"


class TestFlows:
    @pytest.mark.parametrize("columns", [80, 120])
    def test_flows_and_their_steps_are_shown(self, store: RedisStore, columns: int) -> None:
        step = {"task": "x", "label": "Mail [b]", "subject": f"{ODD} & Co", "weight": 1.0, "after": []}
        flow = {"kind": "test", "rule": "park", "tenant": None, "created_at": 1.0, "canvas": {}}
        store.create_flow("billing:[2026]", flow, {f"job-{n}": step for n in range(3)})
        store.mark_step("billing:[2026]", "job-0", "succeeded")
        store.mark_step("billing:[2026]", "job-1", "parked")
        listed, shown = (call("flows", *words, columns=columns) for words in (("list",), ("show", "billing:[2026]")))
        assert re.search(r"billing:\[2026\]\s+running\s+33 %\s+3", listed.output)
        assert "billing:[2026]: running, 33 %" in shown.output
        assert "Mail [b]" in shown.output
        assert "[/nothing]" in shown.output
        assert max(cell_len(line) for line in shown.output.splitlines()) <= columns
        assert json.loads(call("flows", "list", "--json").output) == [
            {"id": "billing:[2026]", "state": "running", "progress": pytest.approx(33.3, abs=0.1)}
        ]
        flow = json.loads(call("flows", "show", "billing:[2026]", "--json").output)
        assert [step["state"] for step in flow["steps"]] == ["succeeded", "parked", "pending"]

    def test_without_any_it_says_so(self, store: RedisStore) -> None:
        assert call("flows", "list").output == "There are no flows.\n"

    def test_an_unknown_flow_is_refused(self, store: RedisStore) -> None:
        assert refusal(call("flows", "show", "nowhere")) == "there is no flow 'nowhere'"


class TestTrouble:
    def test_without_a_server_the_remedies_are_named(self) -> None:
        sentence = refusal(call("letters", "list"))
        assert sentence.startswith("there is no Redis server: set TASKS_REDIS_URL, or TASKS_EMBEDDED=1")

    def test_a_server_that_does_not_answer_is_named_without_its_password(self) -> None:
        url = f"redis://ana:sesame@127.0.0.1:{free_port()}/0"
        sentence = refusal(call("letters", "list", TASKS_REDIS_URL=url))
        assert re.match(r"the Redis server at redis://\*\*\*@127\.0\.0\.1:\d+/0 does not answer: .*refused", sentence)
        assert "sesame" not in sentence

    def test_a_password_that_breaks_its_url_is_not_shown(self) -> None:
        sentence = refusal(call("letters", "list", TASKS_REDIS_URL="redis://:open/sesame@127.0.0.1:1/0"))
        assert "have to be percent-encoded" in sentence
        assert "open" not in sentence
        assert "sesame" not in sentence

    def test_settings_that_cannot_be_read_are_all_named(self) -> None:
        sentence = refusal(call("letters", "list", TASKS_SMTP__PORT="many", TASKS_EMBEDDED="perhaps"))
        assert "TASKS_SMTP__PORT: " in sentence
        assert "TASKS_EMBEDDED: " in sentence

    def test_a_variable_that_is_no_json_is_named(self) -> None:
        assert "smtp" in refusal(call("flows", "list", TASKS_SMTP="sesame")).lower()
