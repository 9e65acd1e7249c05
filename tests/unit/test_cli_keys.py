from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from command_line import call, refusal
from tasks_platform.sealing import KeyRing, new_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("options", "named"), [((), "20"), (("--name", "spring"), "spring:")])
def test_a_new_key_can_be_used_as_it_is_printed(options: tuple[str, ...], named: str):
    result = call("keys", "new", *options)

    assert result.exit_code == 0
    assert result.stdout.startswith(named)
    assert len(KeyRing.read(result.stdout).keys) == 1


def test_a_name_that_cannot_be_one_is_refused():
    result = call("keys", "new", "--name", "a:b")

    assert result.exit_code == 2
    assert "'a:b' cannot name a key" in result.stderr


def test_the_names_are_listed_the_active_one_first_and_never_the_keys(tmp_path: Path):
    new, old = new_key("new"), new_key("old")
    (tmp_path / "keys").write_text(old)
    variables = {"TASKS_SEALING__KEYS": new, "TASKS_SEALING__KEYS_FILE": str(tmp_path / "keys")}
    shown, machine = call("keys", "list", **variables), call("keys", "list", "--json", **variables)

    assert "sealing: new (active), old\n" in shown.stdout
    assert json.loads(machine.stdout)["sealing"] == {"active": "new", "keys": ["new", "old"]}
    for key in (new, old):
        assert key.partition(":")[2] not in shown.stdout + machine.stdout


def test_without_a_key_it_says_so():
    assert "sealing: no key is set\n" in call("keys", "list").stdout


def test_a_key_that_is_none_is_refused_by_its_variable_and_not_shown():
    refused = refusal(call("keys", "list", TASKS_SEALING__KEYS="mine:hunter2"))

    assert refused.startswith("TASKS_SEALING__KEYS: ")
    assert "key 1 of 1 is not NAME:KEY" in refused
    assert "hunter2" not in refused
