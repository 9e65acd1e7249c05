from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tasks_platform.celery import PlatformApp
from tasks_platform.errors import SealingError, SettingsError
from tasks_platform.sealing import KeyRing, kept_ring, new_key
from tasks_platform.settings import Sealing, Settings

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
ENCODED = base64.b64encode(KEY).decode()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        (f"a:{ENCODED}", ["a"]),
        (f"new:{ENCODED},old:{ENCODED}", ["new", "old"]),
        (f"# of the shop\n\nnew:{ENCODED}  # since May\n old: {ENCODED}\n", ["new", "old"]),
        (f"a:{base64.urlsafe_b64encode(KEY).decode().rstrip('=')}", ["a"]),
    ],
)
def test_the_first_key_of_a_list_or_a_file_seals(text, names):
    ring = KeyRing.read(text)

    assert list(ring.keys) == names
    assert ring.active == (names[0] if names else None)
    assert all(key == KEY for key in ring.keys.values())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("hunter2hunter2", 1),
        ("a:hunter2", 1),
        (f"a:{ENCODED},b c:{ENCODED}", 2),
        (f"a:{ENCODED},a:{ENCODED}", 2),
        (f"a:{base64.b64encode(KEY[:31]).decode()}", 1),
    ],
)
def test_what_is_no_key_is_refused_by_its_number_and_not_shown(text, number):
    with pytest.raises(ValueError, match=f"key {number} of ") as refused:
        KeyRing.read(text)

    assert "hunter2" not in str(refused.value)
    assert ENCODED not in str(refused.value)


def test_a_new_key_is_another_one_every_time_and_can_be_read():
    first, second = (KeyRing.read(new_key("k")) for _ in range(2))

    assert first.keys["k"] != second.keys["k"]
    with pytest.raises(ValueError, match="'k:' cannot name a key"):
        new_key("k:")


def test_keys_are_never_shown_by_what_holds_them():
    settings = Settings(sealing=Sealing(keys=f"a:{ENCODED}"))

    assert ENCODED not in repr(settings)
    assert "\\x1f" not in repr(settings.sealing.ring)


def test_the_keys_of_a_file_come_after_those_of_the_variable(tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(f"{new_key('old')}\n")

    assert list(Sealing(keys=f"new:{ENCODED}", keys_file=file).ring.keys) == ["new", "old"]
    assert list(Sealing(keys_file=file).ring.keys) == ["old"]


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None):
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError, match=f"TASKS_SEALING__KEYS_FILE: {file} cannot be used"):
        _ = Sealing(keys_file=file).ring


class TestAKeyOfOnesOwn:
    def test_is_had_by_who_runs_on_a_server_of_their_own_and_by_nobody_else(self, tmp_path: Path):
        mine = PlatformApp("mine", settings=Settings(state_dir=tmp_path), set_as_current=False)
        shared = PlatformApp("shared", settings=Settings(redis_url="redis://cache"), set_as_current=False)

        assert mine.ring.keys == kept_ring(tmp_path).keys
        assert not shared.ring

    def test_is_made_once_however_many_ask_and_is_for_this_user_alone(self, tmp_path: Path):
        folder = tmp_path / "state"
        with ThreadPoolExecutor(8) as pool:
            rings = list(pool.map(lambda _: kept_ring(folder), range(16)))

        assert all(ring.keys == rings[0].keys for ring in rings)
        assert [file.name for file in folder.iterdir()] == ["sealing.keys"]
        assert stat.S_IMODE((folder / "sealing.keys").stat().st_mode) == 0o600

    def test_has_another_name_when_it_is_made_again(self, tmp_path: Path):
        before = kept_ring(tmp_path)
        (tmp_path / "sealing.keys").unlink()

        assert kept_ring(tmp_path).active != before.active

    def test_that_cannot_be_read_is_an_error_and_never_replaced(self, tmp_path: Path):
        (tmp_path / "sealing.keys").write_text("half a k")

        with pytest.raises(SealingError, match=r"sealing\.keys: key 1 of 1 is not NAME:KEY"):
            kept_ring(tmp_path)
        assert (tmp_path / "sealing.keys").read_text() == "half a k"
